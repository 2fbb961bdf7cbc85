"""Credits that a page shows around its article: outlet, authors and editor, after their labels.

For pages that declare none of them: most Chinese sites print `来源：… 作者：… 责任编辑：…` beside
the date, most others a line `By …`. A name without a label is only taken from `rel="author"` and
from an element whose class calls it an author.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import islice

from worker.formats.page.bylines import outlet_name, person_names
from worker.formats.page.line_kinds import SENTENCE
from worker.formats.page.metadata import PageMetadata
from worker.formats.page.passages import Passages, Run
from worker.formats.page.published import runs_around
from worker.formats.page.tree import Element, text_content
from worker.model import Person, Publisher


def by_credits(passages: Passages, title: str | None) -> PageMetadata:
    """Authors, publisher and editor, each from the first line that names one."""
    runs = [run for run in runs_around(passages, title) if run.line != title]
    labelled: dict[str, str] = {}
    for run in runs:
        line = run.spaced_line()
        if reporter := _REPORTER.fullmatch(_APART.sub(r"\1\2", line)):
            labelled.setdefault("author", reporter["names"] or reporter["korean"])
        for kind, value in _labelled(line):
            labelled.setdefault(kind, value)
    editor = labelled.get("chief editor") or labelled.get("editor")
    outlet = labelled.get("outlet") or _outlet_of_class(runs)
    return PageMetadata(
        authors=person_names(labelled.get("author", "")) or _unlabelled(runs),
        publisher=Publisher(outlet) if outlet else None,
        editor=editor,
    )


def by_classes(passages: Passages, title: str | None) -> tuple[Person, ...]:
    """Authors in elements whose class calls them so, or in their line: the least sure of all."""
    names: dict[Person, None] = {}
    for run in runs_around(passages, title, _LONGEST_BYLINE):
        if run.line == title:
            continue
        texts = dict.fromkeys(text for part in run.parts if (text := _author_text(run, *part)))
        persons = [person for text in texts for person in _names_of_class(text)]
        if names and not persons:
            break
        names |= dict.fromkeys(person for person in persons if not _NO_PERSON.search(person.name))
    full_names = (
        person
        for person in names
        if not any(part != person and part.name in person.name for part in names)
    )
    return tuple(full_names)


def with_coauthors(authors: tuple[Person, ...], shown: tuple[Person, ...]) -> tuple[Person, ...]:
    """`shown`, the credits, if these are all of `authors` and other persons: metadata often has the
    first author alone."""
    additions = set(shown) - set(authors)
    are_persons = all(
        _NAME.fullmatch(person.name) and not _NO_PERSON.search(person.name) for person in additions
    )
    return shown if authors and set(authors) < set(shown) and are_persons else authors


_LABELS = {
    "来源": "outlet",
    "來源": "outlet",
    "文章来源": "outlet",
    "信息来源": "outlet",
    "稿源": "outlet",
    "出处": "outlet",
    "转自": "outlet",
    "轉自": "outlet",
    "作者": "author",
    "记者": "author",
    "記者": "author",
    "撰文": "author",
    "责任编辑": "chief editor",
    "責任編輯": "chief editor",
    "责编": "chief editor",
    "責編": "chief editor",
    "编辑": "editor",
    "編輯": "editor",
}
_LABEL = re.compile(
    rf"(?<!图片|题图|头图|封面|视频|版面|数据)(?:本报|本网)?(?:({'|'.join(_LABELS)})\s?(?:[：:]|于\s)\s*"
    r"|(作者|[记記]者|撰文|(?<![一-鿿])(?:文|编辑|责编|編輯|責編))"
    r"(?:\s?[|｜丨]\s?(?=\w)|[\s/／](?=[一-鿿]{2,4}(?:[^一-鿿]|$))))"  # 记者 何小满, 文｜何小满
)
_VALUE_END = re.compile(  # the next label, a date, a separator
    r"\s*(?:返回|[/／][一-鿿]{2,6}(?:報導|报道|電)|[|｜丨【】\[\]()（）]|\d{2,4}[-/.年]|\d+:\d\d|(?<=[\s,，、;；])[^\s,，、;；]{1,6}[：:]"
    r"|(?:评论|阅读|点击|浏览|发布|校对|审核)(?:\w{0,3}[：:]|\s?\d)|$)"
)
_NO_OUTLET = frozenset(
    [
        *("网络", "互联网", "网络整理", "本站", "原创", "本站原创", "转载", "综合"),
        *("未知", "佚名", "其他"),
    ]
)
_SOURCE = re.compile(r"(?:^|[\s_-])(?:source|laiyuan|media-?name)(?:$|[\s_-])", re.IGNORECASE)
_SOURCE_NAME = re.compile(r"(?:[来來][自源][:：]?\s?)?([一-鿿]{3,12})")
_LONGEST_NAME = 40
_REPORTER = re.compile(  # （记者李明、王芳）, 記者林美玲／台北報導, 김철수 기자 cs@news.example
    r"[（(〔【\[]?[一-鿿]{0,6}[记記]者\s?(?P<names>[一-鿿]{2,4}?(?:[、\s][一-鿿]{2,4}?)*)"
    r"(?:[/／][一-鿿]{2,6}|报道|報導)?[）)〕】\]]?|"
    r"(?:\[[^\[\]]{1,30}\]\s?)?(?P<korean>[가-힣]{2,4})\s?(?:선임|수석)?기자(?:\s?[\w.-]+@[\w.-]+)?"
)
_APART = re.compile(r"(?<![一-鿿])([一-鿿])\s([一-鿿])(?![一-鿿])")  # 李 明

# Of Latin (with Š and Ł), Greek and Cyrillic letters.
_CAPITALS = "".join(filter(str.isupper, map(chr, range(ord("A"), ord("ӿ")))))
_BY = re.compile(
    r"(?:^|[|·•]\s|\d,?\s)"
    r"(?:(?:(?:Written|Posted|Submitted|Words|Story|Text|Texte?|Erstellt|Verfasst|Geschrieben|"
    r"(?:\w+ )?Beitrag|Artikel|Scritto|Escrito|Publicado|Rédigé|Publié) )?"
    r"(?:[Bb]y|BY|[Vv]on|[Pp]ar|[Pp]or|[Dd]i|[Dd]a|[Dd]oor)|Words|Texte?|Story|"
    r"(?:Auth?or[ea]?s?|Автор[иы]?|Muhabir|Penulis|Reporter)(?=\s?:))"
    rf"\s?:?\s+(?=[{_CAPITALS}])"
)
_EMPLOYER = re.compile(  # g2 Rio, AP, BBC News; TJ Miller is a name
    r"(?:d[aeo] |the )?\w*(?:\d|[A-Z]{3}|\.\w{2})[\w.]*(?: \w+){0,2}|[A-Z]{2}"
)
_LAST_STOP = re.compile(r"(?<=\w{3})\.$")
_IN_PLACE = re.compile(rf",?\s+in\s+[{_CAPITALS}][\w'’.-]*(?: [{_CAPITALS}][\w'’.-]*)*")
_PLACE = re.compile(
    rf"[{_CAPITALS}][\w'’-]*$|(?:New|San|Los|Las|Hong|São|Buenos|Tel|Cape|Rio|Kuala|Addis|Mexico) "
)
_MONTH = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
_BY_END = re.compile(
    rf"\s*(?:[|·•–—/(]|\s-\s|(?<!\b[a-z])\d|\b(?:{_MONTH})[a-z]*\.?\s\d"
    r"|\b(?:on|at|in|for|is|published|posted|updated|last|illustration|fotos?|photos?|photography|stand|erschienen|"
    r"ver[öo]ffentlicht|aktualisiert|publié|modifié|mis à jour|publicado|publicada|actualizado|"
    r"atualizado|pubblicato|aggiornato)\b|$)",
    re.IGNORECASE,
)
_WORD = rf"[{_CAPITALS}][\w'’.-]*"
_NAME = re.compile(
    rf"{_WORD}(?: (?:de|del|da|di|van|von|der|den|la|le|bin|al|{_WORD})){{0,3}} {_WORD}"
)
# Frequent family names, without those that begin other words, as in 高清 or 关注 beside an author.
_FAMILY_NAMES = (
    "王李张張刘劉陈陳杨楊赵趙黄黃周吴吳徐孙孫胡朱林何郭马馬罗羅梁宋郑鄭谢謝韩韓唐冯馮于董萧蕭曹袁邓鄧许許"
    "傅沈曾彭吕呂苏蘇卢盧蒋蔣蔡贾賈丁魏薛叶葉阎閻潘杜戴钟鍾汪姜范姚谭譚廖邹鄒熊陆陸郝孔崔邱秦顾顧侯邵孟"
)
_CHINESE_NAME = re.compile(rf"[{_FAMILY_NAMES}][一-鿿]{{1,2}}(?<![社报報网網台臺刊局部编編室])")
# Of Hebrew, Arabic and Indian letters, perhaps after a label (`كتبت: هدى الزين`); 中野みさき
_UNCASED = r"[\u0590-\u07ff\u0900-\u0dff][\u0590-\u07ff\u0900-\u0dff'’-]*"
_UNCASED_NAME = re.compile(
    rf"(?:{_UNCASED}(?: {_UNCASED})?:\s?)?({_UNCASED}(?: {_UNCASED}){{1,3}})"
    r"|([一-鿿]{1,4}[ぁ-んァ-ヶー]{1,6})"
)
_HIGHEST = 4  # elements from a text outwards
_LONGEST_BYLINE = 150  # characters; a longer text is the article: WordPress gives it `author-x`
_AUTHOR = re.compile(
    r"(?:^|[\s_-]|(?<=[a-z]))"
    r"(?:(?:[Aa]uth?[eo]u?re?|[Bb]y-?line|[Vv]erfasser|[Jj]ournalist|[Rr]eporter|[Cc]ontributor)s?"
    r"|(?:[Nn]ick|[Uu]ser|[Ss]creen)-?[Nn]ame)(?:$|[\s_-]|(?=[A-Z]))"
)
_AUTHOR_PAGE = re.compile(
    r"/(?:authors?|aut[eo]u?r(?:en|es|s|i)?|journalist(?:en|es|s)?|reporters?|writers?|contributors?|"
    r"columnists?|byline|by|yazar(?:lar)?)/[^/?#]+/?$"
)
_NO_AUTHOR = re.compile(
    r"bio|title|role|desc|about|date|time|job|position|social|image|avatar|local|place|info|box|card",
    re.IGNORECASE,
)
_NO_PERSON = re.compile(
    r"\b(?:by|von|press|news|post|times|media|zeitung|magazine?|agency|agentur|marketing)$|"
    r"^(?:powered|do|em|the)\s",
    re.IGNORECASE,
)


def _labelled(line: str) -> Iterator[tuple[str, str]]:
    """What is after each label of a line: `来源：示例日报 作者：张三` has two."""
    labels = list(_LABEL.finditer(line))
    ends = [*(label.start() for label in labels[1:]), len(line)]
    for label, end in zip(labels, ends, strict=False):  # no label: one end
        text = line[label.end() : end]
        kind = _LABELS.get(label[1] or label[2], "author")
        value = text[: _first_end(_VALUE_END, text)].strip(" ,，、;；")
        if kind == "outlet":
            value = outlet_name(value) or ""
            value = value.split()[0] if value and not value.isascii() else value
            if value in _NO_OUTLET:
                continue
        if kind == "author" and value.endswith((" 摄", "摄影", "供图", " 图")):
            continue
        if value and len(value) <= _LONGEST_NAME:
            yield kind, value


def _outlet_of_class(runs: Sequence[Run]) -> str | None:
    """The Chinese name in an element whose class calls it a source."""
    for element in (element for run in runs for element, is_tail in run.parts if not is_tail):
        if _SOURCE.search(element.get("class", "")):
            match = _SOURCE_NAME.fullmatch(text_content(element))
            if match and match[1] not in _NO_OUTLET:
                return match[1]
    return None


def _unlabelled(runs: Sequence[Run]) -> tuple[Person, ...]:
    """The names of a line `By …` if those in links are among them, else these."""
    byline, linked = _byline(runs), _linked(runs)
    return byline if set(linked) <= set(byline) else linked


def _byline(runs: Sequence[Run]) -> tuple[Person, ...]:
    """The names of a line `By Ann Vera and Bob Dent | …`; nothing if one of them is no name."""
    for run in runs:
        line = run.spaced_line()
        if (label := _BY.search(line)) and (names := _full_names(line[label.end() :])):
            return names
    return ()


def _full_names(line: str) -> tuple[Person, ...]:
    """The names with which a text begins; nothing if one of them is no name of two words."""
    text = _IN_PLACE.sub("", line)
    text = _LAST_STOP.sub("", text[: _first_end(_BY_END, text)].strip(" ,"))
    first, *more = person_names(text) or [None]
    names = [first, *(name for name in more if name and not _PLACE.match(name.name))]
    if len(names) == 2 and names[0] and names[1] and not names[0].name.isupper():
        names = names[:1] if _EMPLOYER.fullmatch(names[1].name) else names
    if all(person and _NAME.fullmatch(person.name) for person in names):
        return tuple(filter(None, names))
    return ()


def _names_of_class(text: str) -> tuple[Person, ...]:
    """The names in the text of an author's element: `By Ann Vera`, `林美玲`."""
    if name := _CHINESE_NAME.fullmatch(text) or _UNCASED_NAME.fullmatch(text):
        return person_names(name[name.lastindex or 0])
    label = _BY.search(text)
    return _full_names(text[label.end() :] if label else text)


