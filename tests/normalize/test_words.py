"""Counting words: the short way counts what the long way counts."""

import re

from worker.normalize.language import CJK, word_count

LONG = re.compile(rf"[{CJK}]|[^\W{CJK}]+(?:[.'’,\-][^\W{CJK}]+)*")


def test_every_character_counts_the_same() -> None:
    """Between two letters each character of Unicode gives the count that its class asks for. Of the
    planes 4 to 16, whose characters have no properties of their own, the first and the last."""
    empty_planes = (plane * 0x10000 for plane in range(4, 17))
    ends = (code for first in empty_planes for code in (first, first + 0xFFFF))
    for code in (*range(0x40000), *range(0xE0000, 0xE0200), *ends):
        if not 0xD800 <= code <= 0xDFFF:
            text = f"a{chr(code)}b"
            assert word_count(text) == len(LONG.findall(text)), hex(code)


def test_words_of_two_scripts() -> None:
    """Han characters count one by one, words and numbers as one each."""
    assert word_count("上海GDP增长22.7%，it's 新高。") == len("上海增长新高") + len(
        ["GDP", "22.7", "it's"]
    )
