"""The date of a page: its own, not a sidebar's, a comment's or another article's."""

import logging
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from tests.formats.page.test_body import HEAD, PARTS, TEXT, page
from tests.formats.pages import BODY, Parse
from worker.normalize.dates.parser import parse_date
from worker.sites import Sites

CASES = Path(__file__).parents[4] / "shared" / "cases" / "pages"
ZONE = ZoneInfo("Asia/Shanghai")


def first_date(html: str, parse: Parse) -> str | None:
    """The first date of a page, as `2021-11-26T20:26:00+08:00`."""
    for date in parse(html, sites=Sites(())).dates:
        if read := parse_date(date.text, ZONE):
            return read.moment.isoformat()
    return None


@pytest.mark.parametrize(
    ("byline", "expected"),
    [
        ("2021-11-26 08:26 PM", "2021-11-26T20:26:00+08:00"),
        ("November 26, 2021 8:26 pm", "2021-11-26T20:26:00+08:00"),
        ("By Ann Lee | Friday 26 November 2021 20:26", "2021-11-26T20:26:00+08:00"),
        ("Veröffentlicht am 26.11.2021", "2021-11-26T00:00:00+08:00"),
        ("26. November 2021", "2021-11-26T00:00:00+08:00"),
        ("Written: 2021-11-26 20:26 / Updated: 2021-11-27 09:00", "2021-11-26T20:26:00+08:00"),
        ("发布时间：2021年11月26日 20:26　来源：港口日报", "2021-11-26T20:26:00+08:00"),
    ],
)
@pytest.mark.parametrize("place", ["above", "below"])
def test_visible_dates(byline: str, expected: str, place: str, parse: Parse) -> None:
    """A date in the byline is read with its time, above or below the heading, and not as text."""
    line = f'<p class="by">{byline}</p>'
    inside = f"{line}{HEAD}{TEXT}" if place == "above" else f"{HEAD}{line}{TEXT}"
    html = page(f"<article>{inside}</article>")
    assert first_date(html, parse) == expected
    assert "2021" not in parse(html).html


@pytest.mark.parametrize(
    "lines",
    [
        ("Last updated: 27 December 2021", "First published: 26 November 2021"),
        ("Mis à jour le 27/12/2021 à 09:00, publié le 26/11/2021",),
        ("Stand: 27.12.2021 08:00 Uhr", "Erstellt: 26.11.2021"),
        ("Atualizado em 27/12/2021 às 09h00", "Publicado em 26/11/2021"),
        ("aktualizacja: 27 grudnia 2021", "dodano: 26 listopada 2021"),
        ("Son Güncelleme: 27.12.2021 09:00", "Yayınlanma: 26.11.2021"),
        ("Оновлено: 27 грудня 2021", "26 листопада 2021"),
        ("업데이트 2021.12.27 20:26", "입력 2021.11.26"),
        ("آخر تحديث: 27/12/2021", "تاريخ النشر: 26/11/2021"),
        ("עודכן: 27.12.2021", "פורסם: 26.11.2021"),
        ("Event: 15 March 2022", "Posted on 26 November 2021"),
        ("成文日期", "2021年11月20日", "发布日期", "2021年11月26日"),
        ("更新时间：", "2021-12-27", "发布时间：", "2021-11-26"),
        ("جمعه ۵ آذر ۱۴۰۰",),
    ],
)
def test_words_for_publication_and_change(lines: tuple[str, ...], parse: Parse) -> None:
    """Of several dates beside the heading the one that is called that of publication counts, in
    the languages of the press; one that is called that of a change never wins."""
    shown = "".join(f"<p>{line}</p>" for line in lines)
    assert first_date(page(f"{HEAD}{shown}{TEXT}"), parse) == "2021-11-26T00:00:00+08:00"


