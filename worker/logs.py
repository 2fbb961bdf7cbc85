"""Logging: one line an event, for people or as JSON, with nothing in it that moves a cursor.

An event is a short text that stays the same, and fields: `logger.info("batch done", published=3)`.
What is in hand (job, batch, source, document) is :func:`bound` once and is then a field of every
line of this thread or coroutine, of the libraries' lines as well.

::

    what is in hand, what is said → what was raised, as data → no credentials → escaped → rendered

A process that configures nothing (a command, or a program that uses newsdrop as a library) has
plain records of :mod:`logging`, whose `fields` attribute holds the rest.
"""

import logging
import os
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from math import isfinite
from types import TracebackType
from typing import TYPE_CHECKING, Any

from worker.escape import printable
from worker.redact import HIDDEN, is_secret_name, keep_secret, redacted
from worker.settings import LIBRARIES, LogSettings, Settings, secrets_of

if TYPE_CHECKING:  # it loads rich, which costs each command a tenth of a second
    from structlog.typing import EventDict, Processor, WrappedLogger

_CHATTER = ("celery.worker.strategy", "celery.app.trace", "celery.beat", "kombu", "watchdog")
"""Loggers that say something at every tick; heard only where everything is (`log.level` debug)."""

_FIRST = ("timestamp", "level", "event", "job", "batch", "source", "document", "error")
"""The order in a line; the other fields come behind."""

_LONGEST = 4_000  # characters of one value
_DEEPEST = 6
_FRAMES = 20


_in_hand: ContextVar[Mapping[str, object]] = ContextVar("in_hand", default={})  # noqa: B039


class Logger:
    """What a module logs with: an event and its fields."""

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
        # Together in one attribute: a record has a `name` and a `process` of its own.
        self._logger.log(level, event, exc_info=exc_info, extra={"fields": fields})


def get_logger(name: str) -> Logger:
    """The logger of a module, `__name__`."""
    return Logger(name)


def log_waiting(logger: Logger, sentence: str) -> None:
    """Say what keeps the work from beginning and may get well by itself."""
    logger.warning("the work waits", error=sentence)


@contextmanager
def log_context(**fields: object) -> Iterator[None]:
    """Within it every line of this thread or coroutine has these fields; those that are None are
    left out. Not around a `yield`: the caller's lines would have them, too."""
    said = {name: value for name, value in fields.items() if value is not None}
    token = _in_hand.set({**_in_hand.get(), **said})
    try:
        yield
    finally:
        _in_hand.reset(token)


def configure_logging(settings: Settings) -> None:
    """Send every logger of this process to standard error, as `settings.log` says."""
    keep_secret(*secrets_of(settings))
    log = settings.log
    handler = _Lines()
    handler.setFormatter(_Formatter([_exception(), safe_values, *_renderers(log)]))
    root = logging.getLogger()
    root.handlers = [handler]
    logging.getLogger("worker").handlers = []  # of the command that became this process
    root.setLevel(log.level.upper())
    for name in _CHATTER:
        quiet = log.level != "debug" and name.split(".")[0] not in log.levels
        logging.getLogger(name).setLevel("WARNING" if quiet else "NOTSET")
    for part, level in log.levels.items():
        of_library = part.split(".")[0] in LIBRARIES
        logging.getLogger(part if of_library else f"worker.{part}").setLevel(level.upper())
    logging.captureWarnings(True)
    _catch_what_ends_threads()


def is_json(log: LogSettings) -> bool:
    """Whether lines are JSON: asked for, or nobody looks on."""
    return log.format == "json" or (log.format == "auto" and not sys.stderr.isatty())


def write_json(event: str) -> None:
    """A line past all loggers and their locks: for a signal's handler."""
    record = logging.LogRecord("celery", logging.INFO, "", 0, "%s", (event,), None)
    _write(logging.getLogger().handlers[0].format(record))


def plain(record: logging.LogRecord) -> str:
    """A record for a person at a terminal: the event, then its fields."""
    fields = dict(getattr(record, "fields", {}))
    return told(safe(record.getMessage()), {name: safe(value) for name, value in fields.items()})


def told(event: str, fields: Mapping[str, Any]) -> str:
    """`event: error (field value, …)`."""
    rest = ", ".join(f"{name} {value}" for name, value in fields.items() if name != "error")
    error = f": {fields['error']}" if fields.get("error") else ""
    return f"{event}{error}" + (f" ({rest})" if rest else "")


def safe_values(_: "WrappedLogger", __: str, event: "EventDict") -> "EventDict":
    """The last door before a terminal or a file: no credentials, nothing that moves a cursor."""
    return {safe(key): _safe_field(key, value, _DEEPEST) for key, value in event.items()}


