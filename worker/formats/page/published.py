"""Dates that a page shows: beside the heading and the text of its article, not beside others'."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC
from functools import cache
from itertools import chain, islice

from worker.formats.page.passages import Passages, Run
from worker.formats.page.tree import Element, attribute, beginning, id_and_class, text_content
from worker.model import DateOrder, DateText
from worker.normalize.dates.parser import parse_date

CHANGED = "text:changed"
"""The origin of a date that only says when the article was changed."""

_LONGEST = 100  # characters; a longer line is a sentence
_LONGEST_LABEL = 20  # of a line of its own: `Date of publication:`
_NUMBER = re.compile(r"[\d年]")
_DATED = re.compile(r"^title$|^data-.*(?:date|time|publish)")
_LONGEST_DAY = 16  # a line with a date alone, such as that below a signature
_DATELINE = 40  # characters in which a text names its day and place
_PLACE_AND_DAY = re.compile(
    r"(?:[A-ZÄÖÜ][\w.’'-]*,?\s+){1,4}?\(?([A-Z]?\w*\.?\s?\d{1,2}\.?,?\s(?:[A-ZÄÖÜ]?\w+\s)?\d{4})\)?"
    r"(?=\s?[-–—:/(])"
)
_SENTENCE = re.compile(r"[。！？!?]$|\w{4}\.$")
_LINES_AFTER, _LINES_BEFORE = 12, 4
_MAX_TIMES = 100  # `time` elements in these lines
_PIECE = re.compile(r"[\d\s/.:年月日,-]{1,30}|[^\W\d_]{3,9}\.?")  # of a date in several elements
_YEAR_FIRST = re.compile(r"((?:19|20)\d\d)[-/.年]?\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})(?!\d)")
_DAY_APART = re.compile(r"^(\d{1,2})\s+((?:19|20)\d\d)[-/.](\d{1,2})(?!\d)")
_CHANGED = re.compile(
    r"updated?\b|modified|last edited|\bstand:|aktualisiert|ge[äa]ndert|mis à jour|modifié|"
    r"a[ck]?tuali[zs]a|actualizat|aggiornat|(?:ultima|última) modific|aktualizov|bijgewerkt|"
    r"uppdatera|op[dp]datert|opdateret|päivitetty|обновл|изменен|оновлен|(?:son )?güncelle|"
    r"ενημερ[ώω]|frissít|업데이트|수정|更新|修改|编辑于(?=\s?\d)|تحديث|به.?روز|ویرایش|עודכן|अपडेट|"
    r"cập nhật|diperbarui",
    re.IGNORECASE,
)
_PUBLISHED = re.compile(
    r"(?<![(（])(?:published|posted|publi(?:é|cad|cat|cer|[ck]ov|ser|k[oa])|pubblicat|mis en ligne|"
    r"veröffentlicht|erschienen|erstellt|gepubliceerd|geplaatst|julkaistu|dodano|vydáno|публ[иі]к|"
    r"yayın|oluşturulma|eklenme|giriş tarihi|đăng lúc|δημοσι|입력|등록|승인|게시|"
    r"[发發][布表]|刊[登出]|公開|掲載|配信|投稿|نشر|انتشار|פורסם|प्रकाशित)",
    re.IGNORECASE,
)
_JOINED = re.compile(  # a forum's line on the author of a post
    r"joined|registrie?rt|registered|mitglied seit|member since|注册", re.IGNORECASE
)
_OTHERS = re.compile(
    r"comment|related|recommend|sidebar|widget|teaser|ticker|(?<!post-)(?<!entry-)(?<!article-)footer",
    re.IGNORECASE,
)


def dates_shown(
    passages: Passages, title: str | None, order: DateOrder | None
) -> Iterator[DateText]:
    """`time` elements, then lines with a date; from the heading to the text's beginning.

    A line that only has the date of a change comes last.
    """
    runs, places = passages.runs, passages.places
    if not places:
        return
    start, last = places[0], places[-1]
    lowest = max(0, min(_heading_at(passages, title, start), start) - _LINES_BEFORE)
    is_of_others = _boxes(runs[start])
    near = (element for element, at in passages.times if lowest <= at <= start + _LINES_AFTER)
    for element in islice(near, _MAX_TIMES):
        if not is_of_others(element):
            text = attribute(element, "datetime") or text_content(element)
            if not _CHANGED.search(_around(element, title)) and parse_date(text, UTC, order):
                yield DateText(text, "time")
                break
    around = [
        run
        for run in runs_around(passages, title)
        if not _SENTENCE.search(run.line) and not _JOINED.search(run.line)
    ]
    behind = set(runs[max(start + 1, last - 1) :])
    lines = [run.line for run in around if run not in behind]
    above = runs[lowest : min(start, lowest + _LINES_BEFORE + _LINES_AFTER)]
    own = [run for run in above if not is_of_others(run.block)]
    below = [run.line for run in around if run in behind]
    below += [run.line for run in runs[last + 2 : last + 3] if len(run.line) <= _LONGEST_DAY]
    yield from (
        [*_dates_in(chain(lines, _assembled(own)), title, order)]
        or _dates_in_attributes(run for run in around if run not in behind)
        or [*_dates_in(below, title, order)]
        or _datelines(runs[start : start + 2])
    )


def runs_around(passages: Passages, title: str | None, longest: int = _LONGEST) -> list[Run]:
    """The lines around an article, at most `longest` characters each: from its heading down, those
    above the heading from the nearest up, those at its end. Not what belongs to other articles."""
    runs, places = passages.runs, passages.places
    if not places:
        return []
    start, last = places[0], places[-1]
    heading = _heading_at(passages, title, start)
    lowest = max(0, min(heading, start) - _LINES_BEFORE)
    after = range(heading, min(heading + _LINES_AFTER, last + 1, len(runs)))
    is_of_others = _boxes(runs[start])
    return [
        runs[index]
        for index in [*after, *range(heading - 1, lowest - 1, -1), *_end(last, len(runs))]
        if len(runs[index].line) <= longest and not is_of_others(runs[index].block)
    ]


def is_prose(line: str) -> bool:
    """Whether a line is a sentence; `Zurich, 1 February 2022 - The …` has the article's day."""
    return len(line) > _LONGEST and parse_date(line[:_DATELINE], UTC) is None


