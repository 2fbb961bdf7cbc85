"""Problems, in sentences with what to do: one list for `status`, the page and the checks.

`fail`: work stops until somebody acts, or a promise would break. `warn`: work continues, but
somebody should look. `note`: what a person did or should know. The most severe come first.
"""

import os
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from worker.escape import printable
from worker.health.preflight import broker_check, server_checks
from worker.queries.status.node_problems import WORKERS, node_problems
from worker.queries.status.problem import Problem, duration, sentence, source_page
from worker.queries.status.service import Status
from worker.queries.status.source_problems import feed_problems, source_problems
from worker.queries.status.task_problems import (
    SLOW_SECONDS,
    failing_tasks,
    scan_problem,
    scheduler_note,
    silent_tasks,
)
from worker.settings import Folder, Settings
from worker.spool.copy_record import MAX_WAITING
from worker.spool.layout import SPOOL
from worker.spool.redis_record import replay_command
from worker.spool.volumes import volume_problem
from worker.store.server import ServerInfo

NEARLY_FULL = 0.9
"""Share of Redis' maxmemory from which on a warning is shown."""

UNCOPIED_SECONDS = 3_600.0
"""How long a batch may wait to be copied before that is worth a warning."""

_UNREAD_SHOWN_MS = 86_400_000
"""How long it is a problem that unread entries were trimmed."""

_LEVELS = ("fail", "warn", "note")


def find_problems(
    settings: Settings, status: Status, server: ServerInfo | None, unreadable: Sequence[str] = ()
) -> tuple[Problem, ...]:
    """Everything that is wrong now. `server` is None where Redis does not answer; `unreadable` has
    a message for each spool folder that cannot be listed."""
    problems = [*_redis(settings, status, server), *_service(settings, status, server)]
    problems += _places(settings, status)
    problems += [Problem("fail", "spool", f"{why}.", _RIGHTS) for why in unreadable]
    problems += [*_site_rules(status), *feed_problems(status), *_duplicates(status)]
    problems += [*_groups(settings, status), *_archive(status)]
    problems += [*source_problems(status.sources), *node_problems(status.nodes or ())]
    problems += [*silent_tasks(settings, status), *failing_tasks(settings, status, problems)]
    return tuple(sorted(problems, key=lambda problem: _LEVELS.index(problem.level)))


def memory_problem(server: ServerInfo) -> Problem | None:
    """A problem where Redis is full or nearly full."""
    used, limit = server.used_memory, server.max_memory
    if not limit or used < NEARLY_FULL * limit:
        return None
    amount = f"{used / 2**20:,.0f} of {limit / 2**20:,.0f} MB"
    if used >= limit:
        text = f"Redis is full ({amount}): nothing can be published; accepted files wait."
        return Problem("fail", "memory", text, _MORE_MEMORY)
    text = f"Redis is nearly full: {amount}."
    return Problem("warn", "memory", text, f"{_MORE_MEMORY} Intake pauses when Redis is full.")


def _beat_problem(settings: Settings, age: float | None) -> Problem | None:
    """A problem where the scheduler is silent; `age` is the age of its last tick in seconds."""
    if age is not None and age <= settings.silent_beat_seconds():
        return None
    silence = "a day" if age is None else duration(age)
    return Problem(
        "warn",
        "beat",
        f"The scheduler has been silent for {silence}: folders are scanned on file events only, "
        "and no feed is polled.",
        "Start it with `newsdrop up`, or run exactly one `newsdrop beat`.",
    )


def _place_problem(name: str, path: Path) -> Problem | None:
    """A problem where a folder is missing, is not a folder, or cannot be written."""
    shown = printable(path, 4096)
    if not path.exists():
        return Problem(
            "fail",
            name,
            f"{shown} does not exist.",
            "Create or mount it; `newsdrop up` creates it when it starts.",
        )
    if not path.is_dir():
        return Problem("fail", name, f"{shown} is not a folder.", "Move that file elsewhere.")
    if not os.access(path, os.R_OK | os.W_OK | os.X_OK):
        return Problem("fail", name, f"{shown} cannot be written.", _RIGHTS)
    return None


def _redis(settings: Settings, status: Status, server: ServerInfo | None) -> Iterator[Problem]:
    if server is None:
        why = status.problem or "Redis does not answer"
        yield Problem(
            "fail",
            "redis",
            f"{why}. Accepted files stay safe in the spool.",
            "`newsdrop doctor` finds the cause. If the service does not run: `newsdrop up`.",
        )
        return
    if full := memory_problem(server):
        yield full
    if server.role not in ("master", "primary"):
        text = f"This Redis server is a {server.role}, which accepts no writes."
        yield Problem("fail", "role", text, "Set redis.url to the address of the primary.")
    if server.has_write_error:
        text = "Redis cannot save to its disk and refuses writes."
        yield Problem("fail", "saving", text, "Free space on its disk; see its log.")
    if command := replay_command(settings.state_dir):
        text = "Redis has lost articles that are not published again yet."
        yield Problem("warn", "lost", text, f"Run `{command}`.")
    for check in server_checks(settings, server):
        if check.level == "fail":
            text = sentence(check.message)
            yield Problem(
                "fail", check.name, text, f"No worker starts until this is fixed: {check.advice}."
            )


