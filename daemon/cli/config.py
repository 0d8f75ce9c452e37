"""`nfed config`: every setting, its value and where it came from."""

from pathlib import Path

from daemon.cli import output
from daemon.settings import Settings, load, masked


def say_config(folder: Path | None, database: str | None, *, as_json: bool) -> None:
    """Says it; secrets are masked."""
    loaded = load({"xml_folder": folder, "database_url": database})
    if as_json:
        output.say_json(
            {
                name: {
                    "value": _json_value(loaded.settings, name),
                    "origin": origin,
                    "description": Settings.model_fields[name].description,
                }
                for name, origin in loaded.origins.items()
            }
        )
        return
    table = output.table("setting", "value", "from", "what it is")
    for name, origin in loaded.origins.items():
        table.add_row(
            name,
            _shown_value(loaded.settings, name),
            origin,
            Settings.model_fields[name].description or "",
        )
    output.say_table(table)


def _shown_value(settings: Settings, name: str) -> str:
    value = settings.ledger_path if name == "ledger" else getattr(settings, name)
    return masked(name, value)


def _json_value(settings: Settings, name: str) -> object:
    value = getattr(settings, name)
    if value is None and name != "ledger":
        return masked(name, value) or None
    if isinstance(value, bool | int | float):
        return value
    return _shown_value(settings, name)
