"""The public face: `from worker import parse, enqueue`."""

import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import worker
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


def test_parse_uses_the_present_settings(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rule that was changed and a variable that was set since the last call count in this one."""
    rule = tmp_path / "rules" / "default.toml"
    rule.parent.mkdir()
    rule.write_text('[body]\ndrop_text = ["^Advert"]\n')
    monkeypatch.setenv("NEWSDROP_SITES_DIR", str(rule.parent))
    data = article("甲", body="<p>Advert</p><p>Sponsored</p><p>Text</p>").encode()
    assert [one.content_text for one in parse(data)] == ["Sponsored\nText"]
    rule.write_text('[body]\ndrop_text = ["^Sponsored"]\n# longer\n')
    assert [one.content_text for one in parse(data)] == ["Advert\nText"]
    monkeypatch.delenv("NEWSDROP_SITES_DIR")
    assert [one.content_text for one in parse(data)] == ["Advert\nSponsored\nText"]


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


def test_the_functions_are_what_they_seem() -> None:
    """`worker.parse` is a plain function with its own signature and help; `dir` lists it."""
    assert inspect.isfunction(parse)
    assert list(inspect.signature(parse).parameters)[:2] == ["source", "name"]
    assert "Return the records of an input" in (inspect.getdoc(parse) or "")
    assert {"parse", "enqueue", "__version__"} <= set(dir(worker))


def test_importing_the_package_loads_nothing() -> None:
    """`import worker` alone is cheap: the functions are imported on first use."""
    code = "import sys, worker; assert not {'pydantic', 'celery', 'redis'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_an_unknown_name_is_an_attribute_error() -> None:
    """What the package has not is said as Python says it."""
    with pytest.raises(ImportError):
        from worker import nothing  # type: ignore[attr-defined]  # noqa: F401
