"""Declarations of encodings: right ones are believed, and wrong ones are not."""

import pytest

from tests.formats.encoding.test_undeclared import ROMANIAN, is_right
from tests.formats.encoding.texts import samples
from worker.formats.encoding.decode import decode

_COMMON = ("gb18030", "big5", "shift_jis", "euc_jp", "euc_kr", "cp1251", "koi8_r", "cp1250",
           "cp1252", "cp1253", "cp1254", "cp1255", "cp1256", "cp874", "cp1257")  # fmt: skip


def test_a_wrong_declaration_is_not_believed() -> None:
    """Of documents that declare another common encoding 97 % give their text, with a warning; only
    Windows-1252, which servers send by default, is no reason for one."""
    prose = {one.codec: one for one in samples() if one.kind == "prose"}
    read = [
        (label, is_right(one, got.text), bool(got.warnings))
        for one in (prose[codec] for codec in _COMMON)
        for label in _COMMON
        if label != one.codec and (got := decode(one.data, label.replace("_", "-")))
    ]
    assert sum(right for _, right, _ in read) > 0.97 * len(read) > 180
    silent = [label for label, right, is_warned in read if right and not is_warned]
    assert {*silent} <= {"cp1252", "cp1250"}  # cp1250 has the letters of some French


def test_a_transports_charset_is_used() -> None:
    """Every document is read that the server names the encoding of; only Latin-1, which servers
    send by default, is not believed against the bytes."""
    for sample in samples():
        label = sample.codec.replace("_", "-")
        if "declared" not in sample.kind and sample.codec not in ("utf_7", *ROMANIAN):
            assert is_right(sample, decode(sample.data, label).text), (sample.codec, sample.kind)
        if sample.codec in ("cp1251", "koi8_r", "cp1253", "gb18030"):
            assert is_right(sample, decode(sample.data, "iso-8859-1").text), sample.codec


@pytest.mark.parametrize(("text", "codec"), [("“Љубљана”", "cp1251"), ("Ύψιλον", "cp1253")])
def test_few_letters_say_nothing_against_a_declaration(text: str, codec: str) -> None:
    """A short text of rare letters is read as it is declared."""
    assert decode(text.encode(codec), codec.replace("_", "-")).text == text


@pytest.mark.parametrize(
    "text",
    ["Price £30", "Price 30¤ ", "30 °C", "© 2020 Foo Inc", "it’s here", "5½ percent", "10 µm",
     "« Foo »", "100 €", "foo – bar", "Visite à Paris", "Åre", "§ 5 BGB", "wait…", "• item",
     "a × b", "· item", "10 m³", "n° 5", "1º lugar", "50 ¢", "¥ 300", "±3", "¼ cup", "¡Hola!",
     "½ cup, ¼ l, ¾ l, 1½ oz, 180 °C, 2½ h, ¼ l, ½ cup, ¼ tsp, ¾ cup, 1½ oz, 2½ h, ¼ l",
     "£30, £40, £50, £60, £70 and £80, £90, £100, £200, £300, £10, £20", "• one\n" * 13],
)  # fmt: skip
def test_signs_in_english_are_no_letters_of_another_script(text: str) -> None:
    """A sign or two in a text of ASCII are read as browsers do, declared or not: a page in
    Latin-1 with `© 2020` had `Е 2020`, one with `30 °C` a Chinese character."""
    page = f"<html><body><p>Some text of an article.</p><p>{text}</p></body></html>"
    for label in (None, "iso-8859-1", "windows-1252"):
        assert decode(page.encode("cp1252"), label).text == page, label


