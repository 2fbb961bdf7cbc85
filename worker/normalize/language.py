"""The language of an article, declared or detected from its script; its length in words."""

import re

CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
"""Kana and Han characters (not Hangul: Korean has spaces between words), for a character set."""

_TAG = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8}){0,4}")
_SAMPLE = 600  # characters

_KANA = re.compile("[\u3040-\u30ff]+")
_HAN = re.compile(f"[{CJK}]+")
_EAST_ASIAN = re.compile(f"[{CJK}\uac00-\ud7af]+")
_HANGUL = re.compile("[\uac00-\ud7af]+")
# Frequent characters that only one of the two scripts has.
_SIMPLIFIED = re.compile(
    "[这个们来时为会国说对发学业动经还进过现实开关机产与电车书长门问间见东马红级纪线组给统结绝继续维]"
)
_TRADITIONAL = re.compile(
    "[這個們來時為會國說對發學業動經還進過現實開關機產與電車書長門問間見東馬紅級紀線組給統結絕繼續維]"
)
_LATIN = re.compile(r"[A-Za-z]+")
# The commonest English words; `the` and `and` are common in no other language.
_ENGLISH = {
    "the", "of", "and", "to", "in", "a", "is", "that", "for", "on", "was", "with", "as", "it",
    "be", "by", "at", "from",
}  # fmt: skip
_RUN = re.compile(f"[{CJK}]+")
_WORD = re.compile(r"\w+(?:[.'’,\-]\w+)*")

# Characters that the fast path can count: ASCII, punctuation, symbols and common Han. Not letters
# of other scripts, kana, hexagrams, compatibility and full-width forms, and the apostrophe U+2019.
_COMMON = re.compile(
    "[\0-\xa9\u2000-\u2018\u201a-\u206f\u209d-\u20ff\u2190-\u245f\u2500-\u2775\u2794-\u2bff"
    "\u2e00-\u2e2e\u2e30-\u2e7f\u3000-\u3004\u3008-\u3020\u3400-\u4dbf\u4e00-\u9fff"
    "\ufe10-\ufe1f\uff00-\uff0f\uff1a-\uff20\uff3b-\uff40\uff5b-\uff65]*"
)
_ASCII_WORD = re.compile(rb"\w+(?:[.',\-]\w+)*")
# Bytes that begin or continue a word; the others, most of a Chinese text, become blanks.
_WORD_BYTES = bytes(
    code if chr(code).isalnum() or chr(code) in "_.',-" else 32 for code in range(128)
).ljust(256)
_NOT_HAN = bytes(high for high in range(256) if not 0x34 <= high <= 0x9F)


def language_of(*declared: str | None, text: str) -> str | None:
    """The first of `declared` that is a BCP 47 tag, in its usual spelling; else that of `text`."""
    for tag in declared:
        if tag and _TAG.fullmatch(tag.strip()):
            spelled = _spelled(tag.strip())
            sample = text[:_SAMPLE] if spelled[:2] == "en" else ""  # the default of blogs
            is_wrong = _length(_EAST_ASIAN, sample) > _length(_LATIN, sample)
            return (detect(text) or spelled) if is_wrong else spelled
    return detect(text)


def detect(text: str) -> str | None:
    """`zh-Hans`, `zh-Hant`, `ja`, `ko` or `en` where the text leaves no doubt; else None."""
    sample = text[:_SAMPLE]
    if sample.isascii():
        return _latin(sample)
    kana, han, hangul = (_length(script, sample) for script in (_KANA, _HAN, _HANGUL))
    if hangul:
        return "ko" if hangul >= 10 and hangul > han else None
    if kana >= 10 and kana * 5 > han:  # Chinese texts may quote a Japanese name
        return "ja"
    return _chinese(sample, han) if han >= 10 else _latin(sample)


def _chinese(sample: str, han: int) -> str | None:
    if han * 4 < _length(_LATIN, sample):
        return None
    simplified = len(_SIMPLIFIED.findall(sample))
    traditional = len(_TRADITIONAL.findall(sample))
    if simplified >= 2 and simplified > 4 * traditional:
        return "zh-Hans"
    return "zh-Hant" if traditional >= 2 and traditional > 4 * simplified else None


def _length(runs: re.Pattern[str], sample: str) -> int:
    """Characters in all `runs` of a script; to find them one by one takes three times as long."""
    return sum(map(len, runs.findall(sample)))


def _latin(sample: str) -> str | None:
    words = [word.lower() for word in _LATIN.findall(sample)]
    english = sum(word in _ENGLISH for word in words)
    return "en" if len(words) >= 10 and english * 6 >= len(words) and "the" in words else None


def _spelled(tag: str) -> str:
    """The case of RFC 5646, 2.1.1: `zh-Hans-CN`."""
    first, *subtags = tag.replace("_", "-").split("-")
    spell = {2: str.upper, 4: str.title}
    return "-".join([first.lower(), *(spell.get(len(part), str.lower)(part) for part in subtags)])


def word_count(text: str) -> int:
    """CJK characters and words; `22.7` and `don't` are one word each."""
    if _COMMON.fullmatch(text):
        # Of these characters only Han ones have such a high byte; a sixth of the regular cost.
        han = text.encode("utf-16-le")[1::2].translate(None, _NOT_HAN)
        words = text.encode("ascii", "replace").translate(_WORD_BYTES).split()
        return len(han) + len(_ASCII_WORD.findall(b" ".join(words)))
    other_text, runs = _RUN.subn(" ", text)
    if not runs:
        return len(_WORD.findall(other_text))
    # The removed characters are the difference in length, but for one blank for each run.
    return len(text) - len(other_text) + runs + len(_WORD.findall(other_text))
