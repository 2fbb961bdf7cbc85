"""Measures of a batch beside its counts: stage durations, and why articles were repeats."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from worker.model.outcome import Outcome, Status
from worker.model.warning import read_kinds


class Stage(StrEnum):
    """A stage of a batch. The names are stable: they are a label of the metrics."""

    WAIT = "wait"
    """From the claim until a worker took the batch."""
    READ = "read"
    """Reading, parsing and normalizing, including the journal."""
    PUBLISH = "publish"
    """All calls of the store: lookups and publishing."""
    ARCHIVE = "archive"
    """Writing the archive segment."""
    WHOLE = "whole"
    """From the claim until the batch is settled."""


class Repeat(StrEnum):
    """Why an article is a repeat. The names are stable: they are a label of the metrics."""

    SAME_BYTES = "same_bytes"
    """A file with the same bytes was published before; it is not parsed again."""
    SAME_ARTICLE = "same_article"
    CONTENT_DIFFERS = "content_differs"
    """The article was published before with other content."""
    UNCHANGED = "unchanged"
    """A feed entry that has not changed since the last poll; it has no outcome of its own."""


@dataclass(frozen=True, slots=True)
class BatchMeasures:
    """One batch. `seconds` are of its last run; `rejected` counts by reason, `warnings` the
    published and revised articles that have a warning of a kind."""

    seconds: Mapping[Stage, float] = field(default_factory=dict)
    repeats: Mapping[Repeat, int] = field(default_factory=dict)
    rejected: Mapping[str, int] = field(default_factory=dict)
    warnings: Mapping[str, int] = field(default_factory=dict)


def measure(outcomes: Sequence[Outcome], seconds: Mapping[Stage, float]) -> BatchMeasures:
    """The measures of a batch, from its outcomes and stage durations."""
    repeats: Counter[Repeat] = Counter()
    rejected: Counter[str] = Counter()
    warnings: Counter[str] = Counter()
    for outcome in outcomes:
        if outcome.status is Status.DUPLICATE:
            repeats[_repeat_of(outcome)] += 1
        elif outcome.status is Status.REJECTED and outcome.reason:
            rejected[outcome.reason.value] += 1
        elif outcome.warnings and outcome.status.has_record:
            warnings.update(read_kinds(outcome.warnings))
        if outcome.feed and outcome.feed.unchanged:
            repeats[Repeat.UNCHANGED] += outcome.feed.unchanged
    return BatchMeasures(seconds, repeats, rejected, warnings)


def _repeat_of(outcome: Outcome) -> Repeat:
    if outcome.content_differs:
        return Repeat.CONTENT_DIFFERS
    # A file that was recognised by its bytes was not parsed: its outcome has no title.
    return Repeat.SAME_BYTES if outcome.title is None else Repeat.SAME_ARTICLE
