"""The listener sends wake-ups for files that are ready, and no failure ends it."""

import logging
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.service.conftest import PATIENCE, until
from worker.service.listener import listener as listening
from worker.service.listener.folder_watch import FolderChange, FolderWatch
from worker.service.listener.listener import MAX_HINTS, MAX_PATHS, Listener
from worker.settings import Folder

Start = Callable[..., "Recorder"]


class Recorder:
    """A running listener and its messages: (seconds since the start, source, hints)."""

    def __init__(self, folders: list[Folder], paused: Callable[[str], bool]) -> None:
        self.messages: list[tuple[float, str, list[str]]] = []
        self.refuse = False
        self.fail = False
        self.listener = Listener(folders, self.notify, is_paused=paused)
        self.thread = threading.Thread(target=self.listener.run)
        self.thread.start()

    def notify(self, source: str, hints: list[str]) -> bool:
        if self.fail:
            raise ConnectionError("no broker")
        if self.refuse:
            return False
        self.messages.append((time.monotonic(), source, hints))
        return True

    @property
    def hints(self) -> list[str]:
        return [hint for _, _, hints in list(self.messages) for hint in hints]

    @property
    def wholes(self) -> int:
        return sum(not hints for _, _, hints in list(self.messages))


@pytest.fixture
def start() -> Iterator[Start]:
    """`start(folder, …)` runs a listener until it watches them all."""
    running: list[Recorder] = []

    def begin(*folders: Folder, paused: Callable[[str], bool] = lambda _: False) -> Recorder:
        recorder = Recorder(list(folders), paused)
        running.append(recorder)
        watched = {f.name for f in folders if not f.schedule and f.path.is_dir()}
        if not paused("drop"):
            until(lambda: watched <= {source for _, source, _ in recorder.messages})
            recorder.messages.clear()
        return recorder

    yield begin
    for recorder in running:
        recorder.listener.stop()
        recorder.thread.join(PATIENCE)
        assert not recorder.thread.is_alive()


@pytest.fixture
def drop(tmp_path: Path) -> Path:
    path = tmp_path / "drop"
    path.mkdir()
    return path


def problem_of(record: logging.LogRecord) -> str:
    return str(vars(record).get("fields"))


def put(path: Path) -> None:
    """As a careful writer does: another name first, then a rename."""
    hidden = path.with_name(f".{path.name}.new")
    hidden.write_text("text")
    hidden.rename(path)


def test_a_file_renamed_in_is_sent_at_once(drop: Path, start: Start) -> None:
    """A rename brings a whole file: it does not wait for the settle time."""
    recorder = start(Folder(name="drop", path=drop, settle_seconds=30))
    put(drop / "a.md")
    assert until(lambda: recorder.hints) == ["moved:a.md"]


def test_a_closed_file_is_sent_after_the_settle_time(drop: Path, start: Start) -> None:
    """Once, `settle_seconds` after it was last closed."""
    recorder = start(Folder(name="drop", path=drop, settle_seconds=0.5))
    for _ in range(4):
        with (drop / "a.md").open("a") as file:
            file.write("more")
        last = time.monotonic()
        time.sleep(0.1)
    assert until(lambda: recorder.hints) == ["closed:a.md"]
    assert recorder.messages[0][0] - last >= 0.5
    time.sleep(0.3)
    assert len(recorder.messages) == 1


def test_an_open_file_is_not_sent(drop: Path, start: Start) -> None:
    """While a writer holds the file open, nothing is problem_of of it."""
    recorder = start(Folder(name="drop", path=drop, settle_seconds=0.05))
    with (drop / "a.md").open("w") as file:
        file.write("half")
        file.flush()
        time.sleep(0.5)
        assert recorder.messages == []
    until(lambda: recorder.hints == ["closed:a.md"])


@pytest.mark.parametrize(
    "name", [".a.md", "a.md.tmp", "a.part", "a.crdownload", ".a.swp", "a.md~", "Thumbs.db", "b.txt"]
)
def test_ignored_names_are_not_sent(drop: Path, start: Start, name: str) -> None:
    """Temporary files, desktop files and names that do not match the pattern."""
    recorder = start(Folder(name="drop", path=drop, pattern="*.md,*.db", settle_seconds=0))
    (drop / name).write_text("x")
    put(drop / "last.md")
    until(lambda: "moved:last.md" in recorder.hints)
    assert [hint for hint in recorder.hints if "last.md" not in hint] == []


