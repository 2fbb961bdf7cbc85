"""The context of every parser beside the text, and the limits on the articles of one input."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from worker.errors import Reason, Rejected
from worker.formats.body import too_large
from worker.model import Profile, RawArticle, Refusal
from worker.model.frozen import dataclass
from worker.model.warning import RecordWarning
from worker.settings import Limits
from worker.sites import Sites

MAX_REFUSALS = 1_000
"""Refusals of one file: each is an outcome that lists show. A line break in every field of an
NDJSON file, or an archive of pictures, would make a hundred thousand."""

Parsed = Iterator[RawArticle | Refusal]
"""The articles of an input in order; a Refusal for each bad one among them."""

LookUp = Callable[[Sequence[bytes]], Sequence[bool]]
"""Whether each entry of a feed is known, by its content."""


@dataclass(frozen=True, slots=True)
class ParseContext:
    """How to parse: the source's profile, the site rules, and the limits on an input."""

    profile: Profile
    sites: Sites
    limits: Limits


def limit_articles(articles: Iterable[RawArticle | Refusal], limits: Limits) -> Parsed:
    """The articles of one input; raises Rejected (`too_many`) at the first one too many."""
    refusal_count = 0
    for number, article in enumerate(articles):
        if number >= limits.articles:
            raise too_many(limits)
        refusal_count += isinstance(article, Refusal)
        if refusal_count > MAX_REFUSALS:
            raise too_many_refusals()
        yield article


def too_many(limits: Limits) -> Rejected:
    """For a file with more than `limits.articles` articles."""
    return Rejected(
        Reason.TOO_MANY,
        f"the file holds more than {limits.articles} articles (limits.articles): split it",
    )


def too_many_refusals() -> Rejected:
    """For a file with more than MAX_REFUSALS bad articles."""
    return Rejected(
        Reason.TOO_MANY,
        f"more than {MAX_REFUSALS} of the file's articles are bad, and those after them "
        "were not read: repair the file and drop it again",
    )


def check_article(
    article: RawArticle | Refusal, warnings: tuple[RecordWarning, ...]
) -> RawArticle | Refusal:
    """`article` with the warnings of the decoder, or a Refusal if its body is too large."""
    if isinstance(article, Refusal):
        return article
    if problem := too_large(article.html):
        return Refusal(Reason.TOO_LARGE, problem)
    return replace(article, warnings=(*warnings, *article.warnings)) if warnings else article
