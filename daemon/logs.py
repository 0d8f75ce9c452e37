"""How events look: readable on a terminal, one JSON object a line elsewhere."""

import logging
import sys
from typing import TextIO

import structlog


def configure(level: str, style: str, stream: TextIO | None = None) -> None:
    """Sets up structlog and the standard library's logging, which libraries use.

    `style` is auto, console or json; auto means console on a terminal.
    """
    out = stream or sys.stderr
    console = style == "console" or (style == "auto" and out.isatty())
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="%H:%M:%S" if console else "iso", utc=not console),
    ]
    render: list[structlog.typing.Processor] = (
        [
            structlog.dev.ConsoleRenderer(
                colors=out.isatty(),
                pad_event_to=0,
                pad_level=False,
                sort_keys=False,
                # The default shows local variables, and with them document bodies.
                exception_formatter=structlog.dev.plain_traceback,
            )
        ]
        if console
        else [
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ]
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *render],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)  # libraries only when they complain
    logging.getLogger("nfed").setLevel(level)
    # A name that is not UTF-8 must not end a log line half-way.
    if hasattr(out, "reconfigure"):
        out.reconfigure(errors="backslashreplace")