@pytest.mark.parametrize("there_before", [True, False])
def test_the_spool_is_not_watched(drop: Path, start: Start, there_before: bool) -> None:
    """Our own claims, which are renames into `.newsdrop`, send nothing."""
    put(drop / "a.md")
    work = drop / ".newsdrop" / "work" / "batch"
    if there_before:
        work.mkdir(parents=True)
    recorder = start(Folder(name="drop", path=drop))
    work.mkdir(parents=True, exist_ok=True)
    (drop / "a.md").rename(work / "0")
    (work / "journal").write_text("x")
    time.sleep(0.8)
    assert recorder.messages == []


def test_subfolders_count(drop: Path, start: Start) -> None:
    """Files in folders made, moved in or renamed later have their present path."""
    (drop / "old").mkdir()
    recorder = start(Folder(name="drop", path=drop))
    put(drop / "old" / "a.md")
    until(lambda: "moved:old/a.md" in recorder.hints)
    (drop / "new" / "deep").mkdir(parents=True)
    until(lambda: recorder.wholes)  # what came with it is looked for
    time.sleep(0.2)
    put(drop / "new" / "deep" / "b.md")
    until(lambda: "moved:new/deep/b.md" in recorder.hints)
    (drop / "new").rename(drop / "other")
    time.sleep(0.2)
    put(drop / "other" / "deep" / "c.md")
    until(lambda: "moved:other/deep/c.md" in recorder.hints)


def test_a_folder_moved_in_is_scanned(drop: Path, start: Start, tmp_path: Path) -> None:
    """It is sent without hints: its files have no events of their own."""
    (tmp_path / "ready").mkdir()
    (tmp_path / "ready" / "a.md").write_text("x")
    recorder = start(Folder(name="drop", path=drop))
    (tmp_path / "ready").rename(drop / "ready")
    until(lambda: recorder.wholes)


def test_names_that_are_not_utf8_are_left_to_the_tick(drop: Path, start: Start) -> None:
    """A message is JSON and cannot carry them; other files are sent."""
    recorder = start(Folder(name="drop", path=drop))
    put(Path(os.fsdecode(os.fsencode(drop) + b"/\xff.md")))
    put(drop / "中文 \n.md")
    assert until(lambda: recorder.hints) == ["moved:中文 \n.md"]


def test_a_flood_is_few_messages_and_bounded_memory(drop: Path, start: Start) -> None:
    """Beyond MAX_PATHS the whole folder is sent instead of its files."""
    recorder = start(Folder(name="drop", path=drop))
    recorder.refuse = True
    for number in range(3 * MAX_PATHS):
        recorder.listener.on_change("drop", FolderChange.MOVED, f"{number}.md")
    time.sleep(1)
    pending = recorder.listener._pending["drop"]
    assert len(pending.moved) + len(pending.closed) + len(pending.deferred) <= MAX_PATHS + MAX_HINTS
    recorder.refuse = False
    until(lambda: recorder.wholes)
    time.sleep(1)
    assert len(recorder.messages) <= 2 * MAX_PATHS // MAX_HINTS
    assert all(len(hints) <= MAX_HINTS for _, _, hints in recorder.messages)


def test_a_steady_trickle_is_sent_file_by_file(drop: Path, start: Start) -> None:
    """Twenty files a second do not enlarge the window."""
    recorder = start(Folder(name="drop", path=drop))
    for number in range(40):
        put(drop / f"{number}.md")
        time.sleep(0.05)
    until(lambda: len(recorder.hints) == 40)
    assert recorder.listener._pending["drop"].window == listening.WINDOW_SECONDS
    assert len(recorder.messages) > 20


