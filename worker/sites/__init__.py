"""Site rules: how to read the pages and bodies of one site, as data.

A rule is one TOML file in `config/sites/` and has the name of its file (`sina.toml` is `sina`). It
is chosen by what the input has: the host of its URL, its author or publisher, a category, the hosts
of its images (the files of a mirror have no URL). All rules are checked when they are loaded.
`default.toml` is not a site: its `body` and `page.remove` are added to every rule, and it is used
where no other rule matches.
"""

from worker.sites.load import SitesReader, load_sites, open_sites
from worker.sites.rules import DEFAULT, BodyRule, Match, PageRule, SiteRule, Sites

__all__ = [
    "DEFAULT", "BodyRule", "Match", "PageRule", "SiteRule", "Sites", "SitesReader", "load_sites",
    "open_sites",
]  # fmt: skip