@pytest.mark.parametrize(
    "inside",
    [
        f'{HEAD}<p><span title="26 November 2021">2 years ago</span></p>{TEXT}',
        f'{HEAD}<p><span data-timestamp="1637929564" data-id="1500000000">late</span></p>{TEXT}',
        f"<article><h1>港口</h1><div class=content>{BODY}</div>"
        "<p>港口管理局</p><p>2021年11月26日</p></article>",
        f"{HEAD}<p>LONDON, Nov. 26, 2021 /Wire/ -- {PARTS[0]}</p>{TEXT}",
        f"{HEAD}<p>ROTTERDAM (November 26, 2021) — {PARTS[0]}</p>{TEXT}",
    ],
)
def test_dates_in_other_places(inside: str, parse: Parse) -> None:
    """Where no line beside the heading has a date: an attribute there, the line below a signature,
    or the place and day with which the text begins."""
    date = first_date(page(f"{inside}<footer>© 2024 Harbour, since 3 May 1999</footer>"), parse)
    assert str(date)[:10] == "2021-11-26"


@pytest.mark.parametrize("title", ["城市更新提速", "Update of the harbour plan", "修改港口规划"])
@pytest.mark.parametrize(
    "byline",
    [
        "<p>2021-11-26 20:26 来源：示例日报</p>",
        '<time datetime="2021-11-26T20:26+08:00">26.11.</time>',
        '<time datetime="2021-11-26T20:26+08:00"></time>',
    ],
)
def test_a_title_about_an_update_is_no_label(title: str, byline: str, parse: Parse) -> None:
    """A date below a title that is about an update is the article's, not that of a change."""
    html = f"<title>{title}</title><div>Today is 2024-05-01</div>"
    html += f"<article><header><h1>{title}</h1>{byline}</header>{TEXT}</article>"
    assert first_date(page(html), parse) == "2021-11-26T20:26:00+08:00"


def test_a_label_behind_the_text_or_in_brackets(parse: Parse) -> None:
    """What is published behind the text, or what brackets name, is another article."""
    others = ("<p>(Published 3 January 2020)</p>", "<p>Published 3 January 2020</p>")
    for html in (
        page(f"{HEAD}<p>26 November 2021</p>{others[0]}{TEXT}"),
        page(f"{HEAD}<p>26 November 2021</p>{TEXT}{others[1]}"),
    ):
        assert first_date(html, parse) == "2021-11-26T00:00:00+08:00"


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ("<b>2021</b><b><i>11</i>/<i>26</i></b><b>20:26:04</b>", "2021-11-26T20:26:04+08:00"),
        ("<p>2021</p><p>11/26</p><p>20:26</p>", "2021-11-26T20:26:00+08:00"),
        ("<p>26</p><p>2021-11</p>", "2021-11-26T00:00:00+08:00"),
        ("<p>26</p><p>Nov</p><p>2021</p>", "2021-11-26T00:00:00+08:00"),
        ("<p>26</p><p>2021</p>", None),
    ],
)
def test_a_date_in_parts(parts: str, expected: str | None, parse: Parse) -> None:
    """Year, day and time in elements of their own, as Xinhua writes them, are one date."""
    assert first_date(page(f"<div class=head>{parts}{HEAD}</div>{TEXT}"), parse) == expected
    other = f'<div class="related">{parts}</div>'
    dates = parse(page(f"{HEAD}{other}<article>{TEXT}</article>")).dates
    assert all(date.origin != "text" for date in dates)


@pytest.mark.parametrize(
    "other",
    [
        '<div class="ticker"><time datetime="2021-12-31">31 Dec</time> News</div>',
        '<aside><time datetime="2021-12-31">31 Dec</time></aside>',
        '<div class="related"><p>31 December 2021</p></div>',
        '<div class="sidebar"><ul><li>2021-12-31 Another story</li></ul></div>',
    ],
)
def test_dates_of_others(other: str, parse: Parse) -> None:
    """The article's own date wins over that of a box above the heading or below the text."""
    own = f"<article>{HEAD}<p>2021-11-26 20:26</p>{TEXT}</article>"
    for html in (page(other + own), page(own + other)):
        assert first_date(html, parse) == "2021-11-26T20:26:00+08:00"


