"""The units are well-formed, closed, and installed where they say; systemd itself judges them."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from worker.cli.options import USAGE
from worker.service.supervise import STOP_SECONDS
from worker.settings import load

PROJECT = Path(__file__).parents[2]
ANALYZE = shutil.which("systemd-analyze")
PARTS = ("newsdrop-worker", "newsdrop-beat", "newsdrop-listen", "newsdrop-web")
SERVICES = (*PARTS, "newsdrop-redis", "newsdrop")
MOST_EXPOSED = 1.5
"""Of ten; systemd calls anything below 2 safe or nearly so. It was 1.2 when this was written."""

needs_systemd = pytest.mark.skipif(
    ANALYZE is None, reason="systemd-analyze is not installed here: its tests are left out"
)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a package would have in it, with the two programs as empty scripts."""
    root = tmp_path_factory.mktemp("root")
    subprocess.run(
        ["make", "install-systemd", f"DESTDIR={root}", "PREFIX=/usr", "REDIS_SERVER=/usr/bin/r"],
        cwd=PROJECT, check=True, capture_output=True,
    )  # fmt: skip
    (root / "usr/bin").mkdir()
    for name in ("newsdrop", "r"):
        program = root / "usr/bin" / name
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)
    for name in ("sysinit", "basic", "shutdown", "network", "network-online", "multi-user"):
        (root / f"usr/lib/systemd/system/{name}.target").write_text("[Unit]\nDescription=x\n")
    return root


def unit(root: Path, name: str) -> str:
    return (root / "usr/lib/systemd/system" / name).read_text("utf-8")


def value(text: str, key: str) -> str:
    found = re.search(rf"^{key}=(.*)$", text, re.MULTILINE)
    assert found, key
    return found[1]


def seconds(text: str) -> int:
    found = re.fullmatch(r"(\d+)(min|s)?", text)
    assert found, text
    return int(found[1]) * (60 if found[2] == "min" else 1)


@needs_systemd
def test_systemd_finds_no_fault(root: Path) -> None:
    """`systemd-analyze verify` reports nothing for any unit."""
    units = ["newsdrop.target", *(f"{name}.service" for name in SERVICES)]
    done = subprocess.run(
        [str(ANALYZE), "verify", f"--root={root}", "--man=no", *units],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "")


@needs_systemd
@pytest.mark.parametrize("name", SERVICES)
def test_a_unit_is_closed(name: str, root: Path) -> None:
    """`systemd-analyze security` finds each unit about as closed as a network service can be."""
    done = subprocess.run(
        [str(ANALYZE), "security", "--offline=yes", f"--root={root}", f"{name}.service"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    found = re.search(r"Overall exposure level for \S+: ([\d.]+)", done.stdout)
    assert found, done.stdout
    assert float(found[1]) <= MOST_EXPOSED


@needs_systemd
@pytest.mark.parametrize("number", range(3))
def test_the_documents_drop_ins_are_right(number: int, root: Path, tmp_path: Path) -> None:
    """systemd accepts each drop-in that docs/systemd.md shows."""
    pieces = re.findall(r"```ini\n(.*?)```", (PROJECT / "docs/systemd.md").read_text(), re.DOTALL)
    assert len(pieces) == 3
    copy = tmp_path / "root"
    shutil.copytree(root, copy, symlinks=True)
    folder = copy / "etc/systemd/system/newsdrop-web.service.d"
    folder.mkdir(parents=True)
    (folder / "override.conf").write_text(pieces[number])
    done = subprocess.run(
        [str(ANALYZE), "verify", f"--root={copy}", "--man=no", "newsdrop-web.service"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


def test_what_is_installed_is_filled_in(root: Path) -> None:
    """No placeholder is left, and no path of the folder that a package is staged in."""
    for path in root.rglob("*"):
        if path.is_file():
            text = path.read_text("utf-8")
            assert not re.search(r"@[A-Z]+@", text), path
            assert str(root) not in text, path


def test_an_update_keeps_your_files(root: Path) -> None:
    """New units are installed; the files in /etc/newsdrop stay as they are."""
    config = root / "etc/newsdrop/newsdrop.toml"
    before = config.read_text()
    config.write_text("# mine\n")
    try:
        test = ["make", "install-systemd", f"DESTDIR={root}", "PREFIX=/usr"]
        subprocess.run(test, cwd=PROJECT, check=True, capture_output=True)
        assert config.read_text() == "# mine\n"
    finally:
        config.write_text(before)


def test_the_config_is_one(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The config file that is installed is right, and its places are those of the units."""
    for name in ("NEWSDROP_STATE_DIR", "NEWSDROP_DROP", "NEWSDROP_REDIS_URL"):
        monkeypatch.delenv(name, raising=False)
    settings = load(root / "etc/newsdrop/newsdrop.toml", with_run=False)
    place = unit(root, "newsdrop-.service.d/place.conf")
    assert settings.state_dir == Path("/var/lib") / value(place, "StateDirectory")
    assert value(place, "ReadWritePaths") == f"-{settings.drop}"
    redis = unit(root, "newsdrop-redis.service.d/place.conf")
    socket = f"/run/{value(redis, 'RuntimeDirectory')}/redis.sock"
    assert settings.redis.url == f"unix://{socket}"
    server = (root / "etc/newsdrop/redis.conf").read_text()
    assert f"unixsocket {socket}\n" in server
    assert f"dir /var/lib/{value(redis, 'StateDirectory')}\n" in server
    assert "maxmemory-policy noeviction\n" in server


@pytest.mark.parametrize("name", [*PARTS, "newsdrop"])
def test_a_part_is_watched_and_has_time_to_end(name: str, root: Path) -> None:
    """It reports ready and alive, is not restarted for wrong settings, and has its time to stop."""
    text = unit(root, f"{name}.service")
    assert value(text, "Type") == "notify"
    assert seconds(value(text, "WatchdogSec")) >= 60
    assert value(text, "RestartPreventExitStatus") == str(USAGE)
    least = {"newsdrop": 2 * STOP_SECONDS, "newsdrop-worker": STOP_SECONDS}.get(name, 10)
    assert seconds(value(text, "TimeoutStopSec")) > least
