"""Site rules: what is known of one site's pages and bodies, as sorted data.

A rule is one TOML file in `config/sites/`, named for its file (`sina.toml` is `sina`). It is
chosen by what the input has: the host of its URL, its author or publisher, a category, the hosts
of its images (the mirror's files have no URL). The whole set is checked when it is loaded.
`default.toml` is no site: its `body` and `page.remove` are added to every rule, and it stands in
where no other rule fits.

=========  ========================================
``rules``  what a rule can say, and which is chosen
``load``   rules out of TOML files, checked whole
=========  ========================================
"""

from worker.sites.load import load_sites, open_sites
from worker.sites.rules import DEFAULT, BodyRule, Match, PageRule, SiteRule, Sites

__all__ = [
    "DEFAULT",
    "BodyRule",
    "Match",
    "PageRule",
    "SiteRule",
    "Sites",
    "load_sites",
    "open_sites",
]
