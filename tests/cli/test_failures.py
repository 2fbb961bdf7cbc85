"""How commands end when something is wrong, or when somebody has seen enough."""

import builtins
import errno
import os
import pty
import signal
import subprocess
import sys
import time

import pytest

from tests.home import Home, article
from worker.cli import main
from worker.errors import StoreFull
from worker.spool.disk_errors import disk_problem
from worker.translation import message, set_language

NEWSDROP = (sys.executable, "-m", "worker.cli")


def test_redis_unavailable_is_one_sentence_and_exit_3(lonely: Home) -> None:
    """Commands that need Redis print one sentence with advice, and no traceback."""
    for command in (["tail"], ["jobs"], ["show", "20220304-" + "0" * 24]):
        result = lonely.run(*command)
        assert result.exit_code == 3, command
        assert result.stdout == ""
        assert result.stderr.startswith("newsdrop: Redis cannot be reached")
        assert "newsdrop up" in result.stderr
        assert "Traceback" not in result.stderr


def test_a_warning_is_a_note_with_its_cause(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """A logged warning is one line on standard error: event, cause and subject."""

    def refused(*_: object, **__: object) -> None:
        raise StoreFull("Redis is full:\x1b[2J")

    path = home.put("a.md", article("甲"))
    monkeypatch.setattr("redis.client.Pipeline.execute", refused)
    message = home.run("enqueue", str(path)).stderr
    assert "newsdrop: the job was not recorded: Redis is full:\\x1b[2J (job enqueue-" in message


def test_commands_of_the_spool_need_no_redis(lonely: Home) -> None:
    """`quarantine`, `audit`, `pause`, `config`, `schema` and `parse` do their work without it."""
    path = str(lonely.put("a.md", article("甲")))
    for command in (
        ["quarantine", "list"], ["audit"], ["pause", "drop"], ["config", "check"], ["schema"],
        ["parse", path],
    ):  # fmt: skip
        assert lonely.run(*command).exit_code == 0, command


def test_an_unusable_spool_is_one_sentence_and_exit_3(home: Home) -> None:
    """A state directory that is a file: which path, why, and no traceback."""
    path = home.put("a.md", article("甲"))
    (home.state / "spool").write_text("not a folder")
    result = home.run("enqueue", str(path))
    assert result.exit_code == 3
    assert "spool" in result.stderr
    assert "Traceback" not in result.output


def test_a_file_that_cannot_be_written_or_read(home: Home) -> None:
    """A command says what to do, and never that it resumes by itself, which only the service does.
    The message of a disk is translated."""
    backup = home.run("backup", str(home.path / "no" / "x.backup"))
    assert backup.exit_code == 2
    assert f"there is no folder {home.path / 'no'}: create it, or name another" in backup.stderr
    parsed = home.run("parse", str(home.path))
    assert f"{home.path} is a folder: name a file" in parsed.stderr
    full = OSError(errno.ENOSPC, "No space left on device", str(home.path))
    english = disk_problem(full, is_command=True)
    assert english.endswith("free space or inodes on its disk: then repeat the command")
    set_language("zh")
    assert message(english).endswith("请释放其磁盘的空间或 inode：然后重新执行命令")
    set_language("en")


def test_a_closed_pipe_ends_quietly(home: Home) -> None:
    """`newsdrop tail | head` leaves nothing on standard error."""
    for number in range(30):
        home.put(f"in/{number}.md", article(f"第{number}篇", body="长正文。" * 2000))
    home.json("enqueue", str(home.path / "in"))
    home.work()
    for command in (["tail", "--from", "0", "--json"], ["tail", "--from", "0"], ["schema"]):
        read, write = os.pipe()
        os.close(read)
        done = subprocess.run(
            [*NEWSDROP, *command], stdout=write, stderr=subprocess.PIPE, check=False
        )
        os.close(write)
        assert done.stderr == b"", command


def test_ctrl_c_ends_quietly(home: Home) -> None:
    """Looking on (`tail --follow`, `status --watch`) is ended by Ctrl-C: exit 0, no traceback."""
    home.json("enqueue", str(home.put("a.md", article("甲"))))
    home.work()
    for command in (["tail", "--follow"], ["status", "--watch", "--json"]):
        process = subprocess.Popen(
            [*NEWSDROP, *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline()  # it is at work
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0, command
        assert process.stderr.read() == b""


@pytest.mark.parametrize("no_color", [False, True])
def test_colours_are_for_terminals_that_want_them(home: Home, no_color: bool) -> None:
    """A terminal gets colours, unless NO_COLOR is set; a pipe never does."""
    environment = {key: value for key, value in os.environ.items() if key != "NO_COLOR"}
    environment |= {"TERM": "xterm-256color"} | ({"NO_COLOR": "1"} if no_color else {})
    ours, theirs = pty.openpty()
    subprocess.run(
        [*NEWSDROP, "status"], stdout=theirs, stderr=theirs, env=environment, check=False
    )
    os.close(theirs)
    shown = b""
    try:
        while piece := os.read(ours, 65536):
            shown += piece
    except OSError:
        pass  # the other end is closed
    os.close(ours)
    assert b"articles" in shown
    assert (b"\x1b[31m" in shown) is not no_color
    assert "\x1b" not in home.run("status").stdout


def test_names_that_are_not_utf8_are_shown_escaped(home: Home) -> None:
    """A name of invalid bytes, with a line break and a leading dash, is accepted and escaped."""
    folder = home.path / "in"
    folder.mkdir()
    name = os.fsdecode(b"-\xff\n\x1b[2J.md")
    (folder / name).write_bytes(b"")
    result = home.run("enqueue", str(folder), "--json")
    assert result.exit_code == 0
    home.work()
    shown = home.run("quarantine", "list").stdout
    assert r"-\xff\n\x1b[2J.md" in shown
    assert (
        r"\xff"
        in home.json("quarantine", "show", home.lines("quarantine", "list")[0]["id"])["path"]
    )
    message = home.run("explain", "--", str(folder / name))
    assert r"\xff" in message.stdout
    assert "\x1b" not in message.output


def test_newsdrop_worker_does_the_whole_job(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """`newsdrop worker -B` ingests a dropped file, is shown in `status`, and ends on TERM."""
    monkeypatch.setenv("NEWSDROP_WORKER_PROCESSES", "1")
    process = subprocess.Popen(
        [*NEWSDROP, "worker", "-B"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        (home.drop / "a.md").write_text(article("甲"), "utf-8")
        enqueued = home.json("enqueue", "--wait", str(home.put("b.md", article("乙"))))
        assert enqueued["articles"]["published"] == 1
        deadline = time.monotonic() + 60
        while (status := home.json("status"))["articles"]["published"] != 2:
            assert time.monotonic() < deadline, status
            time.sleep(0.2)
        assert [worker["processes"] for worker in status["workers"]] == [2]  # one more to fetch
        assert status["beat_age_s"] is not None
        process.terminate()
        assert process.wait(60) == 0
        assert home.json("status")["workers"] == []
    finally:
        process.kill()
        process.wait()


def test_an_early_ctrl_c_is_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C while the first modules are being loaded ends with 130, not with a traceback."""
    real = builtins.__import__

    def interrupted(name: str, *args: object, **named: object) -> object:
        if name == "worker.cli.root":
            raise KeyboardInterrupt
        return real(name, *args, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", interrupted)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 130


def test_an_article_of_many_is_counted_from_one(home: Home) -> None:
    """`parse` names the bad article of a file by its place, and a bad file without one."""
    path = home.put("many.ndjson", '{"title": "A", "content": "B"}\n{"x": 1}\n')
    assert "refused: article 2: " in home.run("parse", str(path)).stderr
    assert home.run("parse", str(home.put("empty.md", ""))).stderr.startswith("refused: empty: ")


@pytest.mark.parametrize("encoding", ["latin-1", "ascii", "gb18030"])
def test_a_locale_without_unicode_ends_nothing(encoding: str) -> None:
    """What the terminal's encoding cannot write is escaped; it ended `up` at its first `…`."""
    program = (
        "import worker.cli.root as root; root.app = lambda **_: print('wait \\u2026 \\U0001f680');"
        "from worker.cli import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONIOENCODING": encoding},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(b"wait ")
