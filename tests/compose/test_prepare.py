"""The first step of the compose file: secrets, and the owners of the mounts."""

import os
import runpy
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).parents[2] / "config" / "docker" / "prepare.py"
PREPARE: dict[str, Any] = runpy.run_path(str(SCRIPT))
SOMEBODY = 4321

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")


def test_secrets_are_made_once(tmp_path: Path) -> None:
    """Each is long, unique, readable by the containers' users, and never changed again."""
    made = PREPARE["make_secrets"](tmp_path)
    assert made == list(PREPARE["NEEDED"])
    texts = {name: (tmp_path / name).read_text() for name in made}
    assert len(set(texts.values())) == len(made)
    assert all(len(text.strip()) >= 40 for text in texts.values())
    assert {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in made} == {0o444}
    assert PREPARE["make_secrets"](tmp_path) == []
    assert {name: (tmp_path / name).read_text() for name in made} == texts


def test_your_own_secret_is_kept(tmp_path: Path) -> None:
    """An existing file is not changed; only missing ones are made."""
    (tmp_path / "web-token").write_text("mine\n")
    assert "web-token" not in PREPARE["make_secrets"](tmp_path)
    assert (tmp_path / "web-token").read_text() == "mine\n"
    assert (tmp_path / "redis-password").exists()


@as_root
def test_the_state_directory_gets_its_owner(tmp_path: Path) -> None:
    """Everything below it, but nothing behind a link."""
    outside = tmp_path / "outside"
    outside.write_text("root's")
    state = tmp_path / "state"
    (state / "archive").mkdir(parents=True)
    (state / "archive" / "one").write_text("1")
    (state / "link").symlink_to(outside)
    PREPARE["give"](state, SOMEBODY, SOMEBODY)
    owned = [state, state / "archive", state / "archive" / "one", state / "link"]
    assert {path.lstat().st_uid for path in owned} == {SOMEBODY}
    assert outside.stat().st_uid == 0


@as_root
def test_a_drop_folder_that_docker_made_gets_its_owner(tmp_path: Path) -> None:
    """Docker makes a missing folder as root: its user can write there afterwards."""
    drop = _open(tmp_path) / "drop"
    drop.mkdir(mode=0o755)
    PREPARE["take_over"](drop, SOMEBODY, SOMEBODY)
    assert drop.stat().st_uid == SOMEBODY
    PREPARE["try_folder"](drop, SOMEBODY, SOMEBODY)
    assert list(drop.iterdir()) == []
    assert os.geteuid() == 0


@as_root
def test_another_users_drop_folder_is_refused(tmp_path: Path) -> None:
    """In one sentence with the line to write into .env."""
    drop = _open(tmp_path) / "drop"
    drop.mkdir(mode=0o755)
    os.chown(drop, 1234, 1235)
    PREPARE["take_over"](drop, SOMEBODY, SOMEBODY)
    assert drop.stat().st_uid == 1234
    with pytest.raises(PREPARE["Unprepared"], match="HOST_UID=1234 and HOST_GID=1235"):
        PREPARE["try_folder"](drop, SOMEBODY, SOMEBODY)
    assert os.geteuid() == 0


@as_root
def test_a_drop_folder_of_our_group_is_accepted(tmp_path: Path) -> None:
    """Another user's folder that our group may write into is taken as it is."""
    drop = _open(tmp_path) / "drop"
    drop.mkdir()
    os.chown(drop, 1234, SOMEBODY)
    drop.chmod(0o2775)
    PREPARE["take_over"](drop, SOMEBODY, SOMEBODY)
    PREPARE["try_folder"](drop, SOMEBODY, SOMEBODY)


def test_root_of_a_rootless_engine_is_recognised() -> None:
    """In a user namespace root is another user: its folders must not change their owner."""
    script = f"import runpy; print(runpy.run_path({str(SCRIPT)!r})['_is_the_hosts_root']())"
    words = ("unshare", "--user", "--map-root-user", sys.executable, "-c", script)
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    if done.returncode != 0:
        pytest.skip("no user namespaces here")
    assert done.stdout == "False\n"


def test_a_name_in_place_of_a_number_is_refused() -> None:
    """In one sentence, without a traceback."""
    words = (sys.executable, str(SCRIPT), "alice", "users")
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert done.stderr == (
        "newsdrop: HOST_UID and HOST_GID are numbers, as `id -u` and `id -g` print\n"
    )


def _open(folder: Path) -> Path:
    """Let other users into pytest's folders."""
    for parent in (folder, *folder.parents[:3]):
        if str(parent).startswith("/tmp/pytest"):
            parent.chmod(0o755)
    return folder
