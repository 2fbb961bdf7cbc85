"""Tell a failed allocation from bad input.

Memory is bounded from outside (`limits.memory_mb`), so each library fails in its own way. Whoever
takes that for a syntax error would repair the input, or give it to a second parser, which needs as
much.
"""

import errno
import re

from worker.errors import Reason, Rejected

_LIBRARIES = frozenset({"lxml", "orjson", "zstandard", "_lzma", "zlib", "pyexpat", "yaml"})
"""Written in C; their messages do not quote the input."""
_WORDS = re.compile(
    r"memory alloc|not enough memory|out of memory|cannot allocate|allocation error|memory error",
    re.IGNORECASE,
)
_LIBXML2_NO_MEMORY = 2
"""XML_ERR_NO_MEMORY of xmlerror.h, whose message may be only `unknown error`."""


def out_of_memory() -> Rejected:
    """For an input whose parsing needs more memory than a process may have."""
    return Rejected(
        Reason.TOO_LARGE, "parsing needs more memory than limits.memory_mb allows: split the input"
    )


def check_memory(error: BaseException) -> None:
    """Raises Rejected (`too_large`) if `error` is a failed allocation, under whatever name."""
    if is_out_of_memory(error):
        raise out_of_memory() from error


def is_out_of_memory(error: BaseException) -> bool:
    if isinstance(error, MemoryError):
        return True
    if isinstance(error, OSError) and error.errno == errno.ENOMEM:
        return True
    library = type(error).__module__.partition(".")[0]
    if library == "lxml" and getattr(error, "code", None) == _LIBXML2_NO_MEMORY:
        return True
    return library in _LIBRARIES and _WORDS.search(str(error)) is not None
