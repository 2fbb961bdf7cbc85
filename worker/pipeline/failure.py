"""Why an input cannot be an article: its reason, and a message with what to do."""

from collections.abc import Sequence

from worker.errors import Reason, Rejected, Retryable
from worker.escape import printable
from worker.formats.memory import is_out_of_memory, out_of_memory
from worker.logs import get_logger
from worker.model.frozen import dataclass

logger = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ParseFailure:
    """Why one article, or with `whole_file` the entire entry, could not be parsed."""

    ordinal: int
    reason: Reason
    message: str
    whole_file: bool


def strict_message(warnings: Sequence[str]) -> str:
    more = f" (and {len(warnings) - 1} more)" if len(warnings) > 1 else ""
    return (
        f"strict is set, and the article has a warning: {printable(warnings[0], 300)}{more}; "
        "correct the input, or publish it as it is: newsdrop quarantine retry --accept-warnings ID"
    )


def classify_error(error: Exception, path: str) -> tuple[Reason, str]:
    """The reason and message with which an input is refused that raised `error`. Raises a Retryable
    again: it is not a fault of the input. Anything but a Rejected is a bug, and is logged."""
    if isinstance(error, Retryable):
        raise error
    if isinstance(error, Rejected):
        return error.reason, str(error)
    if isinstance(error, RecursionError):
        return Reason.TOO_DEEP, "the input is nested too deeply: flatten it"
    if is_out_of_memory(error):
        refusal = out_of_memory()
        return refusal.reason, str(refusal)
    logger.error("reading met a bug", document=printable(path), exc_info=error)
    return (
        Reason.INTERNAL,
        f"parsing failed with {type(error).__name__}: this is a bug in newsdrop; "
        "report it, and retry after an upgrade",
    )
