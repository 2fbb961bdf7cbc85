"""How long a text is, in a figure that means the same for Chinese and English."""

import re

CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
"""Kana and Han characters (not Hangul: Korean puts blanks between words), for a character set."""

_RUN = re.compile(f"[{CJK}]+")
_WORD = re.compile(r"\w+(?:[.'’,\-]\w+)*")

# Everything but ASCII, punctuation, symbols and the common Han characters: what the short way
# cannot count. Letters of other scripts, kana, hexagrams, compatibility and full-width forms.
_OTHER = re.compile(
    "[\u00aa-\u1fff\u2070-\u209c\u2100-\u218f\u2460-\u24ff\u2776-\u2793\u2c00-\u2dff\u2e2f\u2e80-\u2fff\u3005-\u3007\u3021-\u33ff"
    "\u4dc0-\u4dff\ua000-\ufaff\ufb00-\ufe0f\ufe20-\ufeff\uff10-\uff19\uff21-\uff3a\uff41-\uff5a"
    "\uff66-\uffff\U00010000-\U0010ffff]"
)
_ASCII_WORD = re.compile(rb"\w+(?:[.',\-]\w+)*")
_NOT_HAN = bytes(high for high in range(256) if not 0x34 <= high <= 0x9F)


def word_count(text: str) -> int:
    """CJK characters and words; `22.7` and `don't` are one word each."""
    if not _OTHER.search(text) and "’" not in text:
        # Of the characters left only Han ones have such a high byte: a third of the regular cost.
        han = text.encode("utf-16-le")[1::2].translate(None, _NOT_HAN)
        return len(han) + len(_ASCII_WORD.findall(text.encode("ascii", "replace")))
    rest, runs = _RUN.subn(" ", text)
    if not runs:
        return len(_WORD.findall(rest))
    # What was taken out is what is missing, less the blank that stands for each run.
    return len(text) - len(rest) + runs + len(_WORD.findall(rest))
