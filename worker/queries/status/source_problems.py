"""Problems of sources: feeds that fail or are late; a source that is paused, a bucket that
cannot be listed, skipped files."""

from collections.abc import Iterable, Iterator, Mapping

from worker.escape import printable
from worker.queries.status.problem import Problem, duration, sentence, source_page
from worker.queries.status.service import Status
from worker.queries.status.sources import SourceStatus
from worker.settings import POLLED

_SHOWN_FILES = 3


def source_problems(sources: Iterable[SourceStatus]) -> Iterator[Problem]:
    for source in sources:
        page = source_page(source.name)
        if source.paused:
            what = "All polling" if source.name == POLLED else source.name
            advice = f"Resume it with `newsdrop resume {source.name}`."
            yield Problem("note", "paused", f"{what} is paused.", advice, page)
        if source.listing and source.listing.problem:
            yield Problem("warn", "bucket", sentence(source.listing.problem), page=page)
        if source.listing and source.skipped_count:
            reasons = ", ".join(f"{one} {n:,}" for one, n in source.listing.skipped.items())
            text = f"{source.name}: objects skipped ({reasons}); the worker's log says which."
            advice = "They are read when they change, or with `newsdrop enqueue` of their bucket."
            yield Problem("note", "left", text, advice, page)
        elif count := source.skipped_count:
            named = "; ".join(
                f"{printable(skipped.path, 200)}: {skipped.why}".replace("\\\\", "\\")
                for skipped in source.skipped_files[:_SHOWN_FILES]
            )
            more = f"; and {count - _SHOWN_FILES:,} more" if count > _SHOWN_FILES else ""
            files = "1 file" if count == 1 else f"{count:,} files"
            text = f"{source.name}: {files} skipped in the folder: {named}{more}."
            # The reason of each file says what to do.
            yield Problem("note", "left", text, page=page)


def feed_problems(status: Status) -> Iterator[Problem]:
    if status.feeds_problem:
        why = " ".join(status.feeds_problem.split())
        text = f"The feeds cannot be read; the previous ones are still polled. {sentence(why)}"
        advice = "Correct the file: no worker starts until then."
        yield Problem("fail", "feeds", text, advice, "/feeds")
    if bad := failing_problem(status.polled.failing or 0):
        yield bad
    if bad := _behind(status.polled.behind):
        yield bad


def failing_problem(count: int) -> Problem | None:
    if not count:
        return None
    text = "1 feed fails." if count == 1 else f"{count:,} feeds fail."
    advice = "See why with `newsdrop feeds list --failing`."
    return Problem("warn", "failing", text, advice, "/feeds?show=failing")


def _behind(delays: Mapping[str, int]) -> Problem | None:
    """A problem where the pace of hosts is too slow for their feeds."""
    if not delays:
        return None
    host, seconds = next(iter(delays.items()))
    others = len(delays) - 1
    more = (
        f" So are {others:,} more hosts." if others > 1 else " So is 1 more host." if others else ""
    )
    return Problem(
        "warn",
        "behind",
        f"{printable(host, 200)} cannot be polled as often as configured: "
        f"{duration(seconds)} behind." + more,
        "Raise min_interval_seconds of its feeds, or lower fetch.host_interval_seconds if the host "
        "permits it.",
        "/feeds",
    )
