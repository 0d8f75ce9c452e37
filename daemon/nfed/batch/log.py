"""Sends what the library logs to the standard library's logging, as any library does."""

import logging

import structlog


def through_logging() -> None:
    """Sends events to the logger `nfed`, unless the program has set up structlog itself.

    structlog alone would print every one of them, and logging those that warn where the program
    has not set it up either: a library is silent unless it is asked.
    """
    logger = logging.getLogger("nfed")
    if not any(isinstance(each, logging.NullHandler) for each in logger.handlers):
        logger.addHandler(logging.NullHandler())
    if structlog.is_configured():
        return
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.contextvars.merge_contextvars,
            structlog.processors.format_exc_info,
            structlog.processors.KeyValueRenderer(key_order=["event"]),
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
