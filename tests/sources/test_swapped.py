"""The examined file is the claimed one, whatever happens to the folders in between."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.sources.mirror import Mirror
from tests.sources.test_folder import Drop
from worker.sources import scan_result, walk
from worker.spool.open_folder import FolderOpener

SWAP_SECONDS = 2.0


@contextmanager
def swapping(folder: Path, outside: Path) -> Iterator[list[int]]:
    """`folder` becomes a link to `outside` and a folder again, as fast as possible."""
    ended, count, away = threading.Event(), [0], folder.with_name(".away")
    link = folder.with_name(".link")

    def swap() -> None:
        while not ended.is_set():
            link.symlink_to(outside)
            folder.rename(away)
            link.rename(folder)
            time.sleep(0.0005 * (1 + count[0] % 40))
            folder.unlink()
            away.rename(folder)
            count[0] += 1

    swapper = threading.Thread(target=swap)
    swapper.start()
    try:
        yield count
    finally:
        ended.set()
        swapper.join()


def outside_of(tmp_path: Path) -> Path:
    """A folder of another, with files of the names that the folder has."""
    outside = tmp_path / "outside"
    outside.mkdir()
    for number in range(20):
        (outside / f"{number}.md").write_text("secret")
    return outside


def watched(take: Callable[[], object], seconds: float = SWAP_SECONDS) -> int:
    """Call `take` again and again; how often."""
    started, count = time.monotonic(), 0
    while time.monotonic() - started < seconds:
        take()
        count += 1
    return count


def test_a_folder_swapped_for_a_link_all_the_time(tmp_path: Path) -> None:
    """Of a subfolder that alternates, only its own files are claimed."""
    drop, outside = Drop(tmp_path / "drop", max_waiting=1_000_000), outside_of(tmp_path)
    sub = drop.path / "deep" / "sub"
    sub.mkdir(parents=True)
    with swapping(sub, outside) as swaps:

        def look() -> None:
            for number in range(20):
                try:
                    (drop.path / "deep" / f".{number}").write_text("own")
                    (drop.path / "deep" / f".{number}").rename(sub / f"{number}.own.md")
                except OSError:
                    continue
            drop.scan()

        assert watched(look) > 1
    assert swaps[0] > 10, "the fault happened"
    assert not [name for name in drop.claimed_paths() if not name.endswith(".own.md")]
    assert {path.name for path in outside.iterdir()} >= {f"{n}.md" for n in range(20)}


def test_a_folder_swapped_between_scan_and_claim(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a drop folder and in one that is read in place."""
    outside, real = outside_of(tmp_path), scan_result.batched
    drop, mirror = Drop(tmp_path / "drop"), Mirror(tmp_path)
    folders = [top.path / "deep" for top in (drop, mirror)]
    for folder in folders:
        (folder / "sub").mkdir(parents=True)
        for number in range(20):
            (folder / "sub" / f"{number}.md").write_text("own")

    def swapped(*args: object, **options: object) -> Iterator[object]:
        for batch in real(*args, **options):  # type: ignore[arg-type]
            for folder in folders:
                if not (folder / "sub").is_symlink():
                    (folder / "sub").rename(folder / ".away")
                    (folder / "sub").symlink_to(outside)
            yield batch

    monkeypatch.setattr(scan_result, "batched", swapped)
    assert drop.scan().files == 0
    for folder in folders:
        (folder / "sub").unlink(missing_ok=True)
        (folder / ".away").rename(folder / "sub")
    assert mirror.look().files == 0
    assert len(list(outside.iterdir())) == 20
    assert mirror.claimed_paths() == []


def test_a_folder_swapped_before_it_is_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A link in place of a walked folder is not opened."""
    drop, mirror, outside = Drop(tmp_path / "drop"), Mirror(tmp_path), outside_of(tmp_path)
    real = walk.open_below
    for top in (drop, mirror):
        top.put("deep/sub/a.md", "own")

    def swapped(top: str, folder: str, flags: int) -> int:
        sub = Path(top, folder)
        if folder == "deep/sub" and not sub.is_symlink():
            sub.rename(sub.with_name(".away"))
            sub.symlink_to(outside)
        return real(top, folder, flags)

    monkeypatch.setattr(walk, "open_below", swapped)
    assert (drop.scan().files, mirror.look().files) == (0, 0)
    assert drop.scan("moved:deep/sub/1.md").files == 0
    assert len(list(outside.iterdir())) == 20


def test_another_file_under_the_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that took the place of the one that was examined is not claimed with it."""
    drop, mirror = Drop(tmp_path / "drop"), Mirror(tmp_path)
    real = scan_result.batched
    tops = (drop.path, mirror.path)
    for top in tops:
        (top / "a.md").write_text("one")

    def replaced(*args: object, **options: object) -> Iterator[object]:
        for batch in real(*args, **options):  # type: ignore[arg-type]
            for top in tops:
                (top / ".b").write_text("two, not examined")
                (top / ".b").rename(top / "a.md")
            yield batch

    monkeypatch.setattr(scan_result, "batched", replaced)
    assert (drop.scan().files, mirror.look().files) == (0, 0)
    monkeypatch.undo()
    assert (drop.scan().files, mirror.look().files) == (1, 1)


def test_one_descriptor_however_deep(tmp_path: Path) -> None:
    """A path of 500 folders costs no more descriptors than one of one."""
    drop = Drop(tmp_path / "drop")
    here = os.open(drop.path, os.O_PATH)
    for _ in range(500):
        os.mkdir("d", dir_fd=here)
        deeper = os.open("d", os.O_PATH, dir_fd=here)
        os.close(here)
        here = deeper
    os.close(os.open("a.md", os.O_CREAT | os.O_WRONLY, dir_fd=here))
    os.close(here)
    folders, before = FolderOpener(), len(os.listdir("/proc/self/fd"))
    folders.open(str(drop.path), "/".join(["d"] * 500))
    assert len(os.listdir("/proc/self/fd")) == before + 1
    folders.close()
    assert len(os.listdir("/proc/self/fd")) == before
    assert drop.scan().files == 1
