"""The figures of pages: how well an article's text is found by rules, by trafilatura, by both.

The expected text is marked by hand, in words that a person sees: everything shown from the first
words of the article to its last, less what stands between them and is none of it. No selector of
any rule is used for that. Measured is character F1, the order of the text not regarded. The shipped
rules were written with the real pages in view: what "rules alone" tells is that they still fit.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from zoneinfo import ZoneInfo

import trafilatura
from bs4 import BeautifulSoup
from bs4.element import NavigableString

from bench.figure import Figure
from tests.formats.page.test_real import REAL, SAMPLES
from worker.errors import Rejected
from worker.formats import ParseContext
from worker.formats.encoding.decode import decode
from worker.formats.page.parser import parse_page
from worker.model import Document, Profile, RawArticle
from worker.settings import Limits
from worker.sites import Sites, load_sites

ROOT = Path(__file__).resolve().parent.parent
GOLDEN = ROOT / "tests" / "golden" / "page"
LEAST = 0.95


@dataclass(frozen=True, slots=True)
class Marked:
    """A page's text, and the words between which its article stands.

    `until` tells which of several places of the last words, after the first, is the end.
    """

    name: str
    text: str
    first: str
    last: str
    until: int = 1
    noise: tuple[str, ...] = ()

    def article(self) -> str:
        """The expected text, without white space."""
        shown = _shown(self.text)
        start = end = shown.rindex(_squeezed(self.first))
        last = _squeezed(self.last)
        for _ in range(self.until):
            end = shown.index(last, end) + len(last)
        found = shown[start:end]
        for words in self.noise:
            found = found.replace(_squeezed(words), "")
        return found


def pages(quick: bool, say: Callable[[str], None]) -> list[Figure]:
    """F1 over real pages and over our own; nothing is timed, so `quick` is the same."""
    figures: list[Figure] = []
    for kind, marked in (("real", list(_real())), ("own", list(_own()))):
        if not marked:
            say(f"pages: no {kind} pages here ({SAMPLES.name} is not beside the project)")
            continue
        say(f"pages: {len(marked)} {kind} pages")
        figures += _figures(kind, marked)
    return figures


_UNTIL = {"guancha__2.html": 2, "thepaper__2.html": 2}
_NOISE = {"people__1.html": ("【1】【2】【3】【4】",)}
_OWN = {
    "extracted": ("九月一日清晨六点半", "低年级学生会减少一半以上。", ()),
    "opengraph": ("La fête du port aura lieu", "du mois d'avril sur place.", ()),
    "sina": ("夜间的货运站。", "责任编辑：方一平", ("海量资讯、精准解读，尽在新浪财经APP",)),
}
"""The golden pages that show their text (the others' is in JSON-LD, or they have none)."""
_HIDDEN = "script, style, noscript, template, iframe, textarea, select, button"
_ZONE = ZoneInfo("Asia/Shanghai")
_NOT_BY_RULE = ("no site rule", "found no body", "JSON-LD")


def _real() -> Iterator[Marked]:
    for name, seen in REAL.items() if SAMPLES.is_dir() else ():
        text = decode((SAMPLES / name).read_bytes()).text
        until, noise = _UNTIL.get(name, 1), _NOISE.get(name, ())
        yield Marked(name, text, seen.first, seen.last, until, noise)


def _own() -> Iterator[Marked]:
    for name, (first, last, noise) in _OWN.items():
        text = decode((GOLDEN / f"{name}.in").read_bytes()).text
        yield Marked(name, text, first, last, noise=noise)


def _figures(kind: str, marked: list[Marked]) -> list[Figure]:
    sites = load_sites([ROOT / "config" / "sites"])
    ways: dict[str, Callable[[str], str]] = {
        "rules alone": lambda text: _by_rules(text, sites),
        "trafilatura alone": _by_trafilatura,
        "no rule, two extractors and a vote": lambda text: _found(text, Sites(())),
        "both": lambda text: _found(text, sites),
    }
    scores = {
        way: {page.name: round(_f1(read(page.text), page.article()), 4) for page in marked}
        for way, read in ways.items()
    }
    best_alone = max(mean(scores[way].values()) for way in ("rules alone", "trafilatura alone"))
    figures = []
    for way, of in scores.items():
        found, lowest = mean(of.values()), min(of.values())
        least = max(LEAST, best_alone) if way == "both" else 0.0
        figures.append(
            Figure(
                f"article text on {len(of)} {kind} pages, character F1, {way}",
                f"{found:.3f} (lowest {lowest:.3f})",
                f"≥ {least:.3f}" if least else "–",
                found >= least,
                found,
            )
        )
    return figures


def _by_rules(text: str, sites: Sites) -> str:
    article = _article(text, sites)
    if article is None or article.site is None:
        return ""
    missed = any(words in warning for warning in article.warnings for words in _NOT_BY_RULE)
    return "" if missed else _shown(article.html)


def _by_trafilatura(text: str) -> str:
    return _squeezed(trafilatura.extract(text, include_comments=False) or "")


def _found(text: str, sites: Sites) -> str:
    article = _article(text, sites)
    return _shown(article.html) if article else ""


def _article(text: str, sites: Sites) -> RawArticle | None:
    """As newsdrop parses a page that was dropped without its address."""
    profile = Profile("bench", _ZONE, _ZONE)
    try:
        (found,) = parse_page(text, Document(b""), ParseContext(profile, sites, Limits()))
    except Rejected:
        return None
    return found if isinstance(found, RawArticle) else None


def _shown(html: str) -> str:
    soup = BeautifulSoup(html, "lxml")
    for hidden in soup.select(_HIDDEN):
        hidden.extract()
    runs = soup.body.find_all(string=True) if soup.body else []
    return _squeezed("".join(run for run in runs if type(run) is NavigableString))


def _squeezed(text: str) -> str:
    return "".join(text.split())


def _f1(text: str, expected: str) -> float:
    both = (Counter(text) & Counter(expected)).total()
    return 2 * both / (len(text) + len(expected)) if text or expected else 1.0
