"""The audit trusts the spool and the archive, and nothing else."""

import redis

from tests.home import Home, article
from worker.queries.audit import audit


def test_a_vanished_batch_is_missed(home: Home) -> None:
    """A waiting batch whose folder is gone is unaccounted for."""
    home.json("enqueue", str(home.put("a.md", article("甲"))))
    (batch,) = (home.state / "spool" / "work").iterdir()
    assert audit(home.settings()).balanced
    batch.rename(home.path / "gone")
    found = audit(home.settings())
    assert (found.accepted, found.unaccounted, found.balanced) == (1, 1, False)
    assert found.missing[0].batch == batch.name


def test_a_single_vanished_file_is_missed(home: Home) -> None:
    """One file less than was accepted is reported."""
    home.put("in/a.md", article("甲"))
    home.put("in/b.md", article("乙"))
    home.json("enqueue", "--move", str(home.path / "in"))
    (batch,) = (home.state / "spool" / "work").iterdir()
    (batch / "1").unlink()
    found = audit(home.settings())
    assert (found.accepted, found.waiting, found.unaccounted) == (2, 1, 1)


def test_a_batch_missing_in_the_accepted_log_is_counted(home: Home) -> None:
    """Its claimer was killed before it logged the batch: waiting and archived, it counts by
    itself."""
    home.json("enqueue", str(home.put("a.md", article("甲"))))
    for path in (home.state / "accepted").iterdir():
        path.unlink()
    found = audit(home.settings())
    assert (found.accepted, found.waiting, found.unaccounted) == (1, 1, 0)
    home.work()
    found = audit(home.settings())
    assert (found.accepted, found.published, found.unaccounted) == (1, 1, 0)


def test_a_damaged_journal_accounts_for_nothing(home: Home) -> None:
    """A segment whose journal lost its lines is reported as missing."""
    home.json("enqueue", str(home.put("a.md", article("甲"))))
    home.work()
    (journal,) = (home.state / "archive").glob("*/*/*.jsonl")
    head = journal.read_bytes().splitlines(keepends=True)[0]
    journal.write_bytes(head)
    assert audit(home.settings()).unaccounted == 1
    journal.write_bytes(b"")
    assert audit(home.settings()).unaccounted == 1


def test_a_file_of_many_articles_has_one_outcome(home: Home) -> None:
    """Published if any of its articles was."""
    lines = [f'{{"title":"{name}","content_text":"正文","date":"2022-03-04"}}' for name in "甲乙甲"]
    home.json("enqueue", str(home.put("a.ndjson", "\n".join(lines) + '\n{"title":\n')))
    home.work()
    found = audit(home.settings())
    assert (found.accepted, found.published, found.duplicate, found.quarantined) == (1, 1, 0, 0)
    counts = {"published": 2, "revised": 0, "withdrawn": 0, "duplicate": 1, "rejected": 1}
    assert found.articles == counts


def test_the_audit_needs_no_redis(home: Home, redis_client: redis.Redis) -> None:
    """The result is the same after Redis has lost everything."""
    home.json("enqueue", str(home.put("a.md", article("甲"))))
    home.work()
    before = audit(home.settings())
    redis_client.flushall()
    assert audit(home.settings()) == before
