"""The list of other articles below a body: a heading such as 相关阅读, then nothing but links.

Sites print it into the body without a class of its own, so it is found by its words and by what
follows them. Nothing is cut if more than a few letters below the heading are outside of links.
"""

import re
from itertools import islice

_REACH = 20_000
"""Characters from the end: a list of ten links with pictures has fewer."""

_MAX_OTHER_TEXT = 12
"""Letters below the heading that are in no link: the date or the source of one of them."""

_END = 200
"""Characters after the last link whose letters are counted."""

_MAX_HEADINGS = 5
_MIN_ARTICLE = 20
"""Letters above the heading; with fewer, the links are the article."""

_LIST_OPENING = re.compile(
    r"(?:<(?:p|div|h[1-6]|section|ul|ol|li|dl|dt|aside|table|tbody|tr|td|br)\b[^<>]*>)"
    r"(?:<(?:strong|b|span|em|font|i|u)\b[^<>]*>|[\s【\[●■▼▶◆|-])*+"
    r"(?:相关(?:阅读|文章|新闻|报道|链接|推荐)|推荐阅读|延伸阅读|扩展阅读|更多阅读|往期(?:回顾|推荐|精选)"
    r"|猜你喜欢|热门(?:文章|推荐)|精彩推荐"
    r"|(?i:related (?:articles|posts|stories|reading|news|links)|read next|further reading"
    r"|recommended (?:articles|reading|for you)|you (?:may|might) also like))"
    r"(?:\s|[】\]:：▼|-]|</?(?:strong|b|span|em|font|i|u)\b[^<>]*>)*+"
    r"(?=</?(?:p|div|h[1-6]|section|ul|ol|li|dl|dt|dd|aside|table|tbody|tr|td|br)\b)"
)
_HAN_WORDS = ("相关", "阅读", "往期", "猜你喜欢", "热门", "精彩推荐")
_LATIN_WORDS = (b"related", b"recommended", b"further", b"also like", b"read next")
_LINK = re.compile(r"<a\b[^<>]*>(?:[^<]|<(?!/?a\b))*+</a>", re.IGNORECASE)
_NO_LETTERS = re.compile(r"<[^<>]*>|&[#\w]+;|[\d\W_]+")
_MORE_TEXT = re.compile(rf"(?:(?:{_NO_LETTERS.pattern})*+[^\d\W_]){{{_MAX_OTHER_TEXT + 1}}}")


def without_related(html: str) -> str:
    """`html` without such a list at its end; the parser closes elements that stay open."""
    start = max(0, len(html) - _REACH)
    if not _may_end_in_links(html) or not _has_words(html[start:]):
        return html
    for opening in islice(_LIST_OPENING.finditer(html, start), _MAX_HEADINGS):
        list_html = html[opening.end() :]
        other_text, link_count = _LINK.subn("", list_html)
        if not link_count or len(_NO_LETTERS.sub("", other_text)) > _MAX_OTHER_TEXT:
            continue
        article = html[: opening.start()]
        if len(_NO_LETTERS.sub("", article)) >= _MIN_ARTICLE:
            return article
    return html


def _may_end_in_links(html: str) -> bool:
    """Whether there is a link with little text after it. Most articles end otherwise, and this
    costs a tenth of the search for words."""
    end = html.rfind("</a>")
    end = max(end, html.rfind("</A>", max(end, 0)))
    if end < 0:
        return False
    tail = html[end + 4 : end + 4 + _END]
    if len(html) > end + 4 + _END:
        tail = tail[: max(tail.rfind("<"), tail.rfind("&"), 0)]  # a tag or reference may be cut
    return not _MORE_TEXT.match(tail)  # ends at the 13th letter: a fifth of removing all else


def _has_words(text: str) -> bool:
    """Whether any heading may be in `text`. One regular expression for all words has no first
    letter to search for: it took 720 µs an article, as much as all else, where this takes 30."""
    if any(word in text for word in _HAN_WORDS):
        return True
    latin = text.encode("ascii", "ignore").lower()
    return any(word in latin for word in _LATIN_WORDS)
