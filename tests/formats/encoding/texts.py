"""Made-up texts in 26 languages, encoded in every encoding that such texts are found in."""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

LANGUAGES = {
    "cp1252": "fr de es fi", "iso8859_1": "fr de es fi", "iso8859_15": "fr de es", "cp437": "de",
    "cp850": "fr de es", "mac_roman": "fr de es", "cp1250": "pl cs hu ro hr sk",
    "iso8859_2": "pl cs hu hr sk", "cp852": "pl cs hu hr", "mac_latin2": "pl cs hu",
    "iso8859_16": "ro pl hu", "cp1251": "ru uk bg", "koi8_r": "ru", "koi8_u": "uk ru",
    "iso8859_5": "ru bg", "cp855": "ru bg", "cp866": "ru", "mac_cyrillic": "ru uk bg",
    "cp1253": "el", "iso8859_7": "el", "mac_greek": "el", "cp1254": "tr", "iso8859_9": "tr",
    "mac_turkish": "tr", "cp1255": "he", "iso8859_8": "he", "cp1256": "ar", "iso8859_6": "ar",
    "cp1257": "lt lv et", "iso8859_13": "lt lv et", "iso8859_4": "lt lv et", "cp775": "lt lv et",
    "cp1258": "vi", "tis_620": "th", "cp874": "th", "gb2312": "zh-Hans", "gbk": "zh-Hans",
    "gb18030": "zh-Hans", "hz": "zh-Hans", "big5": "zh-Hant",
    "big5hkscs": "zh-Hant", "cp950": "zh-Hant", "shift_jis": "ja",
    "cp932": "ja", "euc_jp": "ja", "iso2022_jp": "ja", "euc_kr": "ko", "cp949": "ko",
    "johab": "ko", "iso2022_kr": "ko", "utf_7": "de ru", "utf_8": "fr ru zh-Hans",
    "utf_8_sig": "fr ru zh-Hans", "utf_16": "fr ru zh-Hans ja", "utf_16_le": "fr ru zh-Hans ja",
    "utf_16_be": "fr ru zh-Hans ja", "utf_32": "fr ru zh-Hans", "utf_32_le": "fr ru zh-Hans",
    "utf_32_be": "fr ru zh-Hans",
}  # fmt: skip
# A mark of the other quality is written where an encoding has none.
_PLAIN = {"„": '"', "“": '"', "”": '"', "«": '"', "»": '"', "—": "-", "’": "'", "…": "..."}


@dataclass(frozen=True, slots=True)
class Sample:
    codec: str
    language: str
    kind: str
    text: str

    @property
    def data(self) -> bytes:
        return self.text.encode(self.codec)


def paragraphs(file: str = "texts.txt") -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    name = ""
    for line in Path(__file__).with_name(file).read_text("utf-8").splitlines():
        if line.startswith("# "):
            name = line[2:]
        else:
            found.setdefault(name, []).append(line)
    return found


def samples() -> Iterator[Sample]:
    """Seven documents for each encoding and language: prose, subtitles, feeds and pages; two of
    them declare the encoding."""
    texts = paragraphs()
    for codec, languages in LANGUAGES.items():
        for language in languages.split():
            first, second = (_fit(text, codec) for text in texts[language])
            for kind, text in _documents(first, second, codec):
                yield Sample(codec, language, kind, text)


def sentences() -> Iterator[Sample]:
    """Single sentences and headlines, of 6 to 60 characters, in each encoding of their language."""
    texts = paragraphs("sentences.txt")
    for codec, languages in LANGUAGES.items():
        for language in languages.split():
            for text in (_fit(text, codec) for text in texts[language]):
                if not text.isascii():
                    yield Sample(codec, language, "sentence", text)


def _fit(text: str, codec: str) -> str:
    """The text with what the encoding lacks as plain characters."""
    if codec == "cp1258":
        text = "".join(_vietnamese(char) for char in unicodedata.normalize("NFC", text))
    if codec in ("cp1250", "iso8859_2", "cp852", "mac_latin2"):
        text = text.translate(str.maketrans("șțȘȚ", "şţŞŢ"))
    return "".join(char if _can(char, codec) else _PLAIN.get(char, "") for char in text)


def _vietnamese(char: str) -> str:
    """As cp1258 writes it: tone marks are characters of their own."""
    parts = unicodedata.normalize("NFD", char)
    tones = "\u0300\u0301\u0303\u0309\u0323"
    tone = "".join(part for part in parts if part in tones)
    return unicodedata.normalize("NFC", "".join(p for p in parts if p not in tones)) + tone


def _can(char: str, codec: str) -> bool:
    try:
        char.encode(codec)
    except UnicodeEncodeError:
        return False
    return True


def _documents(first: str, second: str, codec: str) -> Iterator[tuple[str, str]]:
    yield "prose", f"{first}\n\n{second}\n"
    words = first.split()
    spoken = [" ".join(words[at : at + 5]) for at in range(0, len(words), 5)]
    times = (f"00:00:{at:02},000 --> 00:00:{at + 1:02},500" for at in range(len(spoken)))
    yield "subtitles", "\r\n\r\n".join(map("\r\n".join, zip(times, spoken, strict=True)))
    yield "front matter", f"---\ntitle: {first[:40]}\ndate: 2021-11-26\n---\n<p>{second}</p>\n"
    item = f"<item><title>{second[:30]}</title><description>{first}</description></item>"
    channel = f"<channel><title>{first[:20]}</title>{item}</channel></rss>"
    yield "feed", f'<?xml version="1.0"?>\n<rss version="2.0">{channel}'
    label = codec.replace("_", "-")
    yield "declared feed", f'<?xml version="1.0" encoding="{label}"?>\n<rss version="2.0">{channel}'
    body = f"<title>{first[:30]}</title></head><body><p>{first}</p><p>{second}</p></body></html>"
    yield "page", f"<!DOCTYPE html><html><head>{body}"
    yield "declared page", f'<!DOCTYPE html><html><head><meta charset="{label}">{body}'
