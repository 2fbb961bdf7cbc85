"""How many bytes folders hold: a little at a time, and in the end all of it."""

from pathlib import Path

from worker.spool.folder_cache import FolderCache, disk_usage, measure_folder


def test_short_calls_add_up_to_all_folders(tmp_path: Path) -> None:
    """A call continues where the last one ended."""
    folders = [tmp_path / str(number) for number in range(300)]
    for folder in folders:
        folder.mkdir()
        (folder / "one").write_bytes(b"x" * 10)
    sums = FolderCache(measure_folder, budget_seconds=0.0005)
    for _ in range(3000):
        found = disk_usage(sums, [str(folder) for folder in folders])
        if found.whole:
            break
    assert (found.bytes, found.whole) == (3000, True)


def test_what_is_gone_or_changed_is_counted_so(tmp_path: Path) -> None:
    """A folder that is gone counts nothing, one with another file counts it."""
    for name in "ab":
        (tmp_path / name).mkdir()
        (tmp_path / name / "one").write_bytes(b"12345")
    sums = FolderCache(measure_folder, budget_seconds=1)
    assert disk_usage(sums, [f"{tmp_path}/{name}" for name in "abc"]).bytes == 10
    (tmp_path / "a" / "two").write_bytes(b"12")
    (tmp_path / "b" / "one").unlink()
    (tmp_path / "b").rmdir()
    assert disk_usage(sums, [f"{tmp_path}/{name}" for name in "ab"]).bytes == 7
