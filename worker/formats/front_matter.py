"""Front matter: a head in YAML (`---`), TOML (`+++`) or JSON (`{`), and a body below it.

The mirrors this project reads write YAML by string concatenation, so what YAML refuses is read
key by key, and every `{` and `}` of theirs arrives as an entity.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping

from worker.errors import Reason, Rejected
from worker.escape import printable
from worker.formats.body import to_html
from worker.formats.fields import article
from worker.formats.yaml_head import Unreadable, load, load_by_key
from worker.model import Document, Profile, RawArticle, Refusal
from worker.settings import Limits
from worker.sites import Sites

MAX_HEAD = 256 * 1024
"""Characters of a head; longer is a file that lost its closing line."""

_OPENING = re.compile(r"[\s\ufeff\u200b]*(---|\+\+\+)[ \t]*(?=\n|\Z)")
_LONG_DOTTED_KEY = re.compile(r"(?:\.[ \t]*(?:[\w-]+|\"[^\"\n]*\"|'[^'\n]*')[ \t]*){32}")
_CLOSINGS = {
    "---": re.compile(r"\n(?:---|\.\.\.)[ \t]*(?=\n|\Z)"),
    "+++": re.compile(r"\n\+\+\+[ \t]*(?=\n|\Z)"),
}


def parse_front_matter(
    text: str, document: Document, *, profile: Profile, sites: Sites, limits: Limits
) -> Iterator[RawArticle | Refusal]:
    """One article. Raises Rejected (`front_matter`, `too_deep`) where the head cannot be read."""
    head, body, fence = split(_unescaped(text))
    table: Mapping[str, object]
    warnings: tuple[str, ...] = ()
    if fence == "+++":
        table = _toml(head)
    else:
        table, warnings = _yaml(head)
    yield head_article(table, body, warnings)


def head_article(
    table: Mapping[str, object], body: str, warnings: tuple[str, ...] = ()
) -> RawArticle:
    """The article of a head and its body, whatever the head was written in."""
    return article(
        table, to_html(body), parser="front-matter", origin="front-matter", warnings=warnings
    )


def split(text: str) -> tuple[str, str, str]:
    """Head, body and the line between them; the first closing line ends the head.

    Raises Rejected (`front_matter`) where there is none.
    """
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    opening = _OPENING.match(text)
    if opening is None:
        raise Rejected(
            Reason.FRONT_MATTER,
            "the front matter does not begin with `---` or `+++`: put one above it",
        )
    fence = opening[1]
    closing = _CLOSINGS[fence].search(text, opening.end(), opening.end() + MAX_HEAD)
    if closing is None:
        raise Rejected(
            Reason.FRONT_MATTER,
            f"the front matter is opened with `{fence}` and never closed: "
            f"put a line `{fence}` below its last key",
        )
    return text[opening.end() : closing.start()], text[closing.end() :], fence


def _unescaped(text: str) -> str:
    """The mirrors' two entities decoded, in head and body; a raw `&` stays as it is."""
    if "&#12" not in text:
        return text
    return text.replace("&#123;", "{").replace("&#125;", "}")


def _yaml(head: str) -> tuple[Mapping[str, object], tuple[str, ...]]:
    try:
        return load(head), ()
    except Unreadable as error:
        table, refused = load_by_key(head)
        if not table:
            raise Rejected(
                Reason.FRONT_MATTER,
                f"the front matter is not YAML ({printable(str(error))}): write `key: value` lines",
            ) from error
        keys = f": {printable(', '.join(refused))}" if refused else ""
        return table, (f"front matter is not valid YAML; read line by line{keys}",)


def _toml(head: str) -> Mapping[str, object]:
    # tomllib is cubic in the parts of a dotted key: 50,000 of them took 102 s and 9.8 GB.
    deep = Rejected(
        Reason.TOO_DEEP, "the TOML front matter is nested too deep: keep it to plain keys"
    )
    if _LONG_DOTTED_KEY.search(head):
        raise deep
    try:
        return tomllib.loads(head)
    except RecursionError as error:
        raise deep from error
    except ValueError as error:  # TOMLDecodeError, or an integer of thousands of digits
        raise Rejected(
            Reason.FRONT_MATTER,
            f"the front matter between `+++` lines is not TOML ({printable(str(error), 120)}): "
            "mend that line",
        ) from error
