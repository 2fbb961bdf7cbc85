"""One stack for the whole group: it is built and started once, and torn down whatever happens."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.compose.stack import Stack, missing


@pytest.fixture(scope="session")
def built() -> Iterator[Stack]:
    """A project whose image is built and of which nothing runs yet."""
    if why := missing():
        pytest.skip(why)
    folder = Path(tempfile.mkdtemp(prefix="newsdrop-compose-"))
    stack = Stack(folder)
    try:
        stack.build()
        yield stack
    finally:
        stack.remove()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def stack(built: Stack) -> Stack:
    """All of it runs and is well, three workers among it."""
    built.up("--scale", "worker=3")
    return built
