"""One running service for all documents."""

from collections.abc import Iterator

import pytest

from tests.docs.terminal import Terminal


@pytest.fixture(scope="package")
def terminal() -> Iterator[Terminal]:
    """A home in which `newsdrop up --examples` runs."""
    with Terminal.running() as made:
        yield made
