"""The public face: `from worker import parse, enqueue`."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.home import Home, article
from tests.servers import Server
from worker import enqueue, parse
from worker.errors import Reason, Rejected, UsageError
from worker.model import Article


@pytest.fixture
def home(redis_server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """Settings come from the environment, as they would for a program."""
    monkeypatch.setenv("NEWSDROP_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("NEWSDROP_REDIS_URL", redis_server.url)
    monkeypatch.setenv("NEWSDROP_SPOOL_MIN_FREE_MB", "0")
    return Home(tmp_path)


def test_parse_gives_records(home: Home, tmp_path: Path) -> None:
    """Bytes, a path and a string that is one give the same records; nothing is published."""
    data = article("甲").encode()
    path = tmp_path / "a.md"
    path.write_bytes(data)
    (record,) = parse(data, name="a.md")
    assert isinstance(record, Article)
    assert (record.title, record.date, record.ingested_at) == ("甲", "2022-03-04", "")
    assert [one.id for one in (*parse(path), *parse(str(path)))] == [record.id] * 2
    assert home.json("status")["stream"]["length"] == 0


def test_parse_says_what_a_worker_would_refuse(home: Home, tmp_path: Path) -> None:
    """A bad input is Rejected with its reason; a missing file or source is a UsageError."""
    with pytest.raises(Rejected) as refused:
        parse(b"")
    assert refused.value.reason is Reason.EMPTY
    with pytest.raises(UsageError, match="cannot be read"):
        parse(tmp_path / "none.md")
    with pytest.raises(UsageError, match="did you mean drop"):
        parse(b"x", as_source="dorp")


def test_enqueue_is_a_job(home: Home, tmp_path: Path) -> None:
    """Files are accepted as one job, whose id is returned and followed to its end."""
    paths = [home.put(name, article(name)) for name in ("a.md", "b.md")]
    job = enqueue(paths)
    home.work()
    assert home.json("jobs", job)["articles"]["published"] == 2
    again = enqueue(str(paths[0]), force=True)
    home.work()
    assert home.json("jobs", again)["articles"]["revised"] == 1
    with pytest.raises(UsageError, match="cannot be enqueued"):
        enqueue(tmp_path / "none.md")


def test_the_face_is_there_in_any_order() -> None:
    """The function `parse` and the package `worker.parse` get along, whichever comes first, and
    `import worker` alone loads nothing."""
    for first in ("from worker.parse import sniff", "from worker import parse", "import worker"):
        code = (
            f"import sys; {first}\n"
            "import worker; assert 'pydantic' not in sys.modules or 'parse' in sys.argv[1]\n"
            "from worker import parse, enqueue\n"
            "from worker.parse import sniff\n"
            "assert callable(parse) and callable(enqueue) and callable(worker.parse)\n"
            "assert sniff(b'# A\\n').value == 'markdown'\n"
        )
        subprocess.run([sys.executable, "-c", code, first], check=True)


def test_an_unknown_name_is_an_attribute_error() -> None:
    """What the package has not is said as Python says it."""
    with pytest.raises(ImportError):
        from worker import nothing  # type: ignore[attr-defined]  # noqa: F401
