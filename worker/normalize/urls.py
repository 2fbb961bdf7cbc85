"""Addresses: absolute, safe, canonical, and without the proxy of a mirror."""

import re
from collections.abc import Collection
from ipaddress import ip_address
from unicodedata import category, normalize
from urllib.parse import unquote, urljoin, urlsplit, urlunsplit

from worker.normalize.strings import clean_text

LONGEST = 4096
"""Characters; longer ones are data, not addresses."""

# A proxy whose whole query is the address: the mirror's for http images
# (`https://cors.zfour.workers.dev/?http://…`), and similar ones.
_PROXIED = re.compile(r"https?://[^/?#]+/\?(?:url=)?(https?(?:://|%3a%2f%2f).+)", re.IGNORECASE)
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
# A valid address, the usual case: one match, a third of the cost.
_PLAIN = re.compile(
    r"https?://[a-z0-9-]+(?:\.[a-z0-9-]+)+(?<=[a-z])(?:/(?!\?)[!#-;=?-\[\]_a-z~]*)?"
)
_DOTS = re.compile("[.\u3002\uff0e\uff61]")
_LABEL = re.compile("[a-z0-9_\\x80-\U0010ffff-]*")
_BREAKS = re.compile(r"[\t\r\n]+")  # the URL standard drops them: `java\nscript:` is a script
_SAFE = ("http://", "https://", "mailto:")

# Addresses that are canonical already: nearly all.
_CANONICAL = re.compile(r"https?://[a-z0-9.-]+/[^?#]*")
# Parameters that name a campaign, a click or a reader, not the article: those that AdGuard's list
# of tracking parameters and ClearURLs have for all sites, and those of WeChat and Weibo.
_TRACKING = re.compile(
    r"""(?: (?:utm|itm|mtm|hsa|oly|vero|stm|wt|amp)_\w+ | wt\.\w+ | usqp | xtor | cmpid | ncid
      | (?:pk|piwik|matomo)_(?:campaign|kwd|keyword|source|medium|content|cid) | ocid
      | at_(?:medium|campaign|custom\d|creation|variant|format|platform|link_\w+)
      | (?:fb|g|d|y|ys|tw|tt)clid | (?:msclk|gbra|wbra|igsh)id | gclsrc | igsh | li_fat_id
      | mkt_tok | mc_[ce]id | _g[al] | _hs(?:enc|mi) | __hs\w\w
      | ns_(?:campaign|mchannel|source|linkname) | rb_clickid | s_cid | bd_vid | spm | nsukey
      | isappinstalled | sudaref
      | share_(?:source|medium|from|token|app_id|platform|tag|times) )""",
    re.IGNORECASE | re.VERBOSE,
)
_WAY_HERE = re.compile(
    r"amp(?:=(?:1|true|yes)?)?|outputtype=amp|(?:ref|source|src|from|via|feature|cmp|origin|partner)="
    r"(?:rss|atom|feed|feedburner|rss_?feed|newsletter|twitter|facebook|weibo|wechat|weixin"
    r"|singlemessage|groupmessage|timeline)",
    re.IGNORECASE,
)
_AMP_CACHE = re.compile(
    r"https?://(?:www\.google\.[a-z.]{2,6}/amp|[^/]+\.(?:cdn\.ampproject\.org|bing-amp\.com)/[acvi])"
    r"/(s/)?([a-z0-9-]+\.[^?#]+)",
    re.IGNORECASE,
)
_REDIRECTED = re.compile(  # a link of Google's Alerts
    r"https?://www\.google\.[a-z.]{2,6}/url\?(?:[^#]*?&)?(?:url|q)=(https?(?:://|%3a%2f%2f)[^&#]+)",
    re.IGNORECASE,
)
_AMP_ROOT = re.compile(r"^/amp(?=/|$)")
_AMP_PATH = re.compile(r"/amp(/?)$|\.amp(\.html)?$")
_INDEX = re.compile(r"/(?:index|default)\.(?:s?html?|php|aspx?|jsp)$", re.IGNORECASE)
_LABELS = re.compile(
    r"^(?:(?:www|m|wap|3g|h5|mobile|touch|amp)\.(?=[^.]+\.))+|(?<=\.)m\.(?=[^.]+\.)"
)
# A file, a number of four digits that is no year, three words with dashes, or CJK letters. Words
# are looked for from a dash on: from each letter on, a name of 4,000 letters took a minute.
_ARTICLE_NAME = re.compile(
    r"\.(?:s?html?|php|aspx?|jsp|d)$|\d{5}|(?<!\d)(?!20\d\d)\d{4}(?!\d)"
    r"|(?<=[^-_])[-_][^-_a-z]*[a-z][^-_]*[-_].|%[eE][4-9]|[\u4e00-\u9fff]{4}"
)
# Fragments that name a place on the page, or the way to it, not the article.
_PLACE = re.compile(
    r"(?:comments?(?:[-_]?\d+)?|respond|disqus_thread|top|content|main|more-\d+|rss|:~:text=.*"
    r"|(?:xtor|utm_\w+|ref|from)=.*)?$",
    re.IGNORECASE,
)
_PAGE_FORM = re.compile(r"[/.]amp|ampproject", re.IGNORECASE)
_DEFAULT_PORTS = {"http": 80, "https": 443}


