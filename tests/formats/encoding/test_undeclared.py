"""Texts in 60 encodings and 26 languages without a declaration."""

from collections import Counter
from itertools import groupby

import pytest
from charset_normalizer import from_bytes

from tests.formats.encoding.texts import Sample, samples, sentences
from worker.errors import Rejected
from worker.formats.encoding import detect, escape_sequences
from worker.formats.encoding.decode import decode

ROMANIAN = {"iso8859_16"}
"""ISO-8859-2 has the same bytes for ş and ţ as ISO-8859-16 for ș and ț."""


def is_right(sample: Sample, text: str) -> bool:
    return text.lstrip("\ufeff") == sample.text


def test_nearly_all_are_read(capsys: pytest.CaptureFixture[str]) -> None:
    """97 % of all documents give their text, and half of those in each encoding or more."""
    right, total = Counter[str](), Counter[str]()
    for sample in samples():
        total[sample.codec] += 1
        right[sample.codec] += is_right(sample, decode(sample.data).text)
    share = right.total() / total.total()
    with capsys.disabled():
        print(f"\nencodings: {right.total()} of {total.total()} documents right, {share:.3f}")
    assert share >= 0.97
    wrong = {codec: f"{right[codec]} of {count}" for codec, count in total.items()
             if right[codec] < count and codec not in ROMANIAN}  # fmt: skip
    assert wrong == {}


def test_sentences_are_read() -> None:
    """So do 96 % of single sentences, by the words and letters of their languages."""
    unusual = ("utf_7", *ROMANIAN)
    read = (one for one in sentences() if one.codec not in unusual)
    right = [is_right(one, _text(one.data)) for one in read]
    assert sum(right) > 0.962 * len(right) > 400


def _text(data: bytes) -> str:
    try:
        return decode(data).text
    except Rejected:
        return ""


def test_titles_are_read() -> None:
    """Nine of ten pieces of 25 characters, as long as a title, give their text; Latin ones less."""
    pieces = {(one.codec, text[start : start + 25])
              for one in samples() if "utf" not in one.codec
              for text in [" ".join(one.text.split())] for start in (0, 25, 50)}  # fmt: skip
    right = [decode(text.encode(codec)).text == text for codec, text in sorted(pieces)
             if sum(char > "\x7f" for char in text) > 3 and can_encode(text, codec)]  # fmt: skip
    assert sum(right) > 0.9 * len(right) > 300


def can_encode(text: str, codec: str) -> bool:
    return text.encode(codec, "ignore").decode(codec) == text


def test_a_long_text_is_not_judged_by_half_a_character() -> None:
    """The detector's sample of a long text ends between characters, wherever its bytes fall."""
    korean = next(one.text for one in samples() if one.codec == "cp949")
    for shift in range(4):
        text = "x" * shift + f"{korean.strip()}\n" * 80
        assert decode(text.encode("cp949")).text == text


def test_nothing_is_refused_that_another_library_reads() -> None:
    """Also short texts: where charset-normalizer finds an encoding, there is a text."""
    for _, group in groupby(samples(), key=lambda sample: (sample.codec, sample.language)):
        data = next(group).data[:120]
        if from_bytes(data).best() is not None:
            try:
                decode(data)
            except Rejected as error:
                pytest.fail(f"{data!r}: {error}")


@pytest.mark.parametrize(
    "text",
    [
        "call +861380013, +852123456 and +441234567.",
        "a+b+c = d, see +ABC and +DEFG+HIJK -",
        "~{ a shell's ~{ }",
        "if (a~{b}) { x +=yyy; z +=www; q +=vvv }",
    ],
)
def test_ascii_stays_ascii(text: str) -> None:
    """Plus signs and tildes alone are no escape sequences."""
    assert decode(text.encode()).text == text


def test_the_detector_is_not_asked_about_utf8(monkeypatch: pytest.MonkeyPatch) -> None:
    """UTF-8 and Chinese text cost no detection: it takes a millisecond."""
    monkeypatch.setattr(detect, "from_bytes", pytest.fail)
    chinese = next(sample for sample in samples() if sample.codec == "gb18030")
    assert decode(chinese.text.encode()).text == chinese.text
    assert decode(chinese.data).text == chinese.text
    assert decode(b"plain text").text == "plain text"


@pytest.mark.parametrize(
    "text", ["C++, A+ B+, 1+1=2, +3.5 % ", "q=a+bcd+efg+hij ", "~/x ~user ~5 "]
)
def test_signs_in_plain_text_cost_no_decoding(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """ASCII text with plus signs and tildes is decoded as UTF-8 only: trying each codec with escape
    sequences took 350 µs for 10 KB, 20 times as long as all else."""
    tried: list[str] = []
    monkeypatch.setattr(escape_sequences, "decode_strictly", lambda _, label: tried.append(label))
    assert decode((text * 400).encode()).encoding == "utf-8"
    assert tried == []
