"""Pictures that scripts would show, made plain `img` elements; players as attachments."""

import re
from collections.abc import Iterable, Iterator

from lxml import html

from worker.formats.page.links import resolve_link
from worker.formats.page.tree import Element, attribute, parse_html
from worker.model import Attachment

_LAZY, _SET = re.compile(r"data-|srcset$"), re.compile(r"srcset$")
_PLACEHOLDER = re.compile(
    r"^data:|^about:|(?:^|[/_-])(?:blank|pixel|spacer|transparent|placeholder|loading|lazy(?:load)?|"
    r"1x1|grey|gray|empty)[\w-]*\.(?:gif|png|jpe?g|svg|webp)(?:$|\?)",
    re.IGNORECASE,
)
_NO_MEDIUM = re.compile(
    r"doubleclick|googlesyndication|googletagmanager|adservice|/ads?[/.?]|facebook\.com/plugins|"
    r"platform\.twitter\.com/widgets|recaptcha|disqus|about:blank",
    re.IGNORECASE,
)
_PLAYER = re.compile(r"<(?:video|audio|iframe|amp-)")
_MAX_PLAYERS = 100


def reveal_pictures(body: Element) -> None:
    """Put pictures of `noscript`, and of sets, in the place of placeholders; `amp-img` is `img`."""
    for element in list(body.iter("amp-img")):
        element.tag = "img"
    for element in body.iter("img"):
        is_choice = next(element.iterancestors("picture"), None) is not None
        if is_choice or any(map(_SET.search, element.attrib)):
            _drop_placeholder(element)
    for element in list(body.iter("noscript")):
        if element.getparent() is not None:
            _reveal(element)


def players(body: str, base: str | None) -> tuple[Attachment, ...]:
    """The `video`, `audio` and `iframe` elements of a body; adverts and buttons left out."""
    by_url: dict[str, Attachment] = {}
    if not _PLAYER.search(body):
        return ()
    for element in parse_html(body).iter("video", "audio", "iframe", "amp-video", "amp-youtube"):
        for link, mime_type in _sources(element):
            url = resolve_link(base, link)
            if url and not _NO_MEDIUM.search(url) and len(by_url) < _MAX_PLAYERS:
                title = attribute(element, "title")
                by_url.setdefault(url, Attachment(url, mime_type, title))
                break
    return tuple(by_url.values())


def _sources(element: Element) -> Iterator[tuple[str, str | None]]:
    for holder in (element, *element.iter("source")):
        for name in ("src", "data-src", "data-lazy-src"):
            if link := attribute(holder, name):
                yield link, attribute(holder, "type")
    if element.tag == "amp-youtube" and (video := attribute(element, "data-videoid")):
        yield f"https://www.youtube.com/watch?v={video}", None


def _reveal(noscript: Element) -> None:
    pictures = list(noscript.iter("img"))
    if not pictures and "<img" in (noscript.text or ""):  # escaped, or read as text
        fragment = html.fragment_fromstring(noscript.text, create_parent="div")
        pictures = list(fragment.iter("img"))
    around = noscript.getparent()
    for picture in pictures:
        sizes = {attribute(picture, name) for name in ("width", "height")}
        if not attribute(picture, "src") or sizes & {"0", "1"}:  # a tracker
            continue
        picture.tail = None
        if (placeholder := _placeholder(noscript)) is not None:
            placeholder.addprevious(picture)
            placeholder.drop_tree()
        else:
            noscript.addprevious(picture)
    if around is not None and noscript.getparent() is not None:
        noscript.drop_tree()


def _drop_placeholder(image: Element) -> None:
    """Remove an address of a placeholder, so that the set of sources is read."""
    if _PLACEHOLDER.search(image.get("src", "")):
        del image.attrib["src"]


def _placeholder(noscript: Element) -> Element | None:
    """The picture beside a `noscript` that a script would fill."""
    beside: Iterable[Element | None] = (noscript.getprevious(), noscript.getnext())
    for element in beside:
        image = (
            next(element.iter("img"), None)
            if element is not None and isinstance(element.tag, str)
            else None
        )
        if image is not None and _is_unfilled(image):
            return image
    return None


def _is_unfilled(image: Element) -> bool:
    source = attribute(image, "src")
    return (
        not source
        or bool(_PLACEHOLDER.search(source))
        or any(_LAZY.search(name) for name in image.attrib)
    )
