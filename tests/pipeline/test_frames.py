"""Reading costs the same at any depth of calls."""

import resource
from collections.abc import Callable

from worker.pipeline.frames import in_one_chunk

_CALLS = 200
_DEPTHS = range(0, 160, 2)
"""More than the frames of one chunk."""


def _leaf(number: int) -> int:
    return number


def _work() -> int:
    """Memory pages that were new to the process while a function was called."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for number in range(_CALLS):
        _leaf(number)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


def _at(depth: int, work: Callable[[], int]) -> int:
    return _at(depth - 1, work) if depth else work()


def _is_even(work: Callable[[], int]) -> bool:
    return max(_at(depth, work) for depth in _DEPTHS) < _CALLS


def test_calls_map_no_memory_at_any_depth() -> None:
    """A loop of calls in one chunk maps no memory for each of them, however deep it is called."""
    assert _is_even(in_one_chunk(_work))
    assert in_one_chunk(_leaf)(7) == 7
