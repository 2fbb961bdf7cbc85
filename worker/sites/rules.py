"""The keys of a rule, and which rule is chosen."""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from hashlib import blake2b
from urllib.parse import urlsplit

from pydantic import ConfigDict

DEFAULT = "default"
"""The rule that is added to every other one."""

_STRICT = ConfigDict(extra="forbid")  # a misspelt key is an error


@dataclass(frozen=True, slots=True)
class Match:
    """When a rule is chosen: one match is enough. Hosts match their subdomains, too."""

    __pydantic_config__ = _STRICT

    hosts: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    image_hosts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PageRule:
    """Where the article is on a whole page: CSS selectors for bs4; the first match wins.

    For `author`, every element of the first matching selector is a name; for `date`, each selector
    gives a date, the most trusted first. `remove` is cut from the content. The link found by
    `next_page` is followed when pages are fetched; for a page in a file it becomes a warning.
    Where a page that is fetched again has an element that `removed` matches, its article is
    withdrawn.
    """

    __pydantic_config__ = _STRICT

    content: tuple[str, ...] = ()
    title: tuple[str, ...] = ()
    author: tuple[str, ...] = ()
    date: tuple[str, ...] = ()
    publisher: tuple[str, ...] = ()
    editor: tuple[str, ...] = ()
    next_page: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BodyRule:
    """How a body is cleaned; selectors are CSS, read by turbohtml.

    `bold` becomes ``<strong>``. `editor` are regular expressions whose first group is the
    editor's name; a paragraph that matches one as a whole is removed. `author` are regular
    expressions over the HTML, whose first group is an author's name. `drop_text` are regular
    expressions of paragraphs that are noise. `ignore_images` are substrings of image addresses
    that are adverts or random covers.
    """

    __pydantic_config__ = _STRICT

    remove: tuple[str, ...] = ()
    bold: tuple[str, ...] = ()
    editor: tuple[str, ...] = ()
    drop_text: tuple[str, ...] = ()
    caption: tuple[str, ...] = ()
    author: tuple[str, ...] = ()
    ignore_images: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SiteRule:
    """One site. `outlets` are names in author fields that are publishers."""

    __pydantic_config__ = _STRICT

    name: str
    match: Match = field(default_factory=Match)
    publisher: str | None = None
    publisher_url: str | None = None
    outlets: tuple[str, ...] = ()
    time_zone: str | None = None
    language: str | None = None
    title_suffixes: tuple[str, ...] = ()
    page: PageRule = field(default_factory=PageRule)
    body: BodyRule = field(default_factory=BodyRule)
    tickers: bool = False


@dataclass(frozen=True)
class Sites:
    """A set of rules, indexed once: a look-up costs a few dictionary reads."""

    rules: tuple[SiteRule, ...] = ()
    _by_name: dict[str, SiteRule] = field(init=False, repr=False, compare=False)
    _by_host: dict[str, SiteRule] = field(init=False, repr=False, compare=False)
    _by_author: dict[str, SiteRule] = field(init=False, repr=False, compare=False)
    _by_category: dict[str, SiteRule] = field(init=False, repr=False, compare=False)
    _by_image_host: dict[str, SiteRule] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        rules = sorted(self.rules, key=lambda rule: rule.name, reverse=True)  # first name wins
        for name, index in {
            "_by_name": {rule.name: rule for rule in rules},
            "_by_host": {host.lower(): rule for rule in rules for host in rule.match.hosts},
            "_by_author": {
                folded_name(name): rule for rule in rules for name in outlet_names(rule)
            },
            "_by_category": {
                folded_name(tag): rule for rule in rules for tag in rule.match.categories
            },
            "_by_image_host": {
                host.lower(): rule for rule in rules for host in rule.match.image_hosts
            },
        }.items():
            object.__setattr__(self, name, index)

    def __iter__(self) -> Iterator[SiteRule]:
        return iter(self.rules)

    @cached_property
    def revision(self) -> str:
        """Eight hexadecimal digits that change with every key of every rule."""
        return blake2b(repr(self.rules).encode(), digest_size=4).hexdigest()

    def named(self, name: str) -> SiteRule | None:
        return self._by_name.get(name)

    def of_host(self, host: str | None) -> SiteRule | None:
        """The rule of a host or of the nearest domain above it (`k.sina.cn` → `sina.cn`)."""
        return _of_domain(self._by_host, host)

    def of_image_host(self, host: str | None) -> SiteRule | None:
        """The rule of a host that serves a site's pictures."""
        return _of_domain(self._by_image_host, host)

    def choose(
        self,
        *,
        url: str | None = None,
        publisher: str | None = None,
        authors: Iterable[str] = (),
        tags: Iterable[str] = (),
        image_hosts: Iterable[str] = (),
    ) -> SiteRule | None:
        """The rule that matches best, by the first of these that has one:

        1. the host of `url`; of several rules the one with the longest domain,
        2. the first of `publisher`, then `authors`, that is a rule's author, outlet or publisher,
        3. the first of `tags` that is a rule's category,
        4. the hosts of the images: the rule that most of them name, then the one named first,
        5. the rule `default`, if there is one.

        Whole names are compared, regardless of width (NFKC), case and outer white space.
        """
        by_host = self.of_host(_host(url))
        for name in (publisher, *authors):
            by_host = by_host or (self._by_author.get(folded_name(name)) if name else None)
        if by_host is None and self._by_category:
            by_host = next(
                filter(None, (self._by_category.get(folded_name(tag)) for tag in tags)), None
            )
        if by_host is None:
            candidates = map(self.of_image_host, image_hosts)
            votes = Counter(rule.name for rule in candidates if rule)
            by_host = self.named(votes.most_common(1)[0][0]) if votes else None
        return by_host or self.named(DEFAULT)


def outlet_names(rule: SiteRule) -> tuple[str, ...]:
    """The names of a site in author fields: an outlet, not a person."""
    return (*rule.match.authors, *rule.outlets, *((rule.publisher,) if rule.publisher else ()))


def folded_name(name: str) -> str:
    """The form in which names are compared, regardless of width and case.

    Sixteen names an article, the same ones again and again: those of ordinary length are cached.
    """
    return _folded(name) if len(name) <= 100 else _folded.__wrapped__(name)


@lru_cache(maxsize=4096)
def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", name).strip().casefold()


def _host(url: str | None) -> str | None:
    try:
        return urlsplit(url).hostname if url else None
    except ValueError:  # `http://[` and the like
        return None


def _of_domain(index: Mapping[str, SiteRule], host: str | None) -> SiteRule | None:
    domain = (host or "").lower().rstrip(".")
    while domain:
        if rule := index.get(domain):
            return rule
        domain = domain.partition(".")[2]
    return None
