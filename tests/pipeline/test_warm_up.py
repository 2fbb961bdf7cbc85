"""What a process does before its first task."""

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest

from worker.pipeline.context import open_context, warm_up
from worker.settings import load


@pytest.fixture(autouse=True)
def collector() -> Iterator[None]:
    """This process's garbage collector is as before after each test."""
    threshold = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*threshold)


def test_the_garbage_collector_passes_over_what_is_loaded(tmp_path: Path) -> None:
    """Modules are frozen, and an article makes fewer containers than start a collection."""
    warm_up(open_context(load(options={"state_dir": tmp_path})).deps)
    assert gc.get_freeze_count() > 10_000
    assert gc.get_threshold()[0] > 10_000