def _dates_in(
    lines: Iterable[str], title: str | None, order: DateOrder | None
) -> Iterator[DateText]:
    """The date of publication, from a line with a word for it if there is one; else the first one
    without a word, else that of a change. The word may be a line of its own, but not the title,
    which may be about an update (`城市更新`)."""
    labelled: list[tuple[str, str]] = []
    bare: list[tuple[str, str]] = []
    changed, before = [], ""
    for line in lines:
        text = f"{before} {line}" if len(before) <= _LONGEST_LABEL else line
        before, added = "" if line == title else line, len(text) - len(line)
        if not _NUMBER.search(line):
            continue
        label, change = _PUBLISHED.search(text), _CHANGED.search(text)
        own, rest = line, ""
        if change and label and label.start() > change.start():
            own, rest = text[label.start() :], text[added : label.start()]
        elif change:
            own, rest = text[added : change.start()], ""
        is_own = not change or label or parse_date(text[change.end() :], UTC, order)
        if is_own and parse_date(own, UTC, order):
            (labelled if label else bare).append((own, rest))
        elif parse_date(line, UTC, order):
            changed.append(line)
    for own, rest in (labelled or bare)[:1]:
        yield DateText(own, "text")
        if rest:  # the line begins with it
            yield DateText(rest, CHANGED)
    if not labelled and not bare:
        yield from (DateText(line, CHANGED) for line in changed[:1])


def _dates_in_attributes(runs: Iterable[Run]) -> list[DateText]:
    """The first date in an attribute of a line: what is shown is `2 years ago`."""
    attributes = (pair for run in runs for element, _ in run.parts for pair in element.items())
    values = (value for name, value in attributes if _DATED.search(name) and len(value) <= _LONGEST)
    return [DateText(value, "time") for value in values if parse_date(value, UTC)][:1]


def _datelines(runs: Iterable[Run]) -> list[DateText]:
    """The date after the place with which a text begins: `LONDON, Nov. 26, 2021 /Wire/ --`."""
    days = (match[1] for run in runs if (match := _PLACE_AND_DAY.match(run.line)))
    return [DateText(day, "text") for day in days if parse_date(day, UTC)][:1]


def _assembled(runs: Sequence[Run]) -> Iterator[str]:
    """Dates whose parts are in elements, or lines, of their own: `2021`, `11/26`, `20:26:15`."""
    pieces = [run.spaced_line() for run in runs]
    for at, end in ((at, at + size) for at in range(len(pieces)) for size in (3, 2, 1)):
        if all(_PIECE.fullmatch(piece) for piece in pieces[at:end]):
            text = _YEAR_FIRST.sub(r"\1-\2-\3", " ".join(pieces[at:end]))
            if text != runs[at].line:
                yield _DAY_APART.sub(r"\2-\3-\1", text)


def _end(last: int, length: int) -> range:
    """The lines that end an article or follow it."""
    return range(max(0, last - 1), min(length, last + 2))


def _heading_at(passages: Passages, title: str | None, start: int) -> int:
    """The line of the title above the text; without one the text's first."""
    heading = "".join((title or "").split())
    for index in range(min(start + 3, len(passages.runs) - 1), -1, -1):
        if heading and "".join(passages.runs[index].line.split()) == heading:
            return index
    return start


def _boxes(first: Run) -> Callable[[Element], bool]:
    """Whether an element is in a box that the article's first line is not in: the class of an
    article's own may be `has-sidebar`. Each box is looked at once, however many lines it has."""
    own, is_box = set(first.ancestors()), cache(_is_others)

    def is_of_others(element: Element) -> bool:
        return any(is_box(node) for node in (element, *element.iterancestors()) if node not in own)

    return is_of_others


def _is_others(element: Element) -> bool:
    """Whether an element holds what belongs to other articles, to readers or to the site, or is a
    quotation, such as a post of a social network."""
    if element.tag in ("body", "html", "main"):
        return False
    if element.tag == "blockquote" or _OTHERS.search(id_and_class(element)):
        return True
    # One with the byline is the article's own.
    return element.tag in ("aside", "footer") and not any(
        "author" in (link.get("rel") or "").split() for link in element.iter("a")
    )


def _around(element: Element, title: str | None) -> str:
    """The names of an element and the text of its parent, in which a word says what date it is;
    from a parent with the title only what is between them, as the title may be about an update."""
    parent = element.getparent()
    text = beginning(parent, _LONGEST + len(title or "")) if parent is not None else ""
    if title and title in text:
        text = text.partition(title)[2].partition(text_content(element) or "\n")[0]
    return f"{element.get('class', '')} {element.get('itemprop', '')} {text}"
