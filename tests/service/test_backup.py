"""`newsdrop backup` and `newsdrop restore`, beside a service and with the server of `up`."""

import io
import json
import os
import shutil
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import zstandard

from tests.home import Home, article
from tests.mounts import volume
from tests.servers import Server
from worker.errors import ConfigError, StoreFull, StoreUnavailable
from worker.health.preflight import check_places
from worker.service import backup
from worker.service.lock import up_lock
from worker.service.running_server import running_server
from worker.service.state import StateDir
from worker.store import dump
from worker.store.connection import connect


@pytest.fixture
def home(tmp_path: Path, redis_server: Server, monkeypatch: pytest.MonkeyPatch) -> Home:
    for name, value in {
        "STATE_DIR": tmp_path / "state",
        "REDIS_URL": redis_server.url,
        "SPOOL_MIN_FREE_MB": 1,
        "DROP": tmp_path / "drop",
    }.items():
        monkeypatch.setenv(f"NEWSDROP_{name}", str(value))
    (tmp_path / "drop").mkdir()
    return Home(tmp_path)


def everything(server: Server) -> dict[bytes, object]:
    """Every key of newsdrop with its value, and whether it expires."""
    client = server.client()
    found: dict[bytes, object] = {}
    for key in client.scan_iter("*newsdrop:articles*", 1000):
        read = dump._READERS.get(client.type(key).decode())
        value = read(client, key) if read else client.xrange(key)
        found[key] = (value, client.ttl(key) > 0)
    client.close()
    return found


