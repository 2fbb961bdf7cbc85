"""Refused inputs are retried or removed exactly once, whatever other processes do meanwhile."""

import os
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.home import Home, article
from worker.actions import quarantine as retrying
from worker.actions.quarantine import discard, restore, retry, retry_job
from worker.errors import NotThere, UsageError
from worker.queries.jobs import get_job
from worker.spool.layout import Removals
from worker.spool.quarantine import DISCARDED, Quarantine, QuarantineItem


def refused(home: Home, count: int = 2) -> tuple[str, list[str]]:
    """A job of so many empty files, and the ids under which they were refused."""
    paths = [home.put(f"{number}.md", b"") for number in range(count)]
    job_id = home.json("enqueue", *map(str, paths))["job"]
    home.work()
    return job_id, Quarantine(home.state).ids()


def test_a_retried_job_skips_discarded_inputs(home: Home) -> None:
    """Discarded inputs are skipped; what can be read now is published."""
    job_id, (first, second, third) = refused(home, 3)
    discard(home.settings(), [first])
    (home.state / "quarantine" / second / "raw").write_text(article("补写的"), "utf-8")
    retried = retry_job(home.settings(), job_id)
    assert (retried.files, retried.problems) == (2, ())
    home.work()
    view = get_job(home.settings(), retried.job)
    assert (view.started_by, view.articles.published, view.articles.rejected) == (
        "retry",
        1,
        1,
    )
    with pytest.raises(UsageError, match="nothing to retry"):
        retry_job(home.settings(), job_id)
    with pytest.raises(NotThere):
        retry_job(home.settings(), "nosuch")
    assert third not in Quarantine(home.state).ids()


def test_an_unknown_id_stops_before_any_change(home: Home) -> None:
    """Inputs listed before the unknown id are neither retried nor removed."""
    _, ids = refused(home)
    for act in (retry, discard):
        with pytest.raises(NotThere):
            act(home.settings(), [*ids, "nosuch"])
    assert Quarantine(home.state).ids() == ids


def test_two_concurrent_retries_accept_an_input_once(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An input that another process retries first is left to it; the rest is accepted."""
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


def test_two_concurrent_discards_count_an_input_once(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An input that another process has just removed is not counted, and no error."""
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


def test_discarded_inputs_are_restored(home: Home) -> None:
    """Within quarantine.discarded_days, with bytes and reason; nothing is restored if one ID is
    unknown."""
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
    now, removals = datetime.now(UTC), Removals()
    discarded.remove_moved_before(now - timedelta(hours=1), removals)
    assert removals.count == 0
    discarded.remove_moved_before(now + timedelta(hours=1), removals)
    assert removals.count == 1
    with pytest.raises(NotThere):
        restore(home.settings(), [second])


def test_a_repeated_id_counts_once(home: Home) -> None:
    """A list that names an ID twice is not an error."""
    _, (first, second) = refused(home)
    assert retry(home.settings(), [first, first]).files == 1
    assert discard(home.settings(), [second, second]) == 1


def test_retry_without_redis(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """The input waits in the spool, and the result says so."""
    _, ids = refused(home)
    monkeypatch.setenv("NEWSDROP_REDIS_URL", f"unix://{home.path}/nobody.sock")
    retried = retry(home.settings(), ids)
    assert retried.files == 2
    assert "Redis does not answer" in retried.problems[0]


def test_an_input_that_was_just_retried_is_not_counted_as_discarded(home: Home) -> None:
    """Its bytes are accepted again already: discarding counts nothing and leaves nothing behind."""
    _, (first, second) = refused(home, 2)
    (home.state / "quarantine" / first / "raw").unlink()  # as a retry leaves it for a moment
    assert discard(home.settings(), [first, second]) == 1
    assert Quarantine(home.state).ids() == []


@pytest.mark.parametrize("line", ["only words", '["甲"]', '"甲"', "{broken", '{"x": 1}', "# 甲"])
def test_a_refused_line_is_retried_with_its_file(home: Home, line: str) -> None:
    """Alone, a line of an NDJSON file would be read as another format; its other lines are
    duplicates."""
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
