"""Whatever comes in: a valid record or a refusal, and identities that hold."""

import json
from dataclasses import asdict

import jsonschema
import orjson
from bs4 import BeautifulSoup
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from tests.normalize.conftest import make
from worker.errors import Rejected
from worker.model import Article, Attachment, DateText, Person, Publisher
from worker.normalize import fold

_ARTICLE = TypeAdapter(Article)
_SCHEMA = jsonschema.Draft202012Validator(_ARTICLE.json_schema())

words = st.text(st.characters(), max_size=30)  # surrogates and controls too
TAGS = (
    "p div b strong a img table tr td li ul pre br font span h1 figure figcaption script style svg"
    " noscript picture source ruby math mi fn o:p x-y"
)
tags = st.sampled_from(TAGS.split())
attributes = st.dictionaries(
    st.sampled_from(["href", "src", "data-src", "srcset", "class", "id", "width", "alt", "style"]),
    words
    | st.sampled_from(["https://a.cn/1.jpg", "//a.cn/x", "#x", "/?https://b.cn", "stock_sz300959"]),
    max_size=3,
)
snippets = st.recursive(
    words
    | st.sampled_from(
        ["<", "&#0;", "&#xD800;", "<!--", "-->", "]]>", "</p>", "</div>", "600519.SH"]
    ),
    lambda inner: st.builds(
        lambda tag, attrs, parts, closed: (
            f"<{tag} "
            + " ".join(f'{name}="{value}"' for name, value in attrs.items())
            + f">{''.join(parts)}"
            + (f"</{tag}>" if closed else "")
        ),
        tags,
        attributes,
        st.lists(inner, max_size=4),
        st.booleans(),
    ),
    max_leaves=15,
)
dates = words | st.sampled_from(
    ["2021-11-26", "Fri, 26 Nov 2021 12:26:04 GMT", "9999999999999", "now"]
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=8,
)
raws = st.fixed_dictionaries(
    {
        "html": snippets,
        "title": st.none() | words,
        "dates": st.lists(st.builds(DateText, dates, words), max_size=2).map(tuple),
        "modified": st.lists(st.builds(DateText, dates, words), max_size=1).map(tuple),
        "authors": st.lists(st.builds(Person, words, st.none() | words), max_size=2).map(tuple),
        "editor": st.none() | words,
        "publisher": st.none() | st.builds(Publisher, words, st.none() | words),
        "tags": st.lists(words, max_size=3).map(tuple),
        "language": st.none() | words,
        "url": st.none() | words | st.just("https://a.cn/x"),
        "base_url": st.none() | words,
        "external_url": st.none() | words,
        "summary": st.none() | words | snippets,
        "image": st.none() | words,
        "attachments": st.lists(
            st.builds(Attachment, words, st.none() | words, st.none() | words), max_size=2
        ).map(tuple),
        "extra": st.dictionaries(words, json_values, max_size=3),
        "warnings": st.lists(words, max_size=1).map(tuple),
    }
)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(raws)
def test_any_input_gives_a_valid_record_or_a_refusal(fields: dict[str, object]) -> None:
    """Nothing but Rejected is raised; the record is JSON, Unicode, and valid by its schema."""
    html = str(fields.pop("html"))
    try:
        made = make(html, **fields).article
    except Rejected:
        return
    encoded = orjson.dumps(made)
    soup = BeautifulSoup(made.content_html, "html.parser")
    shown, text = "".join(soup.get_text().split()), "".join(made.content_text.split())
    if soup.table:  # what stands between its cells is moved before it, as HTML's parsers do
        shown, text = "".join(sorted(shown)), "".join(sorted(text))
    assert shown == text
    _SCHEMA.validate(json.loads(encoded))
    _ARTICLE.validate_json(encoded)
    assert json.loads(encoded) == json.loads(json.dumps(asdict(made), allow_nan=False))
    single = (made.title, made.editor or "", *made.tags, *(author.name for author in made.authors))
    assert not any(char < " " or "\x7f" <= char < "\xa0" for text in single for char in text)
    assert "\u3000\u3000" not in made.content_text
    assert all(line.strip() for line in made.content_text.split("\n")) or not made.content_text


@settings(max_examples=100, deadline=None)
@given(snippets)
def test_the_same_input_has_the_same_identity(html: str) -> None:
    """Normalizing is a function of its input: no clock, no state, no order of calls."""
    try:
        first = make(html, title="题", date="2021-11-26")
    except Rejected:
        return
    again = make(html, title="题", date="2021-11-26")
    assert again.identity == first.identity
    assert again.article == first.article


@settings(max_examples=300, deadline=None)
@given(st.text(st.characters(), max_size=60))
def test_folding_is_idempotent(title: str) -> None:
    """A folded title folds to itself, whatever characters it has."""
    assert fold(fold(title)) == fold(title)
