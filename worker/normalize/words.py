"""How long a text is, in a figure that means the same for Chinese and English."""

import re

CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
"""Kana and Han characters (not Hangul: Korean puts blanks between words), for a character set."""

_RUN = re.compile(f"[{CJK}]+")
_WORD = re.compile(r"\w+(?:[.'’,\-]\w+)*")


def word_count(text: str) -> int:
    """CJK characters and words; `22.7` and `don't` are one word each."""
    rest, runs = _RUN.subn(" ", text)
    if not runs:
        return len(_WORD.findall(rest))
    # What was taken out is what is missing, less the blank that stands for each run.
    return len(text) - len(rest) + runs + len(_WORD.findall(rest))
