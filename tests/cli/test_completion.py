"""Shell completion, called as the shells' own scripts call it."""

import os
import pty
import select
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.home import Home, article
from tests.template import run_newsdrop

BIN = Path(sys.executable).parent

OPML = """<opml version="2.0"><body>
<outline text="harbour" type="rss" xmlUrl="https://harbour.example/rss"/></body></opml>"""


def completed(*words: str, shell: str = "bash") -> list[str]:
    """The completions of the last of `words`, which may be empty, after `newsdrop`."""
    line = " ".join(("newsdrop", *words))
    variables = {
        "_NEWSDROP_COMPLETE": f"complete_{shell}",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(words)),
        "_TYPER_COMPLETE_ARGS": line,
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
    }
    done = run_newsdrop(environment={**os.environ, **variables})
    assert done.stderr == "", "nothing is printed into the line that a person types"
    return done.stdout.split()


def test_commands_and_options() -> None:
    """Commands, those of groups, and options by their beginning."""
    assert completed("enq") == ["enqueue"]
    assert completed("quarantine", "re") == ["retry", "restore"]
    assert completed("enqueue", "--w") == ["--wait"]


def test_names_and_ids(home: Home) -> None:
    """Sources, feeds, jobs and quarantined inputs are those that there are."""
    added = home.run("feeds", "import", str(home.put("feeds.opml", OPML)))
    assert added.exit_code == 0, added.output
    job = home.json("enqueue", str(home.put("a.md", article("甲"))), str(home.put("b.md", "")))
    home.work()
    (refused,) = home.lines("quarantine", "list")
    home.run("pause", "drop")
    assert completed("enqueue", "--source", "") == ["drop", "manual"]
    assert completed("pause", "har") == ["harbour"]
    assert completed("pause", "") == ["drop", "harbour", "feeds"]
    assert completed("resume", "") == ["drop"]
    assert completed("feeds", "remove", "h") == ["harbour"]
    assert completed("jobs", "enqueue-") == [job["job"]]
    for shell in ("bash", "zsh", "fish"):
        offered = " ".join(completed("quarantine", "show", refused["id"][:12], shell=shell))
        assert refused["id"] in offered


def test_only_plain_names_are_offered(home: Home) -> None:
    """A shell may run its input as code, so names with other characters are left out."""
    (home.state / "paused").mkdir()
    for name in ("good", "$(reboot)", "a b", "`x`", '";x'):
        (home.state / "paused" / name).touch()
    assert completed("resume", "") == ["good"]


def test_without_redis_or_settings_nothing_is_offered(
    lonely: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No server, or one that does not answer, a wrong setting: nothing, soon, and no word of it."""
    assert completed("jobs", "") == []
    assert completed("enqueue", "--source", "") == ["drop", "manual"], "the settings tell"
    with _silent() as port:
        monkeypatch.setenv("NEWSDROP_REDIS_URL", f"redis://127.0.0.1:{port}/0")
        started = time.monotonic()
        assert completed("jobs", "") == []
        assert time.monotonic() - started < 10, "so long a connection waits for its answer"
    monkeypatch.setenv("NEWSDROP_LOG_LEVEL", "loud")
    assert completed("enqueue", "--source", "") == []


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash here")
def test_in_bash(home: Home) -> None:
    """With the script of `--show-completion` a Tab in bash completes a command, then a name."""
    ours, theirs = pty.openpty()
    environment = {
        **os.environ,
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "PS1": "ready> ",
        "TERM": "dumb",
    }
    shell = subprocess.Popen(
        ["bash", "--norc", "--noprofile", "-i"],
        stdin=theirs, stdout=theirs, stderr=theirs, env=environment, start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    try:
        _shown(ours, b"ready> ")
        os.write(ours, b'eval "$(newsdrop --show-completion)"; echo loaded\n')
        _shown(ours, b"\nloaded")
        os.write(ours, b"newsdrop paus\t")
        _shown(ours, b"newsdrop pause ")
        os.write(ours, b"dr\t")
        _shown(ours, b"drop ")
    finally:
        shell.kill()
        shell.wait()
        os.close(ours)


@contextmanager
def _silent() -> Iterator[int]:
    """A server that accepts connections and never answers; its port."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def _shown(terminal: int, what: bytes) -> None:
    read = b""
    while what not in read:
        ready, *_ = select.select([terminal], [], [], 60)
        assert ready, f"not shown: {what!r}, but {read!r}"
        read += os.read(terminal, 65536)
