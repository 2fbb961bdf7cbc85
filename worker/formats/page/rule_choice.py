"""The site rule of a page: by its source, its host, its publisher, or most of its links."""

from collections import Counter
from itertools import islice

from worker.formats.context import ParseContext
from worker.formats.page.links import host_of
from worker.formats.page.metadata import PageMetadata
from worker.formats.page.tree import Element
from worker.formats.values import is_absolute
from worker.sites import DEFAULT, SiteRule, Sites

_MAX_LINKS = 5_000


def choose_rule(
    tree: Element, url: str | None, meta: PageMetadata, context: ParseContext
) -> SiteRule | None:
    """The source's own rule, the rule of the page's host, else the one its addresses point to."""
    sites = context.sites
    if context.profile.site:
        return sites.named(context.profile.site)
    if url:
        return sites.of_host(host_of(url))
    if meta.publisher:
        rule = sites.choose(publisher=meta.publisher.name)
        if rule and rule.name != DEFAULT:
            return rule
    return _rule_of_links(tree, sites)


def _rule_of_links(tree: Element, sites: Sites) -> SiteRule | None:
    """The rule of most links: a page saved without its address mostly links to its own site."""
    elements = islice(tree.iter("a", "img", "link", "script"), _MAX_LINKS)
    hosts = Counter(filter(None, map(_host, elements)))
    votes: Counter[str] = Counter()
    for host, count in hosts.items():
        if rule := sites.of_host(host) or sites.of_image_host(host):
            votes[rule.name] += count
    if not votes:
        return None
    name, count = votes.most_common(1)[0]
    return sites.named(name) if count * 2 > hosts.total() else None


def _host(element: Element) -> str | None:
    address = element.get("href") or element.get("src") or ""
    return host_of(address) if is_absolute(address) else None
