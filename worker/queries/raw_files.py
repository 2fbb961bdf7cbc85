"""The raw file of an article: the bytes that were accepted, from the archive."""

import re

from worker.errors import NotThere
from worker.escape import printable
from worker.settings import Settings
from worker.sources.archive_bucket import open_archive
from worker.spool.layout import is_batch

_BATCH = re.compile(r"[A-Za-z0-9._-]{1,150}")


def read_raw(settings: Settings, article_id: str, batch: str, entry: str) -> tuple[str, bytes]:
    """(path, bytes) of the file `entry` of a finished batch, which decided about the article.

    Nothing leads out of the archive: a batch's name has no slash.
    Raises NotThere, SpoolUnavailable.
    """
    is_name = is_batch(batch) and _BATCH.fullmatch(batch)
    segment = open_archive(settings).find(batch) if is_name else None
    outcomes = segment.outcomes() if segment else ()
    outcome = next((it for it in outcomes if it.id == article_id and str(it.entry) == entry), None)
    if segment is None or outcome is None:
        raise NotThere(
            f"no file of {printable(article_id, 80)} has the batch {printable(batch, 80)} and the "
            f"number {printable(entry, 20)}: the article's page lists its files"
        )
    data = next((raw for number, raw in segment.raws() if number == outcome.entry), None)
    if data is None:
        raise NotThere(
            "the archive does not have the file any more: raw files are kept for `keep_days` of "
            "their source"
        )
    return outcome.path, data
