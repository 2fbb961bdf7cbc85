"""The language of an article: what was declared, else what the script makes plain."""

import re

from worker.normalize.words import CJK

_TAG = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8}){0,4}")
_SAMPLE = 600  # characters

_KANA = re.compile("[\u3040-\u30ff]")
_HAN = re.compile(f"[{CJK}]")
_HANGUL = re.compile("[\uac00-\ud7af]")
# Frequent characters that are written in only one of the two scripts.
_SIMPLIFIED = re.compile(
    "[这个们来时为会国说对发学业动经还进过现实开关机产与电车书长门问间见东马红级纪线组给统结绝继续维]"
)
_TRADITIONAL = re.compile(
    "[這個們來時為會國說對發學業動經還進過現實開關機產與電車書長門問間見東馬紅級紀線組給統結絕繼續維]"
)
_LATIN = re.compile(r"[A-Za-z]+")
# The commonest English words; of other languages' commonest words none is `the` or `and`.
_ENGLISH = {
    "the", "of", "and", "to", "in", "a", "is", "that", "for", "on", "was", "with", "as", "it",
    "be", "by", "at", "from",
}  # fmt: skip


def language_of(*declared: str | None, text: str) -> str | None:
    """The first of `declared` that is a BCP 47 tag, in its usual spelling; else by `text`."""
    for tag in declared:
        if tag and _TAG.fullmatch(tag.strip()):
            return _spelled(tag.strip())
    return detect(text)


def detect(text: str) -> str | None:
    """`zh-Hans`, `zh-Hant`, `ja`, `ko` or `en` where the text leaves no doubt; else None."""
    sample = text[:_SAMPLE]
    if sample.isascii():
        return _latin(sample)
    kana, han = len(_KANA.findall(sample)), len(_HAN.findall(sample))
    hangul = len(_HANGUL.findall(sample))
    if hangul:
        return "ko" if hangul >= 10 and hangul > han else None
    if kana >= 10 and kana * 5 > han:  # Chinese texts may quote a Japanese name
        return "ja"
    return _chinese(sample, han) if han >= 10 else _latin(sample)


def _chinese(sample: str, han: int) -> str | None:
    if han * 4 < sum(map(len, _LATIN.findall(sample))):
        return None
    simplified = len(_SIMPLIFIED.findall(sample))
    traditional = len(_TRADITIONAL.findall(sample))
    if simplified >= 2 and simplified > 4 * traditional:
        return "zh-Hans"
    return "zh-Hant" if traditional >= 2 and traditional > 4 * simplified else None


def _latin(sample: str) -> str | None:
    words = [word.lower() for word in _LATIN.findall(sample)]
    known = sum(word in _ENGLISH for word in words)
    return "en" if len(words) >= 10 and known * 6 >= len(words) and "the" in words else None


def _spelled(tag: str) -> str:
    """RFC 5646, 2.1.1: language small, script with a capital, region in capitals."""
    first, *rest = tag.replace("_", "-").split("-")
    spell = {2: str.upper, 4: str.title}
    return "-".join([first.lower(), *(spell.get(len(part), str.lower)(part) for part in rest)])
