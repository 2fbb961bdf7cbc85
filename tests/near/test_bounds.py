"""The marks of near-duplicates are right on the labelled pairs that were not used for tuning."""

import pytest

from tests.near.__main__ import measure
from tests.near.pairs import pairs, with_errors
from worker.normalize.stories import folding
from worker.normalize.stories.folding import fold_bytes
from worker.normalize.stories.sketch import MAX_NUMBERS, similarity, sketch_of


def test_precision_and_recall_on_the_held_out_half() -> None:
    """Precision is at least 0.97, recall 0.92, and no class is forgotten."""
    held_out = [pair for pair in pairs() if pair.is_held_out]
    assert len(held_out) == 340
    precision, recall, classes = measure(held_out)
    assert precision >= 0.97
    assert recall >= 0.92
    assert min(right / total for right, total in classes.values()) >= 0.8


def test_five_percent_of_the_characters_are_wrong() -> None:
    """Errors of OCR cost recall, never precision."""
    held_out = [pair for pair in pairs() if pair.is_held_out]
    precision, recall, _ = measure(held_out, lambda text, seed: with_errors(text, 0.05, seed))
    assert precision >= 0.97
    assert recall >= 0.7


def test_what_folding_drops() -> None:
    """Case, signs, white space, accents, vowels and the script of Chinese make no difference;
    letters, digits and other words do."""
    assert fold_bytes("國際新聞，『Déjà Vu』！\u200b") == fold_bytes("国际新闻 “deja vu”")
    assert fold_bytes("第1天") != fold_bytes("第2天")
    assert fold_bytes("\ud800…，") == fold_bytes("")


def test_short_texts_have_no_sketch() -> None:
    """Captions, flashes and empty texts tell no story."""
    for text in ("", " \n", "图：新华社", "快讯：某公司今日发布公告。" * 3, "A short caption."):
        assert sketch_of(text) is None


def test_numbers_tell_a_series_from_a_copy() -> None:
    """The same words with other numbers are no copy; with one corrected number they are."""
    words = "".join(f"{chr(0x4E00 + 97 * n)}氏{chr(0x5E00 + 89 * n)}桥。" for n in range(90))
    numbers = [str(n * 37) for n in range(1, 2 * MAX_NUMBERS)]
    first, corrected = "，".join(numbers), "，".join(["5", *numbers[1:]])
    others = "，".join(str(n * 41 + 1) for n in range(1, 2 * MAX_NUMBERS))
    found = [sketch_of(words + text) for text in (first, corrected, others, "")]
    one, other, series, plain = [marks.sketch for marks in found if marks]
    assert similarity(one, other) > 0.8
    assert similarity(one, series) == 0
    assert similarity(one, plain) > 0.8


def test_numbers_in_titles_tell_a_series() -> None:
    """Two texts that are alike in part are a series if the numbers in their titles differ; a head
    without numbers, and nearly the whole text, make one story."""
    words = [f"{chr(0x4E00 + 97 * n)}氏{chr(0x5E00 + 89 * n)}桥。" for n in range(90)]
    texts = ["".join(words), "".join(words[:60]) + "另一段文字写的是别的事情，" * 9]

    def share(first: str, second: str, texts: list[str]) -> float:
        marks = [sketch_of(text, title) for text, title in zip(texts, (first, second), strict=True)]
        one, other = [each.sketch for each in marks if each]
        return similarity(one, other)

    assert 0.5 < share("新版 3.5.0 发布", "又见 3.5.0", texts) < 0.9
    assert share("新版 3.5.0 发布", "新版 3.4.3 发布", texts) == 0
    assert share("新版 3.5.0 发布", "新版发布", texts) > 0.5
    assert share("涨 3%", "涨逾 2%", texts[:1] * 2) == 1


@pytest.mark.parametrize(
    ("first", "second", "is_story"),
    [
        ("Tool 3.5.0beta1", "Tool 3.5.0beta2", False),
        ("app@1.2.3", "app@1.2.4", False),
        ("工具 rc1 发布", "工具 rc2 发布", False),
        ("Release alpha 1", "Release Alpha 2", False),
        ("Tool v2", "The tool v2 is out", True),
        ("Tool v2", "2 new things in the tool", True),
        ("Tool v2", "A tool is out", True),
        ("Covid-19 in 3 towns", "Cases in 4 towns", True),
        ("G7 meets", "G20 meets", True),
        ("Up 3.5 %", "Up nearly 4 %", True),
    ],
)
def test_releases_are_a_series(first: str, second: str, is_story: bool) -> None:
    """The notes of two releases may be the same text, and are two stories still; numbers that are
    not of releases may differ in the heads of a reprint."""
    text = "".join(f"{chr(0x4E00 + 97 * n)}氏{chr(0x5E00 + 89 * n)}桥。" for n in range(90))
    one, other = [marks.sketch for title in (first, second) if (marks := sketch_of(text, title))]
    assert (similarity(one, other) == 1) is is_story


def test_a_placeholder_has_no_sketch() -> None:
    """Pages that are not written yet tell no story, whatever is around the placeholder."""
    text = "LOREM ipsum, dolor sit amet: consectetur adipiscing elit. " * 5
    assert sketch_of(text) is None
    assert sketch_of("Our new page. " * 20 + text) is None
    assert sketch_of(text.replace("dolor", "an old text of printers")) is not None


def test_all_characters_cost_no_memory() -> None:
    """Texts of all characters there are fill no table without end."""
    for start in range(0x20000, 0x2B000, 10_000):
        fold_bytes("".join(map(chr, range(start, start + 10_000))))
        fold_bytes("".join(map(chr, range(start + 0x10000, start + 0x10000 + 10_000))))
    assert len(folding._table) <= folding._MAX_CHARACTERS
    assert fold_bytes("國际") == fold_bytes("国际")
