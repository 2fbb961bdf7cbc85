"""Filters of lists: the same names in addresses of pages, in the API and on the command line."""

import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Literal, get_args

from worker.errors import UsageError
from worker.escape import printable
from worker.model.warning import require_kind
from worker.readmodel.decision import ARTICLE, MAX_FACET, NEAR_DUPLICATE
from worker.readmodel.words import fold_parts, parse_words

OutcomeFilter = Literal["published", "revised", "withdrawn", "duplicate", "rejected", "any"]
OUTCOMES = get_args(OutcomeFilter)
_DATE = re.compile(r"\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?")


@dataclass(frozen=True, slots=True)
class Filters:
    """The filters of a list; None does not filter. `q` are words of title and text, `date` is
    `YYYY`, `YYYY-MM` or `YYYY-MM-DD`, `warning` the kind of one, `story` an id. `first_of_story` is
    `true`: no near-duplicates. Without `outcome` only what was published or revised."""

    q: str | None = None
    source: str | None = None
    feed: str | None = None
    job: str | None = None
    tag: str | None = None
    ticker: str | None = None
    language: str | None = None
    publisher: str | None = None
    date: str | None = None
    warning: str | None = None
    story: str | None = None
    first_of_story: str | None = None
    outcome: str | None = None

    def __post_init__(self) -> None:
        if self.q is not None:
            parse_words(self.q)
        if self.date is not None and not _DATE.fullmatch(self.date):
            raise UsageError(
                f"{printable(self.date, 40)} is not a date to filter by: write it as 2021, 2021-11 "
                "or 2021-11-26"
            )
        if self.outcome is not None and self.outcome not in OUTCOMES:
            raise UsageError(
                f"{printable(self.outcome, 40)} is not an outcome: "
                f"write one of {', '.join(OUTCOMES)}"
            )
        if self.first_of_story not in (None, "true"):
            raise UsageError("this is not a value of first_of_story: write `true`, or leave it out")
        if self.warning is not None:
            require_kind(self.warning)

    def __bool__(self) -> bool:
        return any(value is not None for value in asdict(self).values())

    def active(self) -> dict[str, str]:
        """The filters that are set, by name."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    def facets(self) -> tuple[tuple[str, str], ...]:
        """(kind, text) of everything that a decision must have."""
        texts = self._texts()
        if texts.setdefault("outcome", ARTICLE) == "any":
            del texts["outcome"]
        return tuple(texts.items())

    def excluded_facets(self) -> tuple[tuple[str, str], ...]:
        """(kind, text) of what a decision must not have."""
        return (NEAR_DUPLICATE,) if self.first_of_story else ()

    def _texts(self) -> dict[str, str]:
        values = self.active()
        return {
            n: text[:MAX_FACET] for n, text in values.items() if n not in ("q", "first_of_story")
        }

    def accept(self, facets: Iterable[tuple[str, str]], *texts: str) -> bool:
        """Whether something with these facets and texts passes, for lists that are not in the read
        model. Without `outcome` any outcome does."""
        wanted, present = set(self._texts().items()) - {("outcome", "any")}, set(facets)
        if not wanted <= present or not present.isdisjoint(self.excluded_facets()):
            return False
        folded = fold_parts(*texts) if self.q is not None else ""
        return self.q is None or all(word in folded for word in parse_words(self.q))
