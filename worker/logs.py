"""Logging: one line an event, for people or as JSON, with nothing in it that moves a cursor."""

import logging
import sys
import unicodedata
from typing import Any

import structlog
from structlog.tracebacks import ExceptionDictTransformer
from structlog.typing import EventDict, Processor, WrappedLogger

from worker.settings import Log

_CHATTER = ("celery.worker.strategy", "celery.app.trace", "celery.beat", "kombu", "watchdog")
"""Loggers that say something at every tick; heard only where everything is (`log.level` debug)."""

_HIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def configure_logging(log: Log) -> None:
    """Send every logger of this process to standard error, in the format and level of `log`."""
    as_json = log.format == "json" or (log.format == "auto" and not sys.stderr.isatty())
    before: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        escape_values,
    ]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=before,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *_renderers(as_json),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(log.level.upper())
    for name in _CHATTER:
        logging.getLogger(name).setLevel("DEBUG" if log.level == "debug" else "WARNING")
    structlog.configure(
        processors=[*before, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def escape_values(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Escape control and format characters in every string: the last door before a terminal.

    Outside text is escaped where it enters a message; this is for messages of libraries.
    """
    return {key: _one_line(value) for key, value in event.items()}


def _one_line(value: Any) -> Any:
    if not isinstance(value, str) or (value.isascii() and value.isprintable()):
        return value
    value = value.strip()  # Celery ends some messages with line breaks
    return "".join(
        char.encode("unicode_escape").decode() if unicodedata.category(char) in _HIDDEN else char
        for char in value
    )


def _renderers(as_json: bool) -> list[Processor]:
    if as_json:
        return [
            structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False)),
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ]
    return [
        structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    ]