def test_a_restore_has_everything(
    home: Home, redis_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Records, index, counters, jobs, groups, dead letters, feeds and waiting batches; audits
    balance. Also with the tarfile of Python 3.11.2, where `extract` has no filter."""
    monkeypatch.delattr(tarfile.TarFile, "extract")
    home.put("a.md", article("潮汐表"))
    home.put("b.md", article("渡轮停航"))
    home.run("enqueue", str(home.path / "a.md"), str(home.path / "b.md"))
    home.work()
    client = redis_server.client()
    client.xgroup_create("newsdrop:articles", "nlp", "0")
    client.xreadgroup("nlp", "c1", {"newsdrop:articles": ">"}, count=1)
    client.xadd("{newsdrop:articles}:dead:nlp", {"title": "x", "data": b"\xff\x00"})
    (home.path / "drop" / "c.md").write_text(article("灯塔换灯"))
    home.settle_and_claim()
    before, pending = everything(redis_server), client.xpending("newsdrop:articles", "nlp")
    made = home.json("backup", str(home.path / "a.backup"))
    assert made["keys"] == len(before)
    assert home.run("backup", str(home.path / "a.backup")).exit_code == 2  # it exists
    assert (home.path / "a.backup").stat().st_mode & 0o077 == 0

    refused = home.run("restore", str(home.path / "a.backup"))
    assert (refused.exit_code, "is not empty" in refused.stderr) == (2, True)
    shutil.rmtree(home.state)
    shutil.rmtree(home.path / "drop" / ".newsdrop")
    refused = home.run("restore", str(home.path / "a.backup"))
    assert (refused.exit_code, "Redis has keys" in refused.stderr) == (2, True)
    client.flushall()
    done = home.json("restore", str(home.path / "a.backup"))
    assert (done["keys"], done["published"], done["audit"]["unaccounted"]) == (len(before), 0, 0)
    assert everything(redis_server) == before
    assert client.xpending("newsdrop:articles", "nlp") == pending
    home.work()  # the batch that waited in the drop folder
    found = home.json("audit")
    assert (found["accepted"], found["published"], found["unaccounted"]) == (3, 3, 0)
    assert client.xlen("newsdrop:articles") == 3


def test_articles_published_during_a_backup_are_published_again(
    home: Home, redis_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are in the archive's copy; writes wait while the index is read."""
    home.put("a.md", article("潮汐表"))
    home.run("enqueue", str(home.path / "a.md"))
    home.work()
    files, order = backup._files, list[str]()

    def work_first(*args: object) -> Iterator[tuple[str, Path]]:
        home.put("b.md", article("渡轮停航"))
        home.run("enqueue", str(home.path / "b.md"))
        home.work()
        return files(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(backup, "_files", work_first)
    read = dump._Writer._read_stream

    def write_meanwhile(self: dump._Writer, key: bytes) -> None:
        thread = threading.Thread(target=lambda: (other.set("x", 1), order.append("written")))
        thread.start()
        threads.append(thread)
        thread.join(1)
        read(self, key)
        order.append("read")

    other, threads = connect(redis_server.url), list[threading.Thread]()
    monkeypatch.setattr(dump._Writer, "_read_stream", write_meanwhile)
    home.json("backup", str(home.path / "a.backup"))
    threads[0].join()
    assert order[0] == "read"
    assert "written" in order
    shutil.rmtree(home.state)
    redis_server.client().flushall()
    done = home.json("restore", str(home.path / "a.backup"))
    assert (done["published"], done["audit"]["unaccounted"]) == (1, 0)
    titles = {one["title"] for one in home.lines("tail")}
    assert titles == {"潮汐表", "渡轮停航"}


def back_up(home: Home) -> Path:
    """The backup of a service with one article."""
    home.put("a.md", article("潮汐表"))
    home.run("enqueue", str(home.path / "a.md"))
    home.work()
    file = home.path / "a.backup"
    home.json("backup", str(file))
    return file


def killed(*_: object) -> int:
    raise KeyboardInterrupt


def test_a_damaged_backup_leaves_nothing(
    home: Home, redis_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cut or invalid file is refused; no service starts on an interrupted restore."""
    whole = back_up(home)
    shutil.rmtree(home.state)
    redis_server.client().flushall()
    half = home.path / "half.backup"
    for data in (whole.read_bytes()[:-200], b"", b"no archive"):
        half.write_bytes(data)
        refused = home.run("restore", str(half))
        assert (refused.exit_code, "is not a complete backup" in refused.stderr) == (2, True)
    assert home.run("restore", str(home.path / "none")).exit_code == 2
    assert redis_server.client().dbsize() == 0
    with monkeypatch.context() as patch:
        patch.setattr(backup, "_publish_again", killed)
        with pytest.raises(KeyboardInterrupt):
            backup.restore_backup(home.settings(), whole)
    with pytest.raises(ConfigError, match="is not restored completely"):
        check_places(home.settings(), print)
    shutil.rmtree(home.state)
    redis_server.client().flushall()
    assert home.json("restore", str(whole))["audit"]["published"] == 1
    check_places(home.settings(), print)


def test_the_server_of_up_runs_for_a_backup(
    home: Home, monkeypatch: pytest.MonkeyPatch, server_binary: str
) -> None:
    """The embedded server runs for the command; beside a running `up` a restore is refused."""
    monkeypatch.delenv("NEWSDROP_REDIS_URL")
    state = StateDir(home.state)
    state.prepare()
    home.put("a.md", article("潮汐表"))
    with running_server(home.settings()):
        home.run("enqueue", str(home.path / "a.md"))
        home.work()
    made = home.json("backup", str(home.path / "a.backup"))
    with up_lock(state):
        refused = home.run("restore", str(home.path / "a.backup"))
    assert (refused.exit_code, "newsdrop runs on" in refused.stderr) == (2, True)
    shutil.rmtree(home.state)
    done = home.json("restore", str(home.path / "a.backup"))
    assert (done["keys"], done["files"]) == (made["keys"], made["files"])
    with running_server(home.settings()):
        assert [one["title"] for one in home.lines("tail")] == ["潮汐表"]
    assert json.loads(home.run("audit", "--json").stdout)["published"] == 1


def test_two_backups_without_a_service(
    home: Home, monkeypatch: pytest.MonkeyPatch, server_binary: str
) -> None:
    """While one runs, another, a restore and `down` name the running command and do nothing."""
    monkeypatch.delenv("NEWSDROP_REDIS_URL")
    StateDir(home.state).prepare()
    file = home.path / "a.backup"
    with running_server(home.settings()) as client:
        for command in (["backup", str(file)], ["restore", str(file)], ["down"], ["up"]):
            refused = home.run(*command)
            assert refused.exit_code == 2, command
            assert "`newsdrop backup` runs on" in refused.stderr, command
            assert refused.stderr.count("\n") == 1, refused.stderr
        assert client.ping()
    assert home.json("backup", str(file))["keys"] >= 0


def test_a_restore_onto_a_full_disk_leaves_no_key(
    home: Home, redis_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that cannot save refuses to delete, too, until what was unpacked makes room."""
    file = back_up(home)
    shutil.rmtree(home.state)
    redis_server.client().flushall()
    refusals, delete_keys = iter([True, True, False]), dump._delete_keys

    def load(*given: Any) -> None:
        dump.load_keys(*given)
        raise StoreFull("Redis refuses writes because it cannot save to its disk")

    def delete(*given: Any) -> None:
        if any((home.state / backup.RESTORING).rglob("*.jsonl")) or next(refusals):
            raise StoreFull("Redis refuses writes because it cannot save to its disk")
        delete_keys(*given)

    with monkeypatch.context() as patch:
        patch.setattr(backup, "load_keys", load)
        patch.setattr(dump, "_delete_keys", delete)
        assert "refuses writes" in home.run("restore", str(file)).stderr
    assert not everything(redis_server)
    assert home.json("restore", str(file))["audit"]["published"] == 1


def test_a_full_disk_is_named_not_the_backup(home: Home, redis_server: Server) -> None:
    """The state directory's disk has less room than the backup needs: it is named, and why."""
    (home.state / "large").parent.mkdir()
    (home.state / "large").write_bytes(os.urandom(1_000_000))
    file = back_up(home)
    shutil.rmtree(home.state)
    redis_server.client().flushall()
    home.state.mkdir()
    with volume(home.state, size="256k"):
        failed = home.run("restore", str(file))
        assert failed.exit_code == 3
        assert f"{home.state} cannot be used: No space left" in failed.stderr
        assert file.name not in failed.stderr
    assert home.json("restore", str(file))["audit"]["published"] == 1


def test_a_restore_that_fails_late_says_what_to_do(
    home: Home, redis_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In both languages; afterwards the restore works."""
    file = back_up(home)

    def unavailable(*_: object) -> int:
        raise StoreUnavailable("Redis at localhost does not answer")

    for language, words in (("en", "move the directory away"), ("zh", "移走")):
        shutil.rmtree(home.state)
        redis_server.client().flushall()
        with monkeypatch.context() as patch:
            patch.setattr(backup, "_publish_again", unavailable)
            failed = home.run("--lang", language, "restore", str(file))
        assert failed.exit_code == 2
        assert "localhost" in failed.stderr
        assert words in failed.stderr
        assert "not empty" in home.run("restore", str(file)).stderr
    home.state.rename(home.path / "away")
    redis_server.client().flushall()
    assert home.json("restore", str(file))["audit"]["published"] == 1


_STREAM = "newsdrop:articles"
_HEAD = {"at": "2021-11-26T12:26:04Z", "stream": _STREAM}


@pytest.mark.parametrize(
    ("head", "redis", "why"),
    [
        ([1], b"", "not a complete backup"),
        (_HEAD, None, "not a complete backup"),
        (_HEAD, b"nonsense\n", "not a complete backup"),
        (_HEAD, b'["string"]\n', "not a complete backup"),
        (_HEAD, b"outside", "not a complete backup"),
        (_HEAD, b'["string",5,-1,"x"]\n', "not a complete backup"),
        (_HEAD, b'["string","{%b}:x",-1,"x"]\n["zap","{%b}:y",1]\n', "not a complete backup"),
        (_HEAD, b'["string","somebody\'s",-1,"x"]\n', "not a complete backup"),
        ({**_HEAD, "stream": "other\x1b"}, b"", "of the stream other\\x1b"),
    ],
)
def test_a_backup_from_outside_writes_no_key_but_its_own(
    home: Home, redis_server: Server, head: object, redis: bytes | None, why: str
) -> None:
    """A damaged file, another stream or foreign keys are refused, and nothing is left."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        backup._add_bytes(tar, "backup.json", json.dumps(head).encode())
        if redis is not None:
            backup._add_bytes(tar, "redis.jsonl", redis.replace(b"%b", _STREAM.encode()))
        if redis == b"outside":
            backup._add_bytes(tar, "../../outside", b"")
        backup._add_bytes(tar, "end", b"")
    (home.path / "x.backup").write_bytes(zstandard.compress(packed.getvalue()))
    refused = home.run("restore", str(home.path / "x.backup"))
    assert (refused.exit_code, why in refused.stderr) == (2, True)
    assert not (home.path / "outside").exists()
    assert redis_server.client().keys("*") == []
    assert not {path.name for path in home.state.iterdir()} - {"run", "log", "server"}


def test_folders_that_disappear_and_foreign_temporary_files(home: Home, tmp_path: Path) -> None:
    """A finished batch is not an error; a link beside the backup is not followed."""
    home.put("a.md", article("潮汐表"))
    home.run("enqueue", str(home.path / "a.md"))
    found = backup._below(home.state / "spool", "spool/work")
    next(found)
    shutil.rmtree(home.state / "spool" / "work")
    list(found)
    (tmp_path / ".a.backup.tmp").symlink_to(tmp_path / "victim")
    home.json("backup", str(tmp_path / "a.backup"))
    assert not (tmp_path / "victim").exists()
    assert not list(tmp_path.glob(".newsdrop-*.tmp"))
