"""The HTML of single template tags, by their documentation in Hexo, NexT, Jekyll and Hugo."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from html import escape, unescape

_ARGUMENT = re.compile(
    r"(?:([A-Za-z_][\w-]*)=)?(?:\"((?:[^\"\\]|\\.)*+)\"|'([^']*)'|`([^`]*)`|([^\s\"'`]+))"
)
_PICTURE = re.compile(r"\.(?:png|jpe?g|gif|webp|svg|avif|bmp|tiff?)(?:[?#]|$)", re.IGNORECASE)
_SIZE = re.compile(r"(?:\d{1,5}(?:px|%)?|auto)")
_ADDRESS = re.compile(r"(?:https?:)?//\S+|/\S*")
_QUOTED = re.compile(r'"([^"]*)"')


@dataclass(frozen=True, slots=True)
class Arguments:
    """The arguments of a tag: those in order, and those with a name."""

    words: tuple[str, ...]
    named: dict[str, str]

    def first(self, *names: str) -> str:
        """The first of the named ones that is not empty."""
        return next(filter(None, (self.named.get(name) for name in names)), "")


def arguments(text: str) -> Arguments:
    """`text` after a tag's name, split at white space outside of quotes."""
    words: list[str] = []
    named: dict[str, str] = {}
    for match in _ARGUMENT.finditer(unescape(text) if "&" in text else text):
        value = next((group for group in match.groups()[1:] if group is not None), "")
        if match[1]:
            named[match[1].lower()] = value
        else:
            words.append(value)
    return Arguments(tuple(words), named)


def _figure(src: str, caption: str, alt: str = "", sizes: tuple[str, ...] = ()) -> str:
    if not src:
        return escape(caption)
    width_and_height = zip(("width", "height"), sizes, strict=False)
    attributes = "".join(f' {name}="{escape(size)}"' for name, size in width_and_height)
    image = f'<img src="{escape(src)}" alt="{escape(alt or caption)}"{attributes}>'
    if not caption:
        return image
    return f"<figure>{image}<figcaption>{escape(caption)}</figcaption></figure>"


def _hexo_image(args: Arguments) -> str:
    """`[class names] path [width] [height] [title [alt]]`; people leave the quotes out. With names
    it is Hugo's."""
    if args.first("src", "url"):
        return _hugo_figure(args)
    words = list(args.words)
    place = next((n for n, word in enumerate(words) if _PICTURE.search(word)), None)
    if place is None:
        place = next((n for n, word in enumerate(words) if "/" in word), 0)
    src, tail = "".join(words[place : place + 1]), words[place + 1 :]
    sizes: list[str] = []
    while tail and len(sizes) < 2 and _SIZE.fullmatch(tail[0]):
        sizes.append(tail.pop(0))
    texts = _QUOTED.findall(tail[0]) if len(tail) == 1 and tail[0].startswith('"') else []
    if texts:  # '"title" "alt"' in one pair of quotes
        return _figure(src, texts[0], "".join(texts[1:2]), tuple(sizes))
    return _figure(src, " ".join(tail), "", tuple(sizes))


def _hugo_figure(args: Arguments) -> str:
    src = args.first("src", "url", "path", "image", "image_path", "file")
    src = src or next(filter(_PICTURE.search, args.words), "")
    texts = (args.first("title"), args.first("caption", "description"))
    caption = " ".join(dict.fromkeys(filter(None, (*texts, args.first("attr")))))
    alt = args.first("alt") or args.first("caption", "title", "description")
    sizes = tuple(filter(None, (args.first("width"), args.first("height"))))
    return _figure(src, caption, alt, sizes if len(sizes) == 2 else ())


def _include(args: Arguments) -> str:
    """Jekyll's `include figure.html src="a.png" caption="…"`; other files are not here."""
    return _hugo_figure(args) if any(map(_PICTURE.search, args.named.values())) else ""


def _link(args: Arguments) -> str:
    """`text url [external] [title]`, the text of any number of words."""
    words = [word.rstrip(",") for word in args.words]
    href = args.first("href", "url", "src")
    place = next((n for n, word in enumerate(words) if _ADDRESS.fullmatch(word)), len(words))
    href = href or "".join(words[place : place + 1])
    text = " ".join(words[:place]) or args.first("text", "title", "name") or href
    return f'<a href="{escape(href)}">{escape(text)}</a>' if href else escape(text)


def _file_link(args: Arguments) -> str:
    """Hexo's `post_link slug [title]` and `asset_link slug [title]`."""
    slug, *title = args.words or ("",)
    texts = [word for word in title if word not in ("true", "false")]
    return f'<a href="{escape(slug)}">{escape(" ".join(texts) or slug)}</a>' if slug else ""


