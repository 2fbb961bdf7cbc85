"""One running service for all documents."""

from collections.abc import Iterator

import pytest

from tests.docs.terminal import Terminal


@pytest.fixture(scope="package")
def terminal() -> Iterator[Terminal]:
    """A home in which `newsdrop up --examples` runs."""
    made = Terminal()
    try:
        made.start()
        yield made
    finally:
        made.stop()
