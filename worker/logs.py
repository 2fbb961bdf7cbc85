"""Logging: one line per event, for people or as JSON, without characters that move a cursor.

An event is a short constant text with fields: `logger.info("batch done", published=3)`. The current
job, batch, source and document are set once with :func:`log_context`; then every line of this
thread or coroutine has them as fields, the libraries' lines too.

::

    context, record → exception as data → no credentials → escaped → rendered

The chain is structlog's. Our own: :class:`Logger`, because importing structlog loads rich and costs
each command 0.1 to 0.3 s (a process that configures nothing gets plain records of :mod:`logging`
with an attribute `fields`); :class:`_Lines` and :func:`_exception`, for the tests named there.
"""

import logging
import os
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from math import isfinite
from types import TracebackType
from typing import TYPE_CHECKING, Any

from worker.escape import printable
from worker.redact import HIDDEN, is_secret_name, keep_secret, redacted
from worker.settings import LIBRARIES, LogSettings, Settings, list_secrets

if TYPE_CHECKING:
    from structlog.typing import EventDict, Processor, WrappedLogger

_CHATTER = ("celery.worker.strategy", "celery.app.trace", "celery.beat", "kombu", "watchdog")
"""Loggers that write lines at every tick; shown only with `log.level` debug."""

_FIRST = ("timestamp", "level", "event", "job", "batch", "source", "document", "error")
"""The first fields of a line, in order; the others follow."""

_context: ContextVar[Mapping[str, object]] = ContextVar("log_context", default={})  # noqa: B039
"""Not structlog's, which has a variable for each field: 25 µs an article instead of 5."""

_MAX_CHARACTERS = 4_000  # of one value
_MAX_DEPTH = 6
_MAX_FRAMES = 20


class Logger:
    """Logs events with their fields for one module."""

    def __init__(self, name: str) -> None:
        self._logger = logging.getLogger(name)

    def debug(self, event: str, **fields: object) -> None:
        self._log(logging.DEBUG, event, fields)

    def info(self, event: str, **fields: object) -> None:
        self._log(logging.INFO, event, fields)

    def warning(self, event: str, **fields: object) -> None:
        self._log(logging.WARNING, event, fields)

    def error(self, event: str, *, exc_info: BaseException | None = None, **fields: object) -> None:
        self._log(logging.ERROR, event, fields, exc_info)

    def _log(
        self,
        level: int,
        event: str,
        fields: Mapping[str, object],
        exc_info: BaseException | None = None,
    ) -> None:
        # In one attribute: a record has a `name` and a `process` of its own.
        self._logger.log(level, event, exc_info=exc_info, extra={"fields": fields})


def get_logger(name: str) -> Logger:
    return Logger(name)


def log_waiting(logger: Logger, sentence: str) -> None:
    """Log a condition that delays the work and may end by itself."""
    logger.warning("the work waits", error=sentence)


@contextmanager
def log_context(**fields: object) -> Iterator[None]:
    """Add these fields to every line of this thread or coroutine; None values are left out. Do not
    use it around a `yield`: the caller's lines would get the fields too."""
    named = {name: value for name, value in fields.items() if value is not None}
    token = _context.set({**_context.get(), **named})
    try:
        yield
    finally:
        _context.reset(token)


def configure_logging(settings: Settings) -> None:
    """Send every logger of this process to standard error, as `settings.log` says."""
    keep_secret(*list_secrets(settings))
    log = settings.log
    handler = _Lines()
    handler.setFormatter(_formatter(log))
    root = logging.getLogger()
    root.handlers = [handler]
    logging.getLogger("worker").handlers = []  # of the command line
    root.setLevel(log.level.upper())
    for name in _CHATTER:
        quiet = log.level != "debug" and name.split(".")[0] not in log.levels
        logging.getLogger(name).setLevel("WARNING" if quiet else "NOTSET")
    for part, level in log.levels.items():
        of_library = part.split(".")[0] in LIBRARIES
        logging.getLogger(part if of_library else f"worker.{part}").setLevel(level.upper())
    logging.captureWarnings(True)
    _log_uncaught_errors()


def is_json(log: LogSettings) -> bool:
    """Whether lines are JSON: as set, or because there is no terminal."""
    return log.format == "json" or (log.format == "auto" and not sys.stderr.isatty())


def write_json(event: str) -> None:
    """Write a line without loggers and their locks: for a signal handler."""
    record = logging.LogRecord("celery", logging.INFO, "", 0, "%s", (event,), None)
    _write(logging.getLogger().handlers[0].format(record))


def plain(record: logging.LogRecord) -> str:
    """A record for a person at a terminal: the event, then its fields."""
    fields = dict(getattr(record, "fields", {}))
    return summary(safe(record.getMessage()), {name: safe(value) for name, value in fields.items()})


def summary(event: str, fields: Mapping[str, Any]) -> str:
    """`event: error (field value, …)`."""
    rest = ", ".join(f"{name} {value}" for name, value in fields.items() if name != "error")
    error = f": {fields['error']}" if fields.get("error") else ""
    return f"{event}{error}" + (f" ({rest})" if rest else "")


def safe_values(_: "WrappedLogger", __: str, event: "EventDict") -> "EventDict":
    """Remove credentials and escape every value, the last step before rendering."""
    return {safe(key): _safe_field(key, value, _MAX_DEPTH) for key, value in event.items()}


