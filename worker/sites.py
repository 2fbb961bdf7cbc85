"""Site rules: what is known of one site's pages and bodies, as sorted data.

A rule is one TOML file in `config/sites/`. It is chosen by what the input has: the host of its
URL, its author or publisher, a category, the hosts of its images (the mirror's files have no
URL). The whole set is checked when it is loaded.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Match:
    """When a rule is chosen; any one of these is enough. Hosts match their subdomains too."""

    hosts: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    image_hosts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PageRule:
    """How the article is found on a whole page: CSS selectors for bs4, first match wins."""

    content: tuple[str, ...] = ()
    title: tuple[str, ...] = ()
    author: tuple[str, ...] = ()
    date: tuple[str, ...] = ()
    publisher: tuple[str, ...] = ()
    next_page: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BodyRule:
    """How a body is cleaned; selectors are CSS, read by lxml.

    `bold` becomes ``<strong>``. `editor` are regular expressions whose first group is the
    editor's name; a paragraph that matches one as a whole is removed. `drop_text` are regular
    expressions of paragraphs that are noise. `ignore_images` are substrings of image addresses
    that are adverts or random covers.
    """

    remove: tuple[str, ...] = ()
    bold: tuple[str, ...] = ()
    editor: tuple[str, ...] = ()
    drop_text: tuple[str, ...] = ()
    caption: tuple[str, ...] = ()
    ignore_images: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SiteRule:
    """One site. `outlets` are names that stand in author fields but are publishers."""

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
