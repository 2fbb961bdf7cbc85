"""The marks of near-duplicates are right on the labelled pairs that were not used for tuning."""

import pytest

from tests.near.__main__ import measure
from tests.near.pairs import pairs, with_errors
from worker.normalize.stories import folding
from worker.normalize.stories.folding import fold_bytes
from worker.normalize.stories.sketch import MAX_NUMBERS, SLOTS, is_version, make_sketch, similarity


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
    text = "一篇，文章：第2期（Nord 4）｡ﾞ²½ß龦"  # 𠀀 is one that no text has: read one by one
    assert fold_bytes("éÑ" + text + "𠀀") == fold_bytes("En" + text) + fold_bytes("𠀀")
    assert fold_bytes("Straw 3, B.") == fold_bytes("Straw 3, B.，") == fold_bytes("strw3b")


def test_a_character_is_folded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A text with one new character costs no more than that."""
    folding._common()
    folded: list[str] = []
    fold = folding._fold
    monkeypatch.setattr(folding, "_fold", lambda char: folded.append(char) or fold(char))
    monkeypatch.setattr(folding, "_table", {})
    for new in "ЖЩ":
        fold_bytes(f"桥梁东西{new}")
    assert sorted(folded) == sorted("桥梁东西ЖЩ")


def test_short_texts_have_no_sketch() -> None:
    """Captions, flashes and empty texts tell no story."""
    for text in ("", " \n", "图：新华社", "快讯：某公司今日发布公告。" * 3, "A short caption."):
        assert make_sketch(text) is None


def test_signs_tell_no_version() -> None:
    """Only the letters of short texts are compared: signs, of which a text may have thousands, cost
    seconds a pair, and a feed has ten thousand entries."""
    signs = [chr(code) for code in range(0x2190, 0x2400)]
    first, second = "".join(f"---{sign}" for sign in signs[:240]), "".join(signs[::-1]) + "--" * 230
    mixed = "".join(f"--{sign}" for sign in signs[::-1][:330])
    assert not is_version(first, second)
    assert not is_version(first, mixed)
    caption = "三号泊位今天完成检修"
    assert is_version(caption + "-" * 9_000, f"{caption}了。")
    assert not is_version(caption + "-" * 9_000, "风浪大，渔船都回港了")


def test_numbers_tell_a_series_from_a_copy() -> None:
    """The same words with other numbers are no copy; with one corrected number they are."""
    words = "".join(f"{chr(0x4E00 + 97 * n)}氏{chr(0x5E00 + 89 * n)}桥。" for n in range(90))
    numbers = [str(n * 37) for n in range(1, 2 * MAX_NUMBERS)]
    first, corrected = "，".join(numbers), "，".join(["5", *numbers[1:]])
    others = "，".join(str(n * 41 + 1) for n in range(1, 2 * MAX_NUMBERS))
    found = [make_sketch(words + text) for text in (first, corrected, others, "")]
    one, other, series, plain = [marks.sketch for marks in found if marks]
    assert similarity(one, other) > 0.8
    assert similarity(one, series) == 0
    assert similarity(one, plain) > 0.8
    many = [str(n * 53) for n in range(10, 60)]  # the part's are in the text, not all in its sketch
    whole, part = (make_sketch(words + "，".join(found)) for found in (many, many[:12]))
    assert whole
    assert part
    assert similarity(whole.sketch, part.sketch) > 0.8


def test_numbers_in_chinese_tell_a_series() -> None:
    """Numbers may be written with Chinese digits; one of a single character is a word."""
    forecast = (
        "市气象台预报，今天白天多云，最高气温{}度，夜间最低气温{}度，相对湿度百分之{}。请市民注意"
        "添减衣物，驾车出行保持车距，老人和儿童外出做好防护，适宜晨练和洗车，空气质量良好，一切如常。"
    )
    texts = [forecast.format(*n) for n in (("二十三", "十一", "六十"), ("三十", "十九", "五十二"))]
    one, other, copy = [make_sketch(text) for text in (*texts, texts[0].replace("一切", "都"))]
    assert one
    assert other
    assert copy
    assert similarity(one.sketch, other.sketch) == 0
    assert similarity(one.sketch, copy.sketch) > 0.8
    with_words = make_sketch(texts[0] + "一人三心，五花八门。")
    assert with_words
    assert with_words.sketch[2 + SLOTS :] == one.sketch[2 + SLOTS :]


@pytest.mark.parametrize(
    ("news", "standard"),
    [
        (
            ("甲公司中标一项市政工程，合同尚未签署", "乙公司副总经理因个人原因辞去职务"),
            "。本公司董事会保证本公告内容不存在任何虚假记载、误导性陈述或者重大遗漏，并承担法律责任。公司指定的"
            "信息披露媒体为有关证券报，所有信息均以上述媒体刊登的信息为准。敬请广大投资者理性投资，注意投资风险。",
        ),
        (
            ("Harrow named a new chief of finance", "Pellan will buy a maker of sensors"),
            ". This release contains forward-looking statements, which involve risks and other "
            "factors. These may cause actual results to differ materially from those expressed. "
            "Readers should not place undue reliance on any of them, which speak as of their date. "
            "We undertake no obligation to update them, except as required by law.",
        ),
    ],
)
def test_what_all_announcements_say(news: tuple[str, str], standard: str) -> None:
    """Sentences that rules ask for make no story of two companies' announcements."""
    assert [make_sketch(head + standard) for head in news] == [None, None]
    assert make_sketch(standard.translate(dict.fromkeys(map(ord, "虚信投fuor"), "x")))


def test_numbers_in_titles_tell_a_series() -> None:
    """Two texts that are alike in part are a series if the numbers in their titles differ; a head
    without numbers, and nearly the whole text, make one story."""
    words = [f"{chr(0x4E00 + 97 * n)}氏{chr(0x5E00 + 89 * n)}桥。" for n in range(90)]
    texts = ["".join(words), "".join(words[:60]) + "另一段文字写的是别的事情，" * 9]

    def share(first: str, second: str, texts: list[str]) -> float:
        marks = [
            make_sketch(text, title) for text, title in zip(texts, (first, second), strict=True)
        ]
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
    one, other = [marks.sketch for title in (first, second) if (marks := make_sketch(text, title))]
    assert (similarity(one, other) == 1) is is_story


def test_a_placeholder_has_no_sketch() -> None:
    """Pages that are not written yet tell no story, whatever is around the placeholder."""
    text = "LOREM ipsum, dolor sit amet: consectetur adipiscing elit. " * 5
    assert make_sketch(text) is None
    assert make_sketch("Our new page. " * 20 + text) is None
    assert make_sketch(text.replace("dolor", "an old text of printers")) is not None


def test_all_characters_cost_no_memory() -> None:
    """Texts of all characters there are fill no table without end."""
    for start in range(0x20000, 0x2B000, 10_000):
        fold_bytes("".join(map(chr, range(start, start + 10_000))))
        fold_bytes("".join(map(chr, range(start + 0x10000, start + 0x10000 + 10_000))))
    assert len(folding._table) <= folding._MAX_CHARACTERS
    assert fold_bytes("國际") == fold_bytes("国际")