def _service(settings: Settings, status: Status, server: ServerInfo | None) -> Iterator[Problem]:
    broker = broker_check(settings)
    if broker and broker.level == "fail":
        text = f"{sentence(broker.message)} Nothing is ingested; accepted files wait."
        yield Problem("fail", "broker", text, f"{sentence(broker.advice)}")
    if server is None:
        return
    if not status.own_workers():
        text = "No worker is running: files in the drop folders wait."
        advice = "Start the whole service with `newsdrop up`."
        yield Problem("fail", "workers", text, advice, WORKERS)
        return
    has_service = not status.nodes or any(node.is_here for node in status.nodes)
    if has_service and (silent := _beat_problem(settings, status.beat_age_s)):
        yield silent
    elif late := scan_problem(settings, status.scan_age_s or 0.0):
        yield late
    if several := scheduler_note(settings):
        yield several
    age = status.queue.oldest_age_s or 0.0
    if age > SLOW_SECONDS:
        batches = status.queue.batches
        which = "The only batch" if batches == 1 else f"The oldest of {batches:,} batches"
        yield Problem(
            "warn",
            "waiting",
            f"{which} has been waiting for {duration(age)}.",
            "Start more workers or raise worker.processes; check the log for failures.",
            "/jobs",
        )


def _places(settings: Settings, status: Status) -> Iterator[Problem]:
    if status.intake_problem:
        text = f"{sentence(status.intake_problem)} Accepted files are still processed."
        yield Problem(
            "fail",
            "disk",
            text,
            "Free space or inodes on that disk; spool.min_free_mb sets the limit of space.",
        )
    if settings.state_dir.exists() and (bad := _place_problem("state", settings.state_dir)):
        yield bad
    for folder in settings.all_folders():
        yield from _folder(settings, folder)


def _folder(settings: Settings, folder: Folder) -> Iterator[Problem]:
    name, page = f"folder {folder.name}", source_page(folder.name)
    if folder.in_place:
        if not folder.path.is_dir() or not os.access(folder.path, os.R_OK | os.X_OK):
            text = f"The folder of {folder.name} cannot be read: {printable(folder.path, 4096)}."
            advice = "Mount it, or give newsdrop's user read permission."
            yield Problem("warn", name, text, advice, page)
        return
    if problem := volume_problem(settings.state_dir, folder.name, folder.path):
        text, _, advice = problem.partition(": ")
        yield Problem("fail", name, sentence(text), sentence(advice), page)
        return
    spool = folder.path / SPOOL
    for path in (folder.path, spool) if spool.exists() else (folder.path,):
        if bad := _place_problem(name, path):
            text = f"The folder of {folder.name} cannot be used: {bad.text}"
            yield Problem("fail", name, text, bad.advice, page)
            return


def _site_rules(status: Status) -> Iterator[Problem]:
    if status.site_rules and status.site_rules.problem:
        why = " ".join(status.site_rules.problem.split())
        text = f"The site rules have errors; the previous ones are still used. {sentence(why)}"
        yield Problem("fail", "site rules", text, "Correct the file: no worker starts until then.")


def _groups(settings: Settings, status: Status) -> Iterator[Problem]:
    """Consumer groups that lose, or have lost, entries that they have not read."""
    days, retention = settings.stream.group_idle_days, status.retention
    if retention is None:
        return
    for group, seconds in retention.idle_seconds.items():
        seconds_left = days * 86_400 - seconds
        if days and seconds_left < days * 43_200:  # half of the time is over
            name, idle = printable(group, 80), duration(seconds)
            when = f"in {duration(seconds_left)}" if seconds_left > 0 else "from now on"
            yield Problem(
                "warn",
                "idle group",
                f"The consumer group {name} has made no progress for {idle}: {when} what it has "
                "not read may be trimmed.",
                f"Start its consumers, or remove it with `newsdrop groups delete {name}`.",
                "/consumers",
            )
    at_ms = datetime.fromisoformat(status.at).timestamp() * 1000
    if retention.unread_at_ms and at_ms - retention.unread_at_ms < _UNREAD_SHOWN_MS:
        yield Problem(
            "warn",
            "unread trimmed",
            f"{retention.unread:,} entries were trimmed before a consumer group had read them, "
            "because the stream took too much memory.",
            "Start its consumers, or raise stream.max_mb and maxmemory. The archive has the "
            "records: `newsdrop groups create NAME --since WHEN` reads them.",
            "/consumers",
        )


def _archive(status: Status) -> Iterator[Problem]:
    """A problem where the copies of the archive are behind."""
    state = status.archive_copy
    if state is None or not state.oldest:
        return
    age = datetime.fromisoformat(status.at) - datetime.fromisoformat(state.oldest)
    if state.problem or age.total_seconds() > UNCOPIED_SECONDS:
        count = f"{state.waiting:,}{'+' if state.waiting >= MAX_WAITING else ''}"
        yield Problem(
            "warn",
            "archive",
            f"Archived batches that are not copied to archive.url yet: {count}, "
            f"the oldest for {duration(age.total_seconds())}.",
            sentence(state.problem) if state.problem else _COPIED_LATER,
        )


def _duplicates(status: Status) -> Iterator[Problem]:
    """A note on duplicates that were not the same."""
    differs = status.articles.content_differs if status.articles else 0
    if differs:
        which = "duplicate had" if differs == 1 else "duplicates had"
        yield Problem(
            "note",
            "differs",
            f"{differs:,} {which} the title and date of a known article but different content, and "
            "changed nothing.",
            "Compare with `newsdrop explain PATH`. To publish such a change, set "
            'on_change = "revise" for the source, or enqueue the file with --force.',
            "/jobs?outcome=duplicate",
        )


_RIGHTS = "Give newsdrop's user read, write and search permission, on a writable disk."
_COPIED_LATER = "A worker copies them, mostly while nothing else waits. Until then they stay here."
_MORE_MEMORY = "Raise maxmemory, or lower stream.max_length."
