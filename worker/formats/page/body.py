"""The body of a page without a site rule: the extractors' text, in the page's own markup."""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from itertools import chain, islice

from lxml import etree

from worker.errors import Reason, Rejected
from worker.formats.body import paragraphs
from worker.formats.page.extraction import article_text
from worker.formats.page.line_kinds import is_link, link_share
from worker.formats.page.links import host_of, resolve_link
from worker.formats.page.media import reveal_pictures
from worker.formats.page.passages import Passages, Run, locate
from worker.formats.page.pruning import cut_down
from worker.formats.page.tree import Element, parse_html, squeezed_length, texts_in
from worker.formats.page.visibility import (
    clear,
    consent_in,
    hidden_in,
    noise_in,
    remove,
    reveal,
    text_size,
)

SHORT = 250
"""Characters; a shorter article is looked for in what the page hides, too: a script may show it."""

_SHARE_IN_TREE = 0.7  # of the text must be found in the tree, else it is not from there (JSON-LD)


@dataclass(frozen=True, slots=True)
class Extract:
    """The text of a page's article, its passages in the page's tree, and what is none of it."""

    body: Element
    text: str
    passages: Passages
    noise: Sequence[Element]

    @property
    def first_element(self) -> Element | None:
        """The element of the article's first line."""
        first = self.passages.first
        return first.block if first else None

    @property
    def is_in_tree(self) -> bool:
        """Whether the text is of the page's elements, not of its JSON-LD."""
        return self.passages.share >= _SHARE_IN_TREE


def extract_article(tree: Element, rule_html: str | None = None) -> Extract:
    """The article in `tree`, which loses placeholders of pictures and questions for consent;
    without text if there is none.

    `rule_html` is the body that a site's rule found, if one did.
    """
    body = tree.find("body")
    if body is None:
        body = etree.SubElement(tree, "body")
    reveal_pictures(body)
    remove(consent_in(body))
    hidden = hidden_in(tree)
    text = "".join(texts_in(parse_html(rule_html))) if rule_html else _text(tree)
    if not rule_html and _is_hidden(squeezed_length(text), text_size(hidden)):
        visible = _article_in(hidden)
        for element in visible:
            reveal(element)
        text = _text(tree)
        hidden = [element for element in hidden if element not in visible]
    noise = [*hidden, *noise_in(body)]
    return Extract(body, text, locate(body, text, frozenset(noise)), noise)


def cut_out(article: Extract, title: str, bylines: Sequence[str]) -> str:
    """The article's HTML, without what repeats `title` or begins as one of `bylines` do.

    Changes the tree.
    """
    if article.is_in_tree:
        clear(article.noise)
        element = cut_down(article.body, article.passages, title, bylines)
        if element is not None:
            return etree.tostring(element, encoding="unicode", method="html", with_tail=False)
    # A text that is not in the tree is from JSON-LD; a few words are a menu's.
    return paragraphs(article.text) if squeezed_length(article.text) >= SHORT else ""


def is_index(passages: Passages, url: str | None = None) -> bool:
    """Whether the text is nothing but links to articles, and their dates, or nothing but teasers
    of the site of `url`, as that of a front page."""
    sizes = [_link_share(run) for run in passages.article_runs]
    linked = sum(size * share for size, share in sizes)
    is_list = sum(share > _MOST for _, share in sizes) >= _FEW
    total = sum(size for size, _ in sizes)
    return (is_list and linked > _MOST * total) or _in_teasers(passages, url) > _TEASED * total


def check_content(html: str, size: int, title: str, body: Element) -> None:
    """Raises Rejected with the reason why `html`, cut out of `body`, is no article.

    `size` is its length as `squeezed_length` counts it.
    """
    if size < _SHORTEST and any(element.get("id") in _APPS for element in body.iter()):
        raise Rejected(
            Reason.NO_CONTENT,
            "scripts make the text of this page, and newsdrop runs none: drop the article itself, "
            "or use the site's feed",
        )
    is_error = size < SHORT and _ERROR.match(title)
    if not html or is_error or (size < _LONGEST and _NO_TITLE.fullmatch(title)):
        raise Rejected(
            Reason.NO_CONTENT,
            "no article was found on this page: drop the article itself, or write a site rule "
            "(config/sites/README.md)",
        )


