"""What holds for the articles of any input: how many, how large, how many may be bad."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from worker.errors import Reason, Rejected
from worker.model import RawArticle, Refusal
from worker.parse.body import too_large
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
            raise Rejected(
                Reason.TOO_MANY,
                f"the file holds more than {limits.articles} articles (limits.articles): split it",
            )
        refused += isinstance(article, Refusal)
        if refused > MAX_REFUSALS:
            raise Rejected(
                Reason.TOO_MANY,
                f"more than {MAX_REFUSALS} of the file's articles are bad, and those after them "
                "were not read: mend the file and drop it again",
            )
        yield article


def fitting(
    articles: Iterable[RawArticle | Refusal], warnings: tuple[str, ...]
) -> Iterator[RawArticle | Refusal]:
    """The articles with the warnings of their text's decoding; one too large is refused alone."""
    for article in articles:
        if isinstance(article, Refusal):
            yield article
        elif problem := too_large(article.html):
            yield Refusal(Reason.TOO_LARGE, problem, article.html.encode("utf-8", "replace"))
        elif warnings:
            yield replace(article, warnings=(*warnings, *article.warnings))
        else:
            yield article
