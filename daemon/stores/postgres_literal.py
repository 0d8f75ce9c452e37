"""Values as SQL text writes them."""


def literal(value: object) -> str:
    """As SQL writes it, whatever standard_conforming_strings says."""
    match value:
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case None:
            return "null"
        case _:
            text = str(value).replace("'", "''")
            return f"E'{text.replace(chr(92), chr(92) * 2)}'" if "\\" in text else f"'{text}'"
