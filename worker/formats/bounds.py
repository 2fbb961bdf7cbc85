"""What holds for the articles of any input: how many, how large, how many may be bad."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from worker.errors import Reason, Rejected
from worker.formats.body import too_large
from worker.model import RawArticle, Refusal
from worker.settings import Limits

MAX_REFUSALS = 1_000
"""Of one file: each is a folder in the quarantine, durably. A line break in every field of an
NDJSON file, or an archive of pictures, would make a hundred thousand."""


def bounded(
    articles: Iterable[RawArticle | Refusal], limits: Limits
) -> Iterator[RawArticle | Refusal]:
    """The articles of one input; raises Rejected (`too_many`) at the first one too many."""
    refused = 0
    for number, article in enumerate(articles):
        if number >= limits.articles:
            raise too_many(limits)
        refused += isinstance(article, Refusal)
        if refused > MAX_REFUSALS:
            raise too_many_bad()
        yield article


def too_many(limits: Limits) -> Rejected:
    """For a file of more articles than it may hold."""
    return Rejected(
        Reason.TOO_MANY,
        f"the file holds more than {limits.articles} articles (limits.articles): split it",
    )


def too_many_bad() -> Rejected:
    """For a file of which more than MAX_REFUSALS articles are bad."""
    return Rejected(
        Reason.TOO_MANY,
        f"more than {MAX_REFUSALS} of the file's articles are bad, and those after them "
        "were not read: mend the file and drop it again",
    )


def fitting(article: RawArticle | Refusal, warnings: tuple[str, ...]) -> RawArticle | Refusal:
    """An article with the warnings of its text's decoding; refused where it is too large."""
    if isinstance(article, Refusal):
        return article
    if problem := too_large(article.html):
        return Refusal(Reason.TOO_LARGE, problem, article.html.encode("utf-8", "replace"))
    return replace(article, warnings=(*warnings, *article.warnings)) if warnings else article
