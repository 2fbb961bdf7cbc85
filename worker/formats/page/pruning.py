"""A page's tree cut down to the passages of its article, with the pictures between them."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from itertools import islice

from worker.formats.page.passages import MEDIA, SHINGLE, Passages, Run, letters_in
from worker.formats.page.tree import CODE, Element, text_content


def cut_down(
    body: Element, passages: Passages, title: str, bylines: Sequence[str]
) -> Element | None:
    """The innermost element with all passages, without all else; None where there are none.

    Changes the tree. A heading that repeats `title`, and lines that begin as `bylines` do, go, too.
    """
    headline = letters_in(title)
    article_runs = {
        run
        for run in passages.article_runs
        if not _is_headline(run, headline, passages.first)
        and not run.line.startswith(tuple(bylines))
    }
    if not article_runs:
        return None
    media = _article_media(passages, article_runs, headline)
    _carry_captions(passages.runs, article_runs, media)
    for run in passages.runs:
        if run not in article_runs:
            for element, is_tail in run.parts:
                if is_tail:
                    element.tail = " "
                else:
                    element.text = None
    root = _common(body, [*(run.block for run in article_runs), *media])
    _drop_empty(root, set(media))
    return root


_CAPTION = 400  # letters; a longer text below a picture is no caption
_HEAD_LINES, _ABOVE = 15, 3  # lines above the text with a heading; with its picture, above it
_NO_LEAD = re.compile(
    r"avatar|author|byline|profile|portrait|logo|icon|share|social|button|badge|\bads?\b|topic|nav",
    re.IGNORECASE,
)
_OPENING = re.compile(r"eye-?catch|featured|hero|cover|wp-post-image|title-?image", re.IGNORECASE)
_PICTURE = re.compile(r"^#|^javascript:|\.(?:jpe?g|png|webp|gif|avif)(?:$|\?)", re.IGNORECASE)
_HEADINGS = frozenset({"h1", "h2", "h3", "h4"})
_EMPTY = frozenset({*MEDIA, "br", "hr", "td", "th", "source", "track", "wbr", "picture"})


def _is_headline(run: Run, headline: str, first: Run | None) -> bool:
    if run is first and run.text == headline:  # some sites repeat it, as a paragraph
        return True
    if not headline or not any(element.tag in _HEADINGS for element in run.ancestors()):
        return False
    if len(headline) >= SHINGLE and run.text.endswith(headline):  # a kicker may be before it
        return True
    return run.text == headline or (len(run.text) >= SHINGLE and headline.startswith(run.text))


def _article_media(passages: Passages, article_runs: set[Run], headline: str) -> list[Element]:
    """Media between the passages, and lead pictures, in order; not those of boxes without text."""
    runs = passages.runs
    numbers = [index for index, run in enumerate(runs) if run in article_runs]
    first, last = numbers[0], numbers[-1]
    texts: Counter[Element] = Counter()
    article_texts: Counter[Element] = Counter()
    for run in runs:
        for element in run.ancestors():
            texts[element] += len(run.text)
            if run in article_runs:
                article_texts[element] += len(run.text)
    lines = range(first - 1, max(0, first - _HEAD_LINES) - 1, -1)
    heading = next((at for at in lines if headline and runs[at].text.endswith(headline)), first)
    around_heading = set(runs[heading].ancestors()) if heading < first else set()
    return [
        element
        for element, index in passages.media
        if _is_in_article(element, texts, article_texts, around_heading)
        and (
            first <= index <= last
            or _is_framed(element)
            or (heading < index < first and _is_lead(element))
            or (
                index <= heading < index + _ABOVE
                and _is_lead(element)
                and (
                    _is_beside(element, around_heading) or _OPENING.search(element.get("class", ""))
                )
            )
            or (index == last + 1 and _is_end(element, runs[last]))
        )
    ]


def _is_in_article(
    element: Element,
    texts: Counter[Element],
    article_texts: Counter[Element],
    around_heading: Collection[Element],
) -> bool:
    """Whether the nearest element with text is the article's, or its heading's
    (`around_heading`), or holds no more than a caption."""
    for around in element.iterancestors():
        if article_texts[around] or around in around_heading:
            return True
        if texts[around] and (around.tag == "a" or texts[around] > _CAPTION):
            return False
        if texts[around] and any(map(_is_link_to_page, around.iterdescendants("a"))):
            return bool(around.tag == "figure")
    return False


def _is_lead(element: Element) -> bool:
    """Whether a picture near the heading is no portrait, logo or button, no thumbnail in a list and
    no link to another page."""
    around = (element, *islice(element.iterancestors(), 3))
    if any(outer.tag == "li" or _is_link_to_page(outer) for outer in around):
        return False
    names = (outer.get(name, "") for outer in around for name in ("class", "id", "src"))
    return element.tag == "img" and not any(map(_NO_LEAD.search, names))


def _is_link_to_page(element: Element) -> bool:
    return element.tag == "a" and not _PICTURE.search(element.get("href") or "")


def _is_beside(element: Element, around_heading: Collection[Element]) -> bool:
    """Whether the innermost element around a picture and the heading is a header or an article."""
    common = next((around for around in element.iterancestors() if around in around_heading), None)
    return common is not None and common.tag in ("header", "article")


def _is_framed(element: Element) -> bool:
    """Whether a picture outside of the passages is shown as one of the article: a figure."""
    return any(around.tag in ("figure", "picture") for around in element.iterancestors())


def _is_end(element: Element, last: Run) -> bool:
    """Whether a picture is a paragraph of its around_heading after the last line."""
    paragraph = element.getparent()
    return paragraph.tag == "p" and paragraph.getparent() in last.ancestors()


def _carry_captions(runs: Iterable[Run], article_runs: set[Run], media: Iterable[Element]) -> None:
    """Captions that the extractor left out stay with their pictures, as an attribute."""
    figures = {around: element for element in media for around in element.iterancestors("figure")}
    for run in runs:
        if run in article_runs or len(run.text) > _CAPTION:
            continue
        around = [element for element in run.ancestors() if element.tag in ("figcaption", "figure")]
        if len(around) > 1 and (picture := figures.get(around[-1])) is not None:
            caption = [picture.get("data-caption"), text_content(around[0])]
            picture.set("data-caption", " ".join(dict.fromkeys(filter(None, caption))))


def _common(body: Element, elements: Sequence[Element]) -> Element:
    """The innermost element that holds all of `elements`."""
    count = Counter(
        around for element in elements for around in (element, *element.iterancestors())
    )
    element = body
    while (
        inner := next((child for child in element if count[child] == len(elements)), None)
    ) is not None:
        if inner.tag in _EMPTY:
            break
        element = inner
    return element


def _drop_empty(root: Element, media: set[Element]) -> None:
    """Remove what has neither text nor medium; empty cells stay, they keep a table's columns."""
    for element in reversed(list(root.iterdescendants())):
        if not isinstance(element.tag, str):
            continue
        is_dropped = element.tag in CODE or (element.tag in MEDIA and element not in media)
        if not is_dropped and element.tag not in _EMPTY and not len(element):
            is_dropped = not (element.text or "").strip()
        if element.tag == "tr" and not is_dropped:
            is_dropped = not "".join(element.itertext()).strip() and media.isdisjoint(
                element.iter(*MEDIA)
            )
        if is_dropped:
            element.drop_tree()