def safe(value: object) -> str:
    """A value on one line, without credentials, escaped for terminals.

    Text that is escaped already stays: backslashes are not doubled.
    """
    try:
        text = os.fsdecode(value) if isinstance(value, bytes) else str(value)
    except Exception:  # the object's own code may raise anything
        text = f"<{type(value).__name__} that cannot be shown>"
    text = redacted(text[: 4 * _MAX_CHARACTERS]).strip()  # Celery's may end with line breaks
    return printable(text, _MAX_CHARACTERS).replace("\\\\", "\\")


def _safe_field(name: object, value: object, depth: int) -> Any:
    if isinstance(name, str) and is_secret_name(name) and value:
        return HIDDEN
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if isfinite(value) else str(value)  # JSON cannot represent it
    if isinstance(value, Mapping) and depth:
        return {safe(key): _safe_field(key, item, depth - 1) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset) and depth:
        return [_safe_field(None, item, depth - 1) for item in value]
    return safe(value)


def _formatter(log: LogSettings) -> logging.Formatter:
    from structlog.stdlib import ProcessorFormatter

    steps = [_add_record, _exception(), safe_values, *_renderers(log)]
    return ProcessorFormatter(processors=steps, use_get_message=True)


def _add_record(_: "WrappedLogger", __: str, event: "EventDict") -> "EventDict":
    """Add the context, the record's fields and its time, level, logger and process, in order."""
    record: logging.LogRecord = event.pop("_record")
    del event["_from_structlog"]
    fields = {
        **_context.get(),
        **event,
        **getattr(record, "fields", {}),
        "timestamp": _timestamp(record.created),
        "level": record.levelname.lower(),
        "event": _join_lines(event["event"]),
        "logger": record.name,
        "pid": record.process,
    }
    return {name: fields[name] for name in (*_FIRST, *fields) if name in fields}


def _join_lines(event: str) -> str:
    """A message on one line: some of Celery's have several (`test_messages_of_several_lines`)."""
    return " ".join(event.split("\n")) if "\n" in event else event


def _timestamp(seconds: float) -> str:
    text = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def _exception() -> "Processor":
    """Make an exception data. Without locals, which are bodies, addresses and passwords
    (`test_no_locals_are_logged`); frames are one text each, to keep a line readable."""
    from structlog.tracebacks import ExceptionDictTransformer

    transform = ExceptionDictTransformer(show_locals=False, max_frames=_MAX_FRAMES)

    def process(_: "WrappedLogger", __: str, event: "EventDict") -> "EventDict":
        exc_info = event.pop("exc_info", None)
        if isinstance(exc_info, tuple) and exc_info[0] is not None:
            try:
                event["exception"] = [_stack(stack) for stack in transform(exc_info)]
            except Exception:  # structlog cannot read Celery's copies of a child's tracebacks
                event["exception"] = [{"exc_type": exc_info[0].__name__, "exc_value": exc_info[1]}]
        return event

    return process


def _stack(stack: dict[str, Any]) -> dict[str, Any]:
    data = {"exc_type": stack["exc_type"], "exc_value": stack["exc_value"]}
    data["frames"] = [f"{f['filename']}:{f['lineno']} {f['name']}" for f in stack["frames"]]
    if notes := stack.get("exc_notes"):
        data["exc_notes"] = notes
    if group := stack.get("exceptions"):
        data["exceptions"] = [[_stack(inner) for inner in chain] for chain in group]
    return data


def _renderers(log: LogSettings) -> "list[Processor]":
    import structlog

    if is_json(log):
        return [structlog.processors.JSONRenderer(ensure_ascii=False)]
    colours = sys.stderr.isatty() and not os.environ.get("NO_COLOR")
    return [_flat, structlog.dev.ConsoleRenderer(colors=colours, pad_event_to=0, sort_keys=False)]


def _flat(_: "WrappedLogger", __: str, event: "EventDict") -> "EventDict":
    """For people: the logger only where it is not ours, and an exception in one line, its
    innermost frame first."""
    event.pop("pid", None)
    if event["logger"].startswith("worker."):
        del event["logger"]
    stacks = event.pop("exception", None)
    if stacks:
        event["raised"] = " < ".join(_flat_stack(stack) for stack in stacks)
    return event


def _flat_stack(stack: Mapping[str, Any]) -> str:
    frames = reversed(stack.get("frames", ()))
    return f"{stack['exc_type']}: {stack['exc_value']} [{' < '.join(frames)}]"


class _Lines(logging.Handler):
    """Writes each record with one call, so that the lines of several processes do not mix, and a
    record that cannot be formatted as a line too (`test_uncaught_errors_are_lines`)."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = self.format(record)
        except Exception as error:  # values that do not fit the format: a bug of the caller
            text = f"a line of {record.name} cannot be written: {type(error).__name__}"
            line = self.format(logging.LogRecord(__name__, logging.ERROR, "", 0, text, (), None))
        _write(line)


def _write(line: str) -> None:
    try:
        data = memoryview(line.encode("utf-8", "backslashreplace") + b"\n")
        while data:
            data = data[os.write(2, data) :]
    except OSError:
        return  # the reader is gone or the disk is full: logging must not stop the work


def _log_uncaught_errors() -> None:
    """Log uncaught errors as lines, instead of tracebacks with unescaped text."""
    logger = logging.getLogger(__name__)

    def log_process_error(
        kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        if issubclass(kind, KeyboardInterrupt):
            return
        logger.critical("ended by an error", exc_info=(kind, error, trace))

    def log_thread_error(raised: threading.ExceptHookArgs) -> None:
        if raised.exc_value is not None and raised.exc_type is not SystemExit:
            logger.critical(
                "a thread was ended by an error",
                exc_info=(raised.exc_type, raised.exc_value, raised.exc_traceback),
            )

    sys.excepthook = log_process_error
    threading.excepthook = log_thread_error
