"""What is measured of a batch beside its counts: how long it took, why articles were repeats."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from worker.model.outcome import Outcome, Status


class Stage(StrEnum):
    """A part of a batch's way. The names are stable: they are a label of the metrics."""

    WAIT = "wait"
    """From the claim of its files until a worker took it."""
    READ = "read"
    """Reading, parsing and normalizing its files, with its journal."""
    PUBLISH = "publish"
    """Asking the store what is known, and offering."""
    ARCHIVE = "archive"
    """Writing its segment."""
    WHOLE = "whole"
    """From the claim of its files until it is settled."""


class Repeat(StrEnum):
    """Why an article is no news. The names are stable: they are a label of the metrics."""

    SAME_BYTES = "same_bytes"
    """A file with the same bytes was published: it was not even parsed."""
    SAME_ARTICLE = "same_article"
    CONTENT_DIFFERS = "content_differs"
    """Title and date are known; what it says is not what was published."""
    UNCHANGED = "unchanged"
    """An entry of a feed that is as it was published. It is counted here and in no outcome."""


@dataclass(frozen=True, slots=True)
class BatchMeasures:
    """One batch. `seconds` are of the run that brought it to its end; `rejected` is by reason."""

    seconds: Mapping[Stage, float] = field(default_factory=dict)
    repeats: Mapping[Repeat, int] = field(default_factory=dict)
    rejected: Mapping[str, int] = field(default_factory=dict)


def measure(outcomes: Sequence[Outcome], seconds: Mapping[Stage, float]) -> BatchMeasures:
    """What the outcomes of a batch say of repeats and refusals, with the time that it took."""
    repeats: Counter[Repeat] = Counter()
    rejected: Counter[str] = Counter()
    for outcome in outcomes:
        if outcome.status is Status.DUPLICATE:
            repeats[_repeat(outcome)] += 1
        elif outcome.status is Status.REJECTED and outcome.reason:
            rejected[outcome.reason.value] += 1
        if outcome.feed and outcome.feed.unchanged:
            repeats[Repeat.UNCHANGED] += outcome.feed.unchanged
    return BatchMeasures(seconds, repeats, rejected)


def _repeat(outcome: Outcome) -> Repeat:
    if outcome.content_differs:
        return Repeat.CONTENT_DIFFERS
    # What was known by its bytes was never parsed: it has no title.
    return Repeat.SAME_BYTES if outcome.title is None else Repeat.SAME_ARTICLE