@pytest.mark.parametrize(
    "comment",
    [
        '<article class="comment"><time datetime="2021-12-31T10:00Z">late</time><p>Great!</p>',
        '<div id="comments"><p>31.12.2021, 10:00</p><p>Great!</p></div>',
        "<div class=post><p>Joined: 31.12.2020</p></div>",
    ],
)
def test_dates_of_comments(comment: str, parse: Parse) -> None:
    """A comment's date, and the day on which its writer joined, are not the article's."""
    html = page(f"<header>{HEAD}<p>26 November 2021</p></header><div>{TEXT}</div>{comment}")
    assert first_date(html, parse) == "2021-11-26T00:00:00+08:00"


@pytest.mark.parametrize(
    "other",
    [
        '<div itemscope><i itemprop="headline">X</i><time itemprop="datePublished" datetime='
        '"2020-01-01"></time></div>',
        '<li itemscope><meta itemprop="datePublished" content="2020-01-01"></li>',
    ],
)
def test_microdata_of_others(other: str, parse: Parse) -> None:
    """Of several articles in microdata the one around the text counts."""
    own = '<meta itemprop="datePublished" content="2021-11-26T12:26:04Z">'
    html = page(f"{other}<article itemscope>{own}{HEAD}{TEXT}</article>{other}")
    assert first_date(html, parse) == "2021-11-26T12:26:04+00:00"


@pytest.mark.parametrize(
    "mark",
    [
        '<abbr class="published" title="2018-07-03T09:00:00+02:00">gestern</abbr>',
        '<span class="date">03.07.2018</span>',
        '<link rel="canonical" href="https://p.example/2018/07/03/x.html">',
        '<div data-date="2018-07-03"><p>x</p></div>',
    ],
)
def test_dates_found_by_htmldate(mark: str, parse: Parse) -> None:
    """Attributes, addresses and lines far from the text are read where nothing else has a date."""
    found = parse(page(f"<main>{HEAD}{TEXT}</main><div>{'<p>menu</p>' * 20}{mark}</div>")).dates
    assert [date.text[:10] for date in found] in (["2018-07-03"], ["03.07.2018"])


def test_htmldate_logs_nothing(parse: Parse, caplog: pytest.LogCaptureFixture) -> None:
    """A search by htmldate does not log an error for each page."""
    logger = logging.getLogger("htmldate.meta")
    logger.addHandler(caplog.handler)
    try:
        assert first_date(page(f'{TEXT}<div data-date="2018-07-03"><p>x</p></div>'), parse)
    finally:
        logger.removeHandler(caplog.handler)
    assert caplog.messages == []


def test_dates_far_apart_are_no_date(parse: Parse) -> None:
    """Where a search of the whole page finds days of several months none is the article's."""
    marks = [f'<div data-date="{day}"><p>x</p></div>' for day in ("2018-07-03", "2018-10-05")]
    assert parse(page(f"<main>{HEAD}{TEXT}</main>{''.join(marks)}")).dates == ()


def test_a_day_in_the_text_is_no_date(parse: Parse) -> None:
    """A day that only a sentence names is not the article's; that of a change comes last."""
    sentence = (
        f"<p>{PARTS[0]} The next meeting is on 6 May 2019, long before that of the union.</p>"
    )
    html = page(f"<article>{HEAD}{TEXT}{sentence}{TEXT}</article>")
    assert parse(html).dates == ()
    changed = html.replace("</h1>", "</h1><p>Updated: 26 November 2021</p>")
    assert [date.origin for date in parse(changed).dates][-1] == "text:changed"


@pytest.mark.skipif(not CASES.is_dir(), reason="the cases are not here")
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("10-text-pm", "2021-11-26T20:26:00+08:00"),
        ("12-text-english", "2021-11-26T20:26:00+08:00"),
        ("17-sidebar-time", "2021-11-26T20:26:00+08:00"),
        ("18-micro-related", "2021-11-26T12:26:04+00:00"),
        ("comment-date", "2018-08-27T10:05:00-07:00"),
    ],
)
def test_cases(name: str, expected: str, parse: Parse) -> None:
    """Pages whose date was another's, or not read."""
    html = (CASES / f"{name}.html").read_text("utf-8")
    assert first_date(html, parse) == expected