def absolute(address: str | None, base: str | None = None) -> str | None:
    """`address` as an http, https or mailto address, or None.

    None for a relative one without `base`, a fragment (`#note`), scripts and data. `//host/…`
    becomes https.
    """
    if not address:
        return None
    if len(address) <= LONGEST and _PLAIN.fullmatch(address) and "xn--" not in address:
        return address
    address = _without_controls(address)
    if not address or address.startswith("#"):
        return None
    if address.startswith("//"):
        address = f"https:{address}"
    elif not _SCHEME.match(address):
        address = _joined(base, address)
    if proxied := "/?" in address and _PROXIED.match(address):
        inner = proxied[1]
        address = inner if "://" in inner[:8] else _without_controls(unquote(inner))
    address = address.replace(" ", "%20")
    if not address.lower().startswith(_SAFE) or len(address) > LONGEST:
        return None
    return address if address.lower().startswith("mailto:") or _has_host(address) else None


def _without_controls(address: str) -> str:
    return _BREAKS.sub("", clean_text(address)).strip()


def web_address(address: str | None, base: str | None = None) -> str | None:
    """`absolute`, but http and https only."""
    url = absolute(address, base)
    return None if url is None or url[:7].lower() == "mailto:" else url


def canonical_address(address: str, secure_hosts: Collection[str] = ()) -> str:
    """The one form of an http address: without tracking parameters, default port and fragments
    such as `#comments`, and the page itself for an AMP page or a link of Google's Alerts, as far
    as the address alone shows it.

    An address with none of these stays as it is written, and so do other fragments: entries of one
    page have them. `http` becomes `https` on `secure_hosts` only: others may not have it. A mobile
    host stays, because the paths of the desktop host may be others: `rel=canonical` has them.
    """
    if not secure_hosts and _CANONICAL.fullmatch(address) and not _PAGE_FORM.search(address):
        return address
    if redirected := _REDIRECTED.match(address):
        address = web_address(unquote(redirected[1])) or address
    if cached := _AMP_CACHE.match(address):
        page = f"http{'s' if cached[1] else ''}://{cached[2]}"
        address = web_address(page) or address
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return address
    scheme, netloc = parts.scheme, parts.netloc
    if "@" not in netloc and "[" not in netloc:
        is_default = port in (None, _DEFAULT_PORTS.get(scheme))
        netloc = host if is_default else f"{host}:{port}"
        scheme = "https" if is_default and host in secure_hosts else scheme
    path = parts.path
    if (amp := _AMP_PATH.search(path)) and is_article_path(path[: amp.start()]):
        path = path[: amp.start()] + (amp[1] or amp[2] or "")
    query = "&".join(filter(_is_of_article, parts.query.split("&")))
    fragment = "" if _PLACE.match(parts.fragment) else parts.fragment
    canonical = urlunsplit((scheme, netloc, path, query, fragment))
    return address if canonical.lower() == address.lower() else canonical


def address_key(address: str) -> str | None:
    """The key by which addresses of one article are compared: the canonical form without scheme,
    `www.`, the labels of mobile and AMP hosts, `index.html`, fragments and the order of parameters.

    None for a front page: many articles may have it as their address.
    """
    try:
        parts = urlsplit(canonical_address(address))
    except ValueError:
        return None
    route = parts.fragment if parts.fragment.startswith(("!", "/")) else ""  # of a script
    if not parts.path.strip("/") and not parts.query and not route:
        return None
    path = _AMP_ROOT.sub("", parts.path)
    path = (path if parts.query else _INDEX.sub("/", path)).rstrip("/")
    query = "&".join(sorted(parts.query.split("&")))
    return f"{_LABELS.sub('', parts.netloc.lower())}{path or '/'}?{query}#{route}"


def is_article_path(path: str) -> bool:
    """Whether the name at the end of a path is one article's, rather than a section's."""
    return _ARTICLE_NAME.search(path.rstrip("/").rpartition("/")[2]) is not None


def host_of(address: str) -> str | None:
    """The host, in lower case; None where there is none or the address is malformed."""
    try:
        return urlsplit(address).hostname
    except ValueError:
        return None


def _has_host(address: str) -> bool:
    """Whether an http address has a host, and port, that a browser accepts (URL standard, 3.5):
    what is none would be taken for a path, or be dropped, by whoever shows the record."""
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname or "", parts.port
        labels = _DOTS.split(host.removesuffix("."))
        if ":" in host or labels[-1].isdigit():
            return bool(ip_address(host))
    except ValueError:
        return False
    return host != "" and all(map(_is_label, labels))


def _is_label(label: str) -> bool:
    """Whether a part of a host has letters, digits, signs such as emoji, `-` and `_` alone."""
    if label.startswith("xn--"):
        try:
            label = label[4:].encode("ascii").decode("punycode")
        except UnicodeError:
            return False
        if label.isascii() or normalize("NFKC", label.lower()) != label:
            return False
    if not _LABEL.fullmatch(label):
        return False
    kinds = [category(char) for char in label if not char.isascii()]
    return all(kind == "So" or kind[0] in "LMN" for kind in kinds) and not (
        category(label[:1] or "-").startswith("M") or "\ufffd" in label
    )


def _joined(base: str | None, address: str) -> str:
    try:
        return urljoin(base, address) if base else ""
    except ValueError:
        return ""


def _is_of_article(parameter: str) -> bool:
    name = parameter.partition("=")[0]
    return bool(parameter) and not (_TRACKING.fullmatch(name) or _WAY_HERE.fullmatch(parameter))
