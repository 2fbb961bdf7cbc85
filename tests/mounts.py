"""Mounts: a folder that cannot be written, for root too, and a volume that goes away."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def bound(path: Path) -> Iterator[None]:
    """A folder or a file as a mount of its own, which cannot be renamed, as `docker run -v x:x`
    makes it. Skips the test where nothing can be mounted."""
    with _mounted("--bind", str(path), str(path)):
        yield


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """`folder` as a mount that cannot be written. Skips the test where nothing can be mounted."""
    with bound(folder):
        subprocess.run(["mount", "-o", "remount,ro,bind", str(folder)], check=True)
        yield


@contextmanager
def volume(folder: Path, size: str = "50%") -> Iterator[None]:
    """A new file system mounted at `folder`, gone at the end. Skips the test if it may not."""
    with _mounted("-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)):
        yield


@contextmanager
def _mounted(*words: str) -> Iterator[None]:
    """What `mount` mounts with these words, the last of which is the place."""
    mount = subprocess.run(["mount", *words], capture_output=True, check=False)
    if mount.returncode:
        pytest.skip("nothing can be mounted here")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", words[-1]], check=True)