def safe(value: object) -> str:
    """A value on one line, without credentials, with nothing that a terminal would obey.

    What was escaped before stays as it is: a backslash is no new one.
    """
    try:
        text = os.fsdecode(value) if isinstance(value, bytes) else str(value)
    except Exception:  # whatever an object's own code raises
        text = f"<{type(value).__name__} that cannot be shown>"
    text = redacted(text[: 4 * _LONGEST]).strip()  # Celery ends some messages with line breaks
    return printable(text, _LONGEST).replace("\\\\", "\\")


def _safe_field(name: object, value: object, deep: int) -> Any:
    if isinstance(name, str) and is_secret_name(name) and value:
        return HIDDEN
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if isfinite(value) else str(value)  # JSON has no word for it
    if isinstance(value, Mapping) and deep:
        return {safe(key): _safe_field(key, one, deep - 1) for key, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset) and deep:
        return [_safe_field(None, one, deep - 1) for one in value]
    return safe(value)


class _Formatter(logging.Formatter):
    """A record of any logger through the processors, the last of which makes it text."""

    def __init__(self, processors: "Sequence[Processor]") -> None:
        super().__init__()
        self._processors = processors

    def format(self, record: logging.LogRecord) -> str:
        said: Any = {
            **_in_hand.get(),
            **getattr(record, "fields", {}),
            "timestamp": _stamp(record.created),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            "logger": record.name,
            "pid": record.process,
            "exc_info": record.exc_info,
        }
        said = {name: said[name] for name in (*_FIRST, *said) if name in said}
        for process in self._processors:
            said = process(None, record.levelname, said)
        return str(said)


def _stamp(seconds: float) -> str:
    text = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def _exception() -> "Processor":
    """What was raised, as data. Without locals: these are bodies, addresses, passwords."""
    from structlog.tracebacks import ExceptionDictTransformer

    as_data = ExceptionDictTransformer(show_locals=False, max_frames=_FRAMES)

    def process(_: "WrappedLogger", __: str, event: "EventDict") -> "EventDict":
        raised = event.pop("exc_info", None)
        if isinstance(raised, tuple) and raised[0] is not None:
            try:
                event["exception"] = [_stack(stack) for stack in as_data(raised)]
            except Exception:  # Celery's copies of a child's tracebacks are no real ones
                event["exception"] = [{"exc_type": raised[0].__name__, "exc_value": raised[1]}]
        return event

    return process


def _stack(stack: dict[str, Any]) -> dict[str, Any]:
    frames = [f"{one['filename']}:{one['lineno']} {one['name']}" for one in stack["frames"]]
    shown = {"exc_type": stack["exc_type"], "exc_value": stack["exc_value"], "frames": frames}
    if notes := stack.get("exc_notes"):
        shown["exc_notes"] = notes
    if inner := stack.get("exceptions"):  # of a group
        shown["exceptions"] = [[_stack(one) for one in each] for each in inner]
    return shown


def _renderers(log: LogSettings) -> "list[Processor]":
    import structlog

    if is_json(log):
        return [structlog.processors.JSONRenderer(ensure_ascii=False)]
    colours = sys.stderr.isatty() and not os.environ.get("NO_COLOR")
    return [_flat, structlog.dev.ConsoleRenderer(colors=colours, pad_event_to=0, sort_keys=False)]


def _flat(_: "WrappedLogger", __: str, event: "EventDict") -> "EventDict":
    """For people: where a line came from only where it is no event of ours, and an exception
    in one line, its innermost frame first."""
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
    """Each record one write, so that lines of several processes do not mix within."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = self.format(record)
        except Exception as error:  # values that do not fit their text: a bug of its maker
            wrong = f"a line of {record.name} cannot be written: {type(error).__name__}"
            broken = logging.LogRecord(__name__, logging.ERROR, "", 0, "%s", (wrong,), None)
            line = self.format(broken)
        _write(line)


def _write(line: str) -> None:
    try:
        data = memoryview(line.encode("utf-8", "backslashreplace") + b"\n")
        while data:
            data = data[os.write(2, data) :]
    except OSError:
        return  # nobody listens, or the disk is full: a log must not be what stops the work


def _catch_what_ends_threads() -> None:
    """What nobody caught is a line as well, and not a traceback with whatever is in its text."""
    logger = logging.getLogger(__name__)

    def of_process(
        kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        if issubclass(kind, KeyboardInterrupt):
            return
        logger.critical("ended by an error", exc_info=(kind, error, trace))

    def of_thread(raised: threading.ExceptHookArgs) -> None:
        if raised.exc_value is not None and raised.exc_type is not SystemExit:
            logger.critical(
                "a thread was ended by an error",
                exc_info=(raised.exc_type, raised.exc_value, raised.exc_traceback),
            )

    sys.excepthook = of_process
    threading.excepthook = of_thread
