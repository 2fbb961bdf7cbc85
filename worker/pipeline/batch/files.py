"""The entries of a batch as they are read: their bytes, or why these cannot be read."""

from worker.errors import Reason, Rejected
from worker.escape import printable
from worker.formats.warc_framing import is_warc, may_be_warc
from worker.model import IndexEntry, Outcome, Status
from worker.model.frozen import dataclass
from worker.pipeline.extract import sha256
from worker.pipeline.failure import ParseFailure
from worker.settings import Settings
from worker.spool.batch import Batch
from worker.spool.manifest import Entry, Form


@dataclass(frozen=True, slots=True)
class EntryFile:
    """An entry that was read, or why it could not be; a WARC (None) is read when it is its turn.
    `digest` is the SHA-256 of a file of unknown format."""

    entry: Entry
    content: bytes | ParseFailure | None
    digest: str = ""


def read_file(batch: Batch, entry: Entry, settings: Settings) -> EntryFile:
    """Read an entry of a locked batch, unless it ended its worker too often. Raises
    SpoolUnavailable."""
    crash_count = batch.progress.crash_counts.get(entry.number, 0)
    try:
        if crash_count >= settings.spool.max_attempts:
            raise Rejected(
                Reason.KILLS_WORKER,
                f"reading this file ended its worker {crash_count} times (time or memory ran "
                "out): check it for extreme size or nesting, or report it as a bug",
            )
        data = batch.read(entry.number, settings.limits.file_bytes)
    except Rejected as error:
        if error.reason is Reason.TOO_LARGE and _is_warc(batch, entry):
            return EntryFile(entry, None)
        failure = ParseFailure(0, error.reason, str(error), whole_file=True)
        return EntryFile(entry, failure)
    if may_be_warc(data, entry.path) and _is_warc(batch, entry):
        return EntryFile(entry, None)
    return EntryFile(entry, data, sha256(data) if entry.form is Form.ANY else "")


def _is_warc(batch: Batch, entry: Entry) -> bool:
    if entry.form is not Form.ANY:
        return False
    with batch.open(entry.number) as file:
        return is_warc(file, entry.path)


def duplicate_outcome(file: EntryFile, index_entry: IndexEntry) -> Outcome:
    """The same bytes were published before: the file need not be parsed."""
    return Outcome(
        entry=file.entry.number,
        ordinal=0,
        status=Status.DUPLICATE,
        path=printable(file.entry.path),
        id=index_entry.identity.id,
        date=index_entry.identity.date,
        raw_sha256=file.digest,
        revision=index_entry.revision,
        message="the same bytes were published before",
    )
