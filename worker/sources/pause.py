"""Pausing a source: a file in the state directory, so that it outlives every process."""

import os
from pathlib import Path


def _mark(state_dir: Path, source: str) -> Path:
    return state_dir / "paused" / source


def pause(state_dir: Path, source: str) -> None:
    """Take no more from `source`; what was accepted is still worked on."""
    mark = _mark(state_dir, source)
    mark.parent.mkdir(parents=True, exist_ok=True)
    mark.touch()


def resume(state_dir: Path, source: str) -> None:
    """Take from `source` again."""
    _mark(state_dir, source).unlink(missing_ok=True)


def all_paused(state_dir: Path) -> frozenset[str]:
    """Every source that is paused."""
    try:
        return frozenset(os.listdir(state_dir / "paused"))
    except FileNotFoundError:
        return frozenset()


def is_paused(state_dir: Path, source: str) -> bool:
    return _mark(state_dir, source).exists()
