"""Refused inputs accepted again, and removed: each once, whoever else does the same."""

import os
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.home import Home, article
from worker.actions import quarantine as retrying
from worker.actions.quarantine import discard, restore, retry, retry_job
from worker.errors import NotThere, UsageError
from worker.queries.jobs import get_job
from worker.spool.quarantine import DISCARDED, Quarantine, QuarantineItem


def refused(home: Home, count: int = 2) -> tuple[str, list[str]]:
    """A job of so many empty files, and the ids under which they were refused."""
    paths = [home.put(f"{number}.md", b"") for number in range(count)]
    job_id = home.json("enqueue", *map(str, paths))["job"]
    home.work()
    return job_id, Quarantine(home.state).ids()


def test_a_job_is_retried_without_what_is_gone(home: Home) -> None:
    """What was discarded meanwhile is passed over; what can be read now is published."""
    job_id, (first, second, third) = refused(home, 3)
    discard(home.settings(), [first])
    (home.state / "quarantine" / second / "raw").write_text(article("补写的"), "utf-8")
    retried = retry_job(home.settings(), job_id)
    assert (retried.files, retried.problems) == (2, ())
    home.work()
    told = get_job(home.settings(), retried.job)
    assert (told.started_by, told.articles.published, told.articles.rejected) == ("retry", 1, 1)
    with pytest.raises(UsageError, match="nothing to retry"):
        retry_job(home.settings(), job_id)
    with pytest.raises(NotThere):
        retry_job(home.settings(), "nosuch")
    assert third not in Quarantine(home.state).ids()


def test_an_unknown_id_stops_it_before_anything(home: Home) -> None:
    """Neither is retried or removed what stands before it in the list."""
    _, ids = refused(home)
    for act in (retry, discard):
        with pytest.raises(NotThere):
            act(home.settings(), [*ids, "nosuch"])
    assert Quarantine(home.state).ids() == ids


def test_two_who_retry_the_same_have_it_once(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where somebody else is faster in the middle of it, it is theirs; the rest is accepted."""
    _, (first, second) = refused(home)
    settings = home.settings()
    claim = retrying.claim
    faster: list[retrying.RetryResult] = []

    def second_in_line(*args: Any, **kwargs: Any) -> Any:
        monkeypatch.setattr(retrying, "claim", claim)
        faster.append(retry(settings, [first]))
        return claim(*args, **kwargs)

    monkeypatch.setattr(retrying, "claim", second_in_line)
    assert retry(settings, [first, second]).files == 1
    assert faster[0].files == 1
    home.work()
    assert home.json("audit")["unaccounted"] == 0
    assert len(Quarantine(home.state).ids()) == 2


def test_two_who_discard_the_same(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """What somebody else removed in the middle of it is not counted, and is no reason to fail."""
    _, (first, second) = refused(home)
    get = Quarantine.get

    def get_and_lose(quarantine: Quarantine, refused_id: str) -> QuarantineItem:
        found = get(quarantine, refused_id)
        if refused_id == first:
            quarantine.remove(first)
        return found

    monkeypatch.setattr(Quarantine, "get", get_and_lose)
    assert discard(home.settings(), [first, second]) == 1
    assert Quarantine(home.state).ids() == []


def test_what_was_discarded_is_restored(home: Home) -> None:
    """Within `quarantine.discarded_days` with its bytes and its reason, then it is deleted; nothing
    is restored where one ID is unknown."""
    _, (first, second) = refused(home)
    (home.state / "quarantine" / first / "raw").write_bytes(b"bytes")
    os.utime(home.state / "quarantine" / second, (0, 0))  # the days count from the discarding
    discard(home.settings(), [first, second])
    with pytest.raises(NotThere):
        restore(home.settings(), [first, "nosuch"])
    assert restore(home.settings(), [first]) == 1
    quarantine, discarded = Quarantine(home.state), Quarantine(home.state, DISCARDED)
    assert (quarantine.ids(), discarded.ids()) == ([first], [second])
    with quarantine.open_raw(first) as file:
        assert file.read() == b"bytes"
    now, days = datetime.now(UTC), timedelta(days=7)
    assert discarded.remove_moved(now + days - timedelta(hours=1), days) == 0
    assert discarded.remove_moved(now + days + timedelta(hours=1), days) == 1
    with pytest.raises(NotThere):
        restore(home.settings(), [second])


def test_an_id_twice_is_one(home: Home) -> None:
    """A list that names one twice is no reason to fail, or to count it twice."""
    _, (first, second) = refused(home)
    assert retry(home.settings(), [first, first]).files == 1
    assert discard(home.settings(), [second, second]) == 1


def test_without_redis_it_is_accepted_all_the_same(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It waits in the spool, and that is said."""
    _, ids = refused(home)
    monkeypatch.setenv("NEWSDROP_REDIS_URL", f"unix://{home.path}/nobody.sock")
    retried = retry(home.settings(), ids)
    assert retried.files == 2
    assert "Redis does not answer" in retried.problems[0]


def test_what_was_retried_a_moment_before_is_not_told_as_discarded(home: Home) -> None:
    """Whose bytes a retry has taken already is accepted again: discarding it then counts nothing,
    and nothing of it is left."""
    _, (first, second) = refused(home, 2)
    (home.state / "quarantine" / first / "raw").unlink()  # as a retry leaves it for a moment
    assert discard(home.settings(), [first, second]) == 1
    assert Quarantine(home.state).ids() == []


@pytest.mark.parametrize("line", ["only words", '["甲"]', '"甲"', "{broken", '{"x": 1}', "# 甲"])
def test_a_refused_line_is_judged_as_it_was(home: Home, line: str) -> None:
    """A refused line of an NDJSON file is retried with its file: alone it would be a Markdown text
    or a list, and published. The other lines are duplicates then."""
    rows = ['{"title":"一","content":"x"}', line, '{"title":"二","content":"y"}']
    home.json("enqueue", str(home.put("many.ndjson", "\n".join([rows[0], rows[2], rows[1]]))))
    home.work()
    [before] = Quarantine(home.state)
    retried = retry(home.settings(), [before.id])
    home.work()
    [after] = Quarantine(home.state)
    assert (after.reason, after.message, after.ordinal) == (before.reason, before.message, 2)
    counts = get_job(home.settings(), retried.job).articles
    assert (counts.published, counts.duplicate, counts.rejected) == (0, 2, 1)
