"""What is wrong, in sentences with what to do: one list for `status`, the page and the checks.

`fail` means that nothing goes on until somebody acts (or that a promise would break), `warn` that
it goes on and is worth a look, `note` what a person did or should know. The gravest comes first.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from worker.escape import printable
from worker.health.preflight import server_checks
from worker.queries.status import SourceStatus, Status
from worker.settings import POLLED, Folder, Settings
from worker.spool.filenames import SPOOL
from worker.store.server import ServerInfo

NEARLY_FULL = 0.9
"""Of Redis' maxmemory: from there on it is worth a word."""

SLOW_SECONDS = 60.0
"""So long the oldest batch may wait before that is."""

_NAMED = 3
_ORDER = ("fail", "warn", "note")


@dataclass(frozen=True, slots=True)
class Problem:
    """`name` is stable; `text` a sentence and `advice` what to do (it may be empty), both safe to
    show."""

    level: Literal["note", "warn", "fail"]
    name: str
    text: str
    advice: str = ""


def find_problems(
    settings: Settings,
    status: Status,
    server: ServerInfo | None,
    unreadable: Sequence[str] = (),
) -> tuple[Problem, ...]:
    """All that is wrong now. `server` is None where Redis does not answer, `unreadable` tells of
    spool folders that cannot be listed."""
    found = [*_redis(settings, status, server), *_service(settings, status, server)]
    found += _places(settings, status)
    found += [Problem("fail", "spool", f"{why}.", _RIGHTS) for why in unreadable]
    found += _feeds(status)
    found += _sources(status.sources)
    return tuple(sorted(found, key=lambda one: _ORDER.index(one.level)))


def memory_problem(server: ServerInfo) -> Problem | None:
    """Where Redis is full, or nearly."""
    used, limit = server.used_memory, server.max_memory
    if not limit or used < NEARLY_FULL * limit:
        return None
    told = f"{used / 2**20:,.0f} of {limit / 2**20:,.0f} MB"
    if used >= limit:
        text = f"Redis is full ({told}): nothing can be published, what was accepted waits."
        return Problem("fail", "memory", text, _MORE_MEMORY)
    text = f"Redis is nearly full: {told}."
    return Problem("warn", "memory", text, f"{_MORE_MEMORY} Intake pauses when it is full.")


def beat_problem(settings: Settings, age: float | None) -> Problem | None:
    """Where the scheduler was not heard of: `age` is how many seconds ago it was."""
    if age is not None and age <= settings.silent_beat_seconds():
        return None
    since = "for a day" if age is None else f"for {_lasting(age)}"
    return Problem(
        "warn",
        "beat",
        f"The scheduler is silent {since}: folders are only looked at on file events, and no feed "
        "is polled.",
        "Start it: `newsdrop up` runs it, and so does `newsdrop beat` (just one of them).",
    )


def failing_problem(count: int) -> Problem | None:
    """Where feeds fail."""
    if not count:
        return None
    told = "1 feed fails." if count == 1 else f"{count:,} feeds fail."
    return Problem("warn", "failing", told, "`newsdrop feeds list --failing` tells why.")


def place_problem(name: str, path: Path) -> Problem | None:
    """Where a folder that has to be written is not there, is none, or may not be written."""
    shown = printable(path, 4096)
    if not path.exists():
        return Problem("fail", name, f"{shown} is not there.", "Create it, or mount it.")
    if not path.is_dir():
        return Problem(
            "fail", name, f"{shown} is no folder.", "Move the file that is in its place."
        )
    if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        return Problem("fail", name, f"{shown} cannot be written.", _RIGHTS)
    return None


def _redis(settings: Settings, status: Status, server: ServerInfo | None) -> Iterator[Problem]:
    if server is None:
        why = status.problem or "Redis does not answer"
        yield Problem(
            "fail",
            "redis",
            f"{why}. What is accepted stays safe in the spool.",
            "`newsdrop up` starts the service; `newsdrop doctor` looks closer.",
        )
        return
    if full := memory_problem(server):
        yield full
    if server.role not in ("master", "primary"):
        text = f"This Redis is a {server.role}, which cannot be written."
        yield Problem("fail", "role", text, "Let redis.url name the primary.")
    if server.write_error:
        text = "Redis cannot save to its disk, and refuses what is written."
        yield Problem("fail", "saving", text, "Make room on its disk; its log tells more.")
    for check in server_checks(settings, server):
        if check.level == "fail":
            text = check.message[0].upper() + check.message[1:] + "."
            yield Problem("fail", check.name, text, f"No worker starts like that: {check.advice}.")