def _button(args: Arguments) -> str:
    """NexT's `button address, text, icon`."""
    href, text, *_ = (*(part.strip() for part in " ".join(args.words).split(",")), "", "")
    href = href or args.first("href", "url", "link")
    return f'<a href="{escape(href)}">{escape(text)}</a>' if text else ""


def _label(args: Arguments) -> str:
    """NexT's `label primary@text`."""
    return escape(" ".join(args.words).partition("@")[2])


def _path(args: Arguments) -> str:
    return escape("".join(args.words[:1]))


def _embed(prefix: str) -> Callable[[Arguments], str]:
    """A video or a program of another site as a link to it."""

    def html(args: Arguments) -> str:
        target = args.first("src", "url", "mp4", "id", "file") or "".join(args.words[:1])
        if user := args.first("user"):
            target = f"{user}/status/{target}"
        if not target:
            return ""
        address = target if _ADDRESS.fullmatch(target) or not prefix else prefix + target
        return f'<p><a href="{escape(address)}">{escape(address)}</a></p>'

    return html


def _quote(args: Arguments) -> str:
    """`author[, source] [link] [title of the link]`; the second line is what is below."""
    words = args.words
    place = next((n for n, word in enumerate(words) if _ADDRESS.fullmatch(word)), len(words))
    author = " ".join(words[:place]) or args.first("author", "cite")
    texts = ", ".join(filter(None, (author, " ".join(words[place + 1 :]) or args.first("source"))))
    link = "".join(words[place : place + 1]) or args.first("link", "url")
    text = escape(texts or link)
    if link:
        text = f'<a href="{escape(link)}">{text}</a>'
    return "<blockquote>" + (f"\n<p>— {text}</p>" if text else "")


def _plain_quote(args: Arguments) -> str:
    return "<blockquote>"


def _code(args: Arguments, inner: str) -> str:
    """`[title] [lang:language] [url] [text of the link]`, or the language first (Jekyll, Hugo)."""
    language = next((w[5:] for w in args.words if w.startswith("lang:")), "")
    inner = inner.strip("\n").rstrip()
    attribute = f' class="language-{escape(language)}"' if language else ""
    return f"\n\n<pre><code{attribute}>{escape(unescape(inner), quote=False)}</code></pre>\n\n"


def _titled_code(args: Arguments, inner: str) -> str:
    options = re.compile(r"[a-z_]+:\S*|https?:\S+")
    title = " ".join(word for word in args.words if not options.fullmatch(word))
    html = _code(args, inner)
    return f"\n\n<p>{escape(title)}</p>{html}" if title else html


def _highlighted(args: Arguments, inner: str) -> str:
    first = (f"lang:{word}" for word in args.words[:1])
    return _code(Arguments(tuple(first), {}), inner)


VERBATIM: dict[str, Callable[[Arguments, str], str]] = {
    "codeblock": _titled_code,
    "code": _titled_code,
    "highlight": _highlighted,
    "raw": lambda args, inner: inner,
    "comment": lambda args, inner: "",
}
"""Tags whose text, up to the closing tag, has no tags of its own."""

TAGS: dict[str, Callable[[Arguments], str]] = {
    **dict.fromkeys(("asset_img", "img", "image", "fullimage", "fi", "inlineimg"), _hexo_image),
    **dict.fromkeys(("asset_link", "post_link"), _file_link),
    **dict.fromkeys(("asset_path", "post_path", "ref", "relref"), _path),
    "figure": _hugo_figure,
    "include": _include,
    "link": _link,
    **dict.fromkeys(("button", "btn"), _button),
    "label": _label,
    "blockquote": _quote,
    "quote": _quote,
    **dict.fromkeys(("pullquote", "centerquote", "cq"), _plain_quote),
    "youtube": _embed("https://www.youtube.com/watch?v="),
    "vimeo": _embed("https://vimeo.com/"),
    "bilibili": _embed("https://www.bilibili.com/video/"),
    "gist": _embed("https://gist.github.com/"),
    "jsfiddle": _embed("https://jsfiddle.net/"),
    "instagram": _embed("https://www.instagram.com/p/"),
    **dict.fromkeys(("tweet", "twitter", "x"), _embed("https://twitter.com/")),
    **dict.fromkeys(("iframe", "video", "audio"), _embed("")),
}
"""Tags that stand for an element; an opening tag of a quote stands for all of it."""

END_OF_QUOTE = frozenset(f"end{name}" for name in ("blockquote", "quote", "pullquote", "cq"))
END_OF_QUOTE |= {"endcenterquote"}