def test_hints_wait_while_enough_messages_are_queued(drop: Path, start: Start) -> None:
    """They are sent together when there is room."""
    recorder = start(Folder(name="drop", path=drop))
    recorder.refuse = True
    for number in range(5):
        put(drop / f"{number}.md")
        time.sleep(0.1)
    recorder.refuse = False
    until(lambda: len(recorder.hints) == 5)
    assert len(recorder.messages) <= 2


def test_a_lost_broker_does_not_end_it(
    drop: Path, start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    """One warning; when the broker is back the whole folder is sent."""
    recorder = start(Folder(name="drop", path=drop))
    recorder.fail = True
    put(drop / "a.md")
    until(lambda: "the broker is unavailable" in caplog.text)
    put(drop / "b.md")
    time.sleep(1.5)
    recorder.fail = False
    until(lambda: recorder.wholes)
    until(lambda: "the broker is back" in caplog.text)
    assert caplog.text.count("the broker is unavailable") == 1


def test_paused_and_scheduled_sources_are_not_sent(
    drop: Path, start: Start, tmp_path: Path
) -> None:
    """A source with a cron schedule is not even watched."""
    timed = tmp_path / "timed"
    timed.mkdir()
    paused = {"drop"}
    recorder = start(
        Folder(name="drop", path=drop),
        Folder(name="timed", path=timed, schedule="0 9 * * *"),
        paused=lambda source: source in paused,
    )
    time.sleep(0.5)
    put(drop / "a.md")
    put(timed / "a.md")
    time.sleep(0.5)
    assert recorder.messages == []
    paused.clear()
    put(drop / "b.md")
    until(lambda: recorder.hints == ["moved:b.md"])


def test_a_folder_that_goes_and_comes_back(
    drop: Path, start: Start, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A vanished folder is reported once, and watched again when it exists."""
    monkeypatch.setattr(listening, "CHECK_SECONDS", 0.1)
    recorder = start(Folder(name="drop", path=drop))
    shutil.rmtree(drop)
    until(lambda: "no file events" in caplog.text)
    time.sleep(0.5)
    assert caplog.text.count("no file events") == 1
    drop.mkdir()
    (drop / "a.md").write_text("came before the watch")
    until(lambda: recorder.wholes)
    put(drop / "b.md")
    until(lambda: "moved:b.md" in recorder.hints)


def test_another_folder_under_the_name_is_noticed(
    drop: Path, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new folder in its place, as a mount makes it, is watched instead."""
    monkeypatch.setattr(listening, "CHECK_SECONDS", 0.1)
    recorder = start(Folder(name="drop", path=drop))
    drop.rename(drop.with_name("away"))
    drop.mkdir()
    until(lambda: recorder.wholes)
    put(drop / "b.md")
    until(lambda: "moved:b.md" in recorder.hints)


def test_no_watches_left_falls_back_to_the_tick(
    drop: Path, start: Start, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The message names the kernel's limit, and the watch is tried again."""
    import errno

    from watchdog.observers import inotify_c

    monkeypatch.setattr(listening, "CHECK_SECONDS", 0.1)
    real = inotify_c.InotifyFD.add_callback

    def refused(*_: object) -> None:
        raise OSError(errno.ENOSPC, "inotify watch limit reached")

    monkeypatch.setattr(inotify_c.InotifyFD, "add_callback", refused)
    recorder = Recorder([Folder(name="drop", path=drop)], lambda _: False)
    try:
        until(
            lambda: any("fs.inotify.max_user_watches" in problem_of(one) for one in caplog.records)
        )
        monkeypatch.setattr(inotify_c.InotifyFD, "add_callback", real)
        until(lambda: recorder.wholes)
        put(drop / "a.md")
        until(lambda: "moved:a.md" in recorder.hints)
    finally:
        recorder.listener.stop()
        recorder.thread.join(PATIENCE)


def test_a_big_tree_gives_signs_of_life(drop: Path) -> None:
    """While a folder is opened, each of its subfolders is a turn: a watchdog does not end it."""
    for number in range(50):
        (drop / str(number) / "deeper").mkdir(parents=True)
    turns: list[None] = []
    watch = FolderWatch(
        Folder(name="drop", path=drop), lambda _change, _path: None, lambda: turns.append(None)
    )
    watch.open()
    watch.close()
    assert len(turns) == 101
