"""Text from outside is escaped."""

import os

import pytest

from worker.escape import printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("新闻 a.md", "新闻 a.md"),
        ("a\nb\r\tc", "a\\nb\\r\\tc"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("a\u202eb\u200bc\ufeff", "a\\u202eb\\u200bc\\ufeff"),
        ("back\\slash", "back\\\\slash"),
        (b"\xff.md", "\\xff.md"),
        (os.fsdecode(b"\xe4\xb8"), "\\xe4\\xb8"),
        ("\u2028", "\\u2028"),
        ("\ud800", "\\ud800"),
    ],
)
def test_escaped(text: str | bytes, shown: str) -> None:
    """Control, format, separator and stray bytes become visible; Chinese stays itself."""
    assert printable(text) == shown
    assert printable(text).isprintable()


def test_long_text_is_cut() -> None:
    """And ends in an ellipsis."""
    assert printable("新" * 1000, 10) == "新" * 10 + "…"
    assert printable("新" * 10, 10) == "新" * 10