def _author_text(run: Run, element: Element, is_tail: bool) -> str:
    """The text of the nearest element around a part of a line that its class calls an author: the
    whole line if it is around that; empty without one."""
    first = element.getparent() if is_tail else element
    is_inside = first is not run.block
    for around in islice((first, *first.iterancestors()), _HIGHEST):
        is_inside = is_inside and around is not run.block
        names = around.get("class", "")
        if names and _AUTHOR.search(names):
            if _NO_AUTHOR.search(names):
                return ""
            text = text_content(around)
            if len(text) > _LONGEST_BYLINE:
                return ""
            return text if is_inside else run.spaced_line()
    return ""


def _linked(runs: Sequence[Run]) -> tuple[Person, ...]:
    """The names in links of the kind `author` (HTML, 4.6.7.3) or to the page of an author, or in a
    card of microformats' `author`, that are together."""
    names: dict[Person, None] = {}
    for run in runs:
        is_prose = SENTENCE.search(run.line) or len(run.line) > _LONGEST_BYLINE
        elements = [
            element
            for element, is_tail in run.parts
            if not is_tail
            and (_is_author(element) or (not is_prose and _is_to_author_page(element)))
        ]
        names |= dict.fromkeys(name for e in elements for name in person_names(text_content(e)))
        if names and not elements:
            break
    return tuple(names)


def _is_author(element: Element) -> bool:
    around = element.getparent()
    classes = (around if around is not None else element).get("class", "").split()
    return "author" in (element.get("rel") or "").lower().split() or (
        "author" in classes and "vcard" in classes
    )


def _is_to_author_page(element: Element) -> bool:
    if not _AUTHOR_PAGE.search(element.get("href") or ""):
        return False
    text = text_content(element)
    return any(name.fullmatch(text) for name in (_NAME, _CHINESE_NAME, _UNCASED_NAME))


def _first_end(pattern: re.Pattern[str], text: str) -> int:
    match = pattern.search(text)
    return match.start() if match else len(text)