@pytest.mark.parametrize(
    ("text", "codecs"),
    [
        ("ПРЕЗИДЕНТ РОССИИ ПОДПИСАЛ ЗАКОН О ВНЕСЕНИИ ИЗМЕНЕНИЙ В БЮДЖЕТ", "cp1251 koi8-r cp866"),
        ("ΑΝΑΚΟΙΝΩΣΗ ΤΟΥ ΥΠΟΥΡΓΕΙΟΥ ΟΙΚΟΝΟΜΙΚΩΝ ΓΙΑ ΤΗΝ ΑΝΑΠΤΥΞΗ", "cp1253 iso8859-7"),
        ("Serokê herêmê got ku di civîna îro de biryara nû hat dayîn û şandeya şaredariyê "
         "çû Amedê, şert û mercên jiyanê çêtir bibin.", "cp1254 iso8859-9"),
        ("30 €, 40 €, 50 €, 60 €, 70 €, 80 €, 90 €, 100 €, 110 €, 120 €, 130 €, 140 €",
         "cp1252 iso8859-15 cp1250"),
        ("<h1>Файл</h1><p>Файл</p><p>Файл</p>", "cp1251"),
        ("SMSка", "cp1251 koi8-r"),
        ("خط ساخن", "iso8859-6"),
        ("<title>قبرص</title><h1>قبرص</h1>", "iso8859-6"),
        ("ここではディレクトリの一覧を表示できません。", "gbk gb18030 cp932 euc-jp"),
        ("Въведете пълна стойност.", "gb18030 euc-jp euc-kr cp1251"),
        ("ΜΕΓΑΛΗ ΦΩΤΙΑ ΣΤΗΝ ΑΤΤΙΚΗ", "gbk euc-kr cp1253"),
        ("Vláda schválila vyššie dôchodky pre budúci rok", "gb18030 euc-jp cp1250"),
        ("L’opinió d’avui: impossible d’exécuter «\xa0apt\xa0»", "gb18030"),
        ("東京", "euc-kr"),
        ("python与java的区别", "gbk"),
    ],
)  # fmt: skip
def test_a_right_declaration_is_believed(text: str, codecs: str) -> None:
    """Headlines in capitals, prices, short titles that a page repeats, languages that share an
    encoding with a larger one, and those that one of East Asia can hold, too."""
    for codec in codecs.split():
        assert decode(text.encode(codec), codec).text == text, codec


def test_a_label_of_browsers_is_known() -> None:
    """Labels that begin with `x-` are read as the same without it."""
    assert decode("“Љубљана”".encode("mac_cyrillic"), "x-mac-cyrillic").text == "“Љубљана”"


@pytest.mark.parametrize(
    ("text", "codec", "labels"),
    [
        ("Gün", "cp1254", "windows-1251 koi8-r"),
        ("bañuak eta señaleak", "cp1252", "gb2312 big5 shift_jis windows-1251 koi8-r windows-1255"),
        ("Příběh malé řeky", "cp1250", "windows-1251"),
        ("Погода в Москве", "koi8-r", "windows-1251 iso-8859-5"),
        ("Погода в Москве", "cp1251", "koi8-r iso-8859-5"),
        ("מזג אוויר והבחירות היום", "cp1255", "windows-1251 koi8-r"),
        ("メールアドレスを入力してください", "euc-jp", "gb2312 shift_jis"),
        ("行政院公布新的年金辦法", "big5", "gb2312 gbk"),
        ("部长表示，新法将在九月总统签署后生效，此前还要征求各地的意见。", "gbk", "big5"),
    ],
)  # fmt: skip
def test_a_wrong_declaration_of_a_short_text_is_not_believed(
    text: str, codec: str, labels: str
) -> None:
    """Titles whose words would be of two scripts (`baсuak`), of rare letters or of brackets that
    are not closed (`メ〖ル`)."""
    for label in labels.split():
        assert decode(text.encode(codec), label).text == text, label


@pytest.mark.parametrize(
    "text",
    [
        *("Shares rose – a little.", "It’s over…", "Rain… then sun", "The “last” day"),
        *("so—it was said", "A… and – – then", "£5"),
    ],
)
@pytest.mark.parametrize("label", [None, "windows-1252", "iso-8859-1"])
def test_english_with_few_marks(text: str, label: str | None) -> None:
    """Text with no letter beyond ASCII, but dashes or quotation marks, is of Windows."""
    assert decode(text.encode("cp1252"), label).text == text
