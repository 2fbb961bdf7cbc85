"""Counting words: the short way counts what the long way counts."""

import re
import sys

from worker.normalize.language import CJK, word_count

LONG = re.compile(rf"[{CJK}]|[^\W{CJK}]+(?:[.'’,\-][^\W{CJK}]+)*")


def test_every_character_counts_the_same() -> None:
    """Between two letters each character of Unicode gives the count that its class asks for."""
    for code in range(sys.maxunicode + 1):
        if not 0xD800 <= code <= 0xDFFF:
            text = f"a{chr(code)}b"
            assert word_count(text) == len(LONG.findall(text)), hex(code)


def test_words_of_two_scripts() -> None:
    """Han characters count one by one, words and numbers as one each."""
    assert word_count("上海GDP增长22.7%，it's 新高。") == len("上海增长新高") + len(
        ["GDP", "22.7", "it's"]
    )