def _service(settings: Settings, status: Status, server: ServerInfo | None) -> Iterator[Problem]:
    if server is None:
        return
    if not status.workers:
        text = "No worker is running: what is dropped waits."
        yield Problem("fail", "workers", text, "`newsdrop up` starts the whole service.")
        return
    if silent := beat_problem(settings, status.beat_age_s):
        yield silent
    age = status.queue.oldest_age_s or 0.0
    if age > SLOW_SECONDS:
        batches = status.queue.batches
        which = (
            "The only batch waits" if batches == 1 else f"The oldest of {batches:,} batches waits"
        )
        yield Problem(
            "warn",
            "waiting",
            f"{which} for {_lasting(age)} already.",
            "Start more workers, or raise worker.processes; the log tells whether something fails.",
        )


def _places(settings: Settings, status: Status) -> Iterator[Problem]:
    if status.intake_problem:
        text = f"{_sentence(status.intake_problem)} What was accepted is still worked on."
        yield Problem("fail", "disk", text, "Make room, or lower spool.min_free_mb.")
    if settings.state_dir.exists() and (bad := place_problem("state", settings.state_dir)):
        yield bad
    for folder in settings.all_folders():
        yield from _folder(folder)


def _folder(folder: Folder) -> Iterator[Problem]:
    name = f"folder {folder.name}"
    if folder.in_place:
        if not folder.path.is_dir() or not os.access(folder.path, os.R_OK | os.X_OK):
            text = f"The folder of {folder.name} cannot be read: {printable(folder.path, 4096)}."
            yield Problem("warn", name, text, "Mount it, and give newsdrop's user read rights.")
        return
    spool = folder.path / SPOOL
    for path in (folder.path, spool) if spool.exists() else (folder.path,):
        if bad := place_problem(name, path):
            text = f"The folder of {folder.name} cannot be used: {bad.text}"
            yield Problem("fail", name, text, bad.advice)
            return


def _feeds(status: Status) -> Iterator[Problem]:
    if status.feeds_problem:
        why = " ".join(status.feeds_problem.split())
        text = f"The feeds cannot be read; those of before are polled. {_sentence(why)}"
        yield Problem("fail", "feeds", text, "Mend the file: no worker starts with it as it is.")
    if bad := failing_problem(status.polled.failing or 0):
        yield bad
    differs = status.articles.content_differs if status.articles else 0
    if differs:
        which = "duplicate had" if differs == 1 else "duplicates had"
        yield Problem(
            "note",
            "differs",
            f"{differs:,} {which} the title and date of a known article but other content, and "
            "changed nothing.",
            "`newsdrop explain PATH` compares; to publish such a change, set "
            'on_change = "revise" for the source or enqueue the file with --force.',
        )


def _sources(sources: Iterable[SourceStatus]) -> Iterator[Problem]:
    for source in sources:
        if source.paused:
            what = "All polling is" if source.name == POLLED else f"{source.name} is"
            advice = f"`newsdrop resume {source.name}` takes it up again."
            yield Problem("note", "paused", f"{what} paused.", advice)
        if count := source.left_alone_count:
            named = "; ".join(
                f"{printable(left.path, 200)}: {left.why}".replace("\\\\", "\\")
                for left in source.left_alone[:_NAMED]
            )
            more = f"; and {count - _NAMED:,} more" if count > _NAMED else ""
            files = "1 file is" if count == 1 else f"{count:,} files are"
            text = f"{source.name}: {files} left alone in the folder: {named}{more}."
            yield Problem("note", "left", text)  # each of them says what to do with it


def _sentence(text: str) -> str:
    said = text[:1].upper() + text[1:]
    return said if said.endswith(".") else f"{said}."


def _lasting(seconds: float) -> str:
    for unit, length in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} seconds"


_RIGHTS = "Give newsdrop's user read, write and search rights on it, on a disk that can be written."
_MORE_MEMORY = "Raise maxmemory, or lower stream.max_length."
