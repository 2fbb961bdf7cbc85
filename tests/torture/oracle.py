"""The oracle: what became of everything that was written, by the journals and by the stream.

*accepted = published + duplicate + quarantined + waiting*, no id twice in the stream, and every
entry of the stream told by a journal. Raw files that a segment lacks are lost, too.
"""

from collections import Counter
from collections.abc import Sequence

from tests.torture.news import END, News
from tests.torture.round import Figures
from tests.world import World
from worker.model import Status
from worker.queries.audit import audit


def examine(*sides: tuple[World, News]) -> Figures:
    """The figures of one stream; `sides` are the state directories that publish to it."""
    entries = sides[0][0].entries()
    known = {entry["data"]["title"] for entry in entries if END in entry["data"]["content_text"]}
    first = Counter(entry["id"] for entry in entries if entry["type"] == "article.published")
    published_ids: set[str] = set()
    figures = Figures(doubled=sum(first.values()) - len(first))
    for world, news in sides:
        found, ids = _side(world, news, known)
        figures += found
        published_ids |= ids
    return figures + Figures(unaccounted=len(first.keys() - published_ids))


def files_left(world: World) -> int:
    """The unclaimed files."""
    return sum(path.is_file() for path in world.drop_dir.iterdir())


def is_done(worlds: Sequence[World]) -> bool:
    return not any(files_left(world) or world.waiting() for world in worlds)


def _side(world: World, news: News, known: set[str]) -> tuple[Figures, set[str]]:
    report = audit(world.settings)
    segments = list(world.context.deps.archive.segments())
    outcomes = [one for segment in segments for one in segment.outcomes()]
    lost = sum(len(segment.head().files) for segment in segments if not segment.is_whole())
    rejected = {one.path for one in outcomes if one.status is Status.REJECTED}
    published = {one.id for one in outcomes if one.status is Status.PUBLISHED and one.id}
    missing = [name for name, title in news.titles.items() if title not in known]
    missing += news.refused
    waiting = report.waiting + files_left(world)
    lost += max(0, len([name for name in missing if name not in rejected]) - waiting)
    figures = Figures(
        accepted=report.accepted,
        published=report.published,
        duplicate=report.duplicate,
        quarantined=report.quarantined,
        waiting=waiting,
        lost=lost,
        unaccounted=report.unaccounted,
    )
    return figures, published
