"""What is wrong with sources: one that is paused, a bucket that cannot be listed, skipped files."""

from collections.abc import Iterable, Iterator

from worker.escape import printable
from worker.queries.status.problem import Problem, sentence
from worker.queries.status.sources import SourceStatus
from worker.settings import POLLED

_SHOWN_FILES = 3


def source_problems(sources: Iterable[SourceStatus]) -> Iterator[Problem]:
    for source in sources:
        if source.paused:
            what = "All polling" if source.name == POLLED else source.name
            advice = f"Resume it with `newsdrop resume {source.name}`."
            yield Problem("note", "paused", f"{what} is paused.", advice)
        if source.listing and source.listing.problem:
            yield Problem("warn", "bucket", sentence(source.listing.problem))
        if source.listing and source.left_alone_count:
            reasons = ", ".join(f"{one} {n:,}" for one, n in source.listing.skipped.items())
            text = f"{source.name}: objects skipped ({reasons}); the worker's log says which."
            advice = "They are read when they change, or with `newsdrop enqueue` of their bucket."
            yield Problem("note", "left", text, advice)
        elif count := source.left_alone_count:
            named = "; ".join(
                f"{printable(skipped.path, 200)}: {skipped.why}".replace("\\\\", "\\")
                for skipped in source.left_alone[:_SHOWN_FILES]
            )
            more = f"; and {count - _SHOWN_FILES:,} more" if count > _SHOWN_FILES else ""
            files = "1 file" if count == 1 else f"{count:,} files"
            text = f"{source.name}: {files} skipped in the folder: {named}{more}."
            yield Problem("note", "left", text)  # the reason of each file says what to do