_APPS = frozenset({"__next", "__nuxt", "__NEXT_DATA__", "__NUXT_DATA__", "root", "app"})
_SHORTEST = 30  # characters of an article beside a script's place; `Loading…` is none
_MOST, _FEW = 0.8, 5  # of the letters in links; lines that are links
_TEASED, _OUTER = 0.9, 4  # of the letters in teasers; elements from a heading outwards
_LONGEST_TEASER = 500  # letters
_DIGITS = re.compile(r"\d")
_LONGEST = 1_000  # characters around a question for a name and a password
_ERROR = re.compile(
    r"\W*(?:(?:error\s*)?404\b|(?:page )?not found|seite nicht gefunden|"
    r"page (?:introuvable|non trouvée)|"
    r"p[áa]gina no encontrada|.{0,12}(?:页面|文章|内容)(?:不存在|已删除|找不到|未找到))",
    re.IGNORECASE,
)
_NO_TITLE = re.compile(
    r"\W*(?:(?:oops|sorry)\W+)?(?:"
    r"(?:we )?(?:can['’]t|cannot|couldn['’]t|could not) find (?:that|this|the) page|"
    r"(?:that|this|the) page (?:can['’]t|cannot|could not) be found|just a moment|access denied|"
    r"(?:please )?(?:log|sign) ?in(?: to [\w ]{1,40})?|(?:请先?|用户)?登录|anmelden|einloggen|"
    r"se connecter|connexion|iniciar sesi[óo]n|(?:please )?verify (?:that )?you are human|"
    r"are you a robot|attention required|安全验证|人机验证)\W*",
    re.IGNORECASE,
)


def _in_teasers(passages: Passages, url: str | None) -> int:
    """The number of letters of the text that are in boxes side by side, each of which has a link
    for a heading and little more."""
    groups: dict[tuple[Element, object], dict[Element, int]] = defaultdict(dict)
    for run in passages.runs:
        heading = next((e for e in run.ancestors() if e.tag in ("h2", "h3", "h4")), None)
        if heading is not None and is_link(run) and _is_teaser(heading, url):
            for box in islice(heading.iterancestors(), _OUTER):
                groups[box.getparent(), box.tag][box] = 0
    boxes = {box for group in groups.values() if len(group) >= _FEW for box in group}
    texts = Counter[Element]()
    for run in passages.runs if boxes else ():
        texts.update({box: len(run.text) for box in run.ancestors() if box in boxes})
    boxes = {box for box in boxes if texts[box] <= _LONGEST_TEASER}
    return sum(
        len(run.text) for run in passages.article_runs if not boxes.isdisjoint(run.ancestors())
    )


def _is_teaser(heading: Element, url: str | None) -> bool:
    """Whether a heading's link is to another page of the site: those of a live page are to its
    own posts, those of a list of books to shops."""
    link = next(chain(heading.iter("a"), heading.iterancestors("a")), None)
    href = "" if link is None else link.get("href", "")
    host = host_of(resolve_link(url, href))
    return not href.startswith("#") and (host is None or host_of(url) in (None, host))


def _link_share(run: Run) -> tuple[int, float]:
    """The number of letters without digits, and the share of them that is in links."""
    size = len(_DIGITS.sub("", run.text))
    return size, min(1.0, link_share(run) * len(run.text) / max(1, size))


def _is_hidden(shown: int, hidden: int) -> bool:
    """Whether an article is among what is hidden, by the characters of both."""
    return shown < SHORT < hidden and hidden > 3 * shown


def _article_in(hidden: Sequence[Element]) -> Sequence[Element]:
    """Those of `hidden` that are an article: no dialogs and labels, where one has most of it."""
    sizes = [text_size([element]) for element in hidden]
    if 2 * max(sizes) < sum(sizes):
        return hidden
    return [element for element, size in zip(hidden, sizes, strict=True) if size >= SHORT]


def _text(tree: Element) -> str:
    """The text of the article among what `tree` shows."""
    page = deepcopy(tree)
    remove(hidden_in(page))
    return article_text(page)
