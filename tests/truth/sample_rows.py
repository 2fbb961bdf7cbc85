"""The rows of the table for heads of posts, mirrored posts, Chinese pages and shared encodings."""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import yaml
from charset_normalizer import from_bytes
from lxml import html
from readability import Document as ReadableDocument
from w3lib.encoding import resolve_encoding

from newsdrop import parse
from tests.truth.pages import result
from tests.truth.row import Row, share
from worker.errors import Rejected
from worker.formats import ParseContext, parse_document
from worker.formats.encoding.decode import decode
from worker.model import Document, Profile, RawArticle
from worker.settings import Limits
from worker.sites import Sites, load_sites

_SHARED = Path(__file__).parents[3] / "shared"
_SAMPLES = _SHARED / "samples"
_PROFILE = Profile("truth", ZoneInfo("Asia/Shanghai"), ZoneInfo("Asia/Shanghai"))

_CASES = {
    "alias-list.md": ("Anchored title", "2021-11-26 20:26:04", ("a", "b")),
    "four-dashes.md": ("T", "2021-11-26 20:26:04", ()),
    "no-opening-fence.md": (
        "手把手搭建内网穿透服务", "2016-02-19 00:55:35", ("穿透", "反向代理", "Web开发"),
    ),
}  # fmt: skip
"""Title, date and tags of the heads in `cases`, in any order."""

_FOREIGN = re.compile(r"扫码|扫一扫|分享到|相关阅读|推荐阅读|责任编辑|display\s*:\s*none")
"""What sites put around a post."""
_FOREIGN_PICTURES = re.compile(r"avatar|qr_?-?code|erweima|icon|picsum|343233024|random|/emoji/")

Head = tuple[str | None, str | None, tuple[str, ...]]


def rows() -> Iterator[Row]:
    """All rows of this module."""
    yield _heads()
    yield _mirror()
    yield _chinese()
    yield _encodings()


# ── heads ────────────────────────────────────────────────────────────────────────────────────


def _heads() -> Row:
    wanted = [*_wanted_heads()]
    figures = [
        share(
            sum(_is_same_head(read(path.read_bytes()), want) for path, want in wanted), len(wanted)
        )
        for read in (_our_head, _yaml_head)
    ]
    return Row("heads of posts: title, date and tags", figures[0], f"PyYAML {figures[1]}", "all")


def _wanted_heads() -> Iterator[tuple[Path, Head]]:
    expected = json.loads((_SAMPLES / "heads" / "expected.json").read_text("utf-8"))
    for one in expected:
        title = one["title_line"].strip().strip("'\"") or None
        tags = tuple(tag.removeprefix(" - ") for tag in one["categories"])
        yield _SAMPLES / "heads" / one["file"], (title, one["date"], tags)
    for name, head in _CASES.items():
        yield _SHARED / "cases" / "heads" / name, head


def _is_same_head(got: Head, want: Head) -> bool:
    return got[:2] == want[:2] and sorted(got[2]) == sorted(want[2])


def _our_head(data: bytes) -> Head:
    context = ParseContext(_PROFILE, Sites(()), Limits())
    (raw,) = parse_document(Document(data, "post.md"), context)
    if not isinstance(raw, RawArticle):
        return None, None, ()
    return raw.title, raw.dates[0].text if raw.dates else None, tuple(raw.tags)


def _yaml_head(data: bytes) -> Head:
    try:
        _, head, _ = data.decode("utf-8").lstrip().split("---\n", 2)
        read = yaml.load(head, yaml.BaseLoader)
    except (ValueError, yaml.YAMLError):
        return None, None, ()
    tags = read.get("categories") or read.get("tags") or ()
    return read.get("title") or None, read.get("date"), tuple(map(str, tags))


# ── mirrored posts ───────────────────────────────────────────────────────────────────────────


def _mirror() -> Row:
    paths = [*sorted((_SAMPLES / "mirror").glob("*.md")), _SAMPLES / "seed.md"]
    foreign = sum(_has_foreign(path) for path in paths)
    return Row(
        "mirrored posts with foreign text or pictures", f"{foreign} of {len(paths)}", goal="0"
    )


def _has_foreign(path: Path) -> bool:
    return any(
        _FOREIGN.search(article.content_text)
        or any(_FOREIGN_PICTURES.search(image.url) for image in article.images)
        for article in parse(path)
    )


# ── Chinese pages ────────────────────────────────────────────────────────────────────────────


def _chinese() -> Row:
    """Their text without a rule against that by their site's rule, which tests hold."""
    paths = sorted((_SAMPLES / "pages-zh").glob("*.html"))
    rules = load_sites([Path(__file__).parents[2] / "config" / "sites"])
    wanted = [result(path.read_bytes(), None, rules)["text"] or "" for path in paths]
    scores = {
        name: sum(
            _f1(want, read(path.read_bytes())) for path, want in zip(paths, wanted, strict=True)
        )
        / len(paths)
        for name, read in _PAGE_READERS.items()
    }
    ours = scores.pop("newsdrop")
    best = max(scores, key=scores.__getitem__)
    what = f"Chinese pages without a rule, F1 of characters ({len(paths)})"
    return Row(what, f"{ours:.3f}", f"{best} {scores[best]:.3f}", "≥ .945")


def _our_text(data: bytes) -> str:
    return result(data, None, Sites(()))["text"] or ""


def _readable_text(data: bytes) -> str:
    read = ReadableDocument(decode(data).text).summary()
    return html.document_fromstring(read).text_content()


def _trafilatura_text(data: bytes) -> str:
    from trafilatura import extract

    return extract(decode(data).text, include_comments=False) or ""


_PAGE_READERS: dict[str, Callable[[bytes], str]] = {
    "newsdrop": _our_text,
    "readability-lxml": _readable_text,
    "trafilatura": _trafilatura_text,
}


def _f1(want: str, got: str) -> float:
    one, two = (Counter("".join(text.split())) for text in (want, got))
    total = one.total() + two.total()
    return 2 * (one & two).total() / total if total else 1.0


# ── encodings ────────────────────────────────────────────────────────────────────────────────


def _encodings() -> Row:
    """Feeds of the samples without their declaration, against what a browser makes of that."""
    expected = json.loads((_SAMPLES / "encodings" / "expected.json").read_text("utf-8"))
    found = []
    for one in expected:
        data = (_SAMPLES / "encodings" / one["file"]).read_bytes()
        bare = re.sub(rb"\s+encoding=[\"'][^\"']*[\"']", b"", data, count=1)
        found.append((bare, bare.decode(resolve_encoding(one["declared"]), "replace")))
    ours = sum(_our_decoding(data) == text for data, text in found)
    peer = sum(str(from_bytes(data).best()) == text for data, text in found)
    return Row(
        "shared encodings, declaration taken away",
        share(ours, len(found)),
        f"charset-normalizer {share(peer, len(found))}",
        "≥ 97 %",
    )


def _our_decoding(data: bytes) -> str | None:
    try:
        return decode(data).text
    except Rejected:
        return None
