"""Securities that an article names: in its text, its links, and a site's markup."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import lru_cache

from worker.model import Link, Ticker, TickerOrigin
from worker.normalize.body.fragment import Body
from worker.normalize.body.walk import TickerHint
from worker.normalize.strings import one_line
from worker.normalize.tickers.markets import CODE_MARKETS, MAINLAND, american, named
from worker.normalize.tickers.names import can_be_symbol, name_before
from worker.normalize.tickers.text import in_text

_SINA_CODE = re.compile(r"(sh|sz|bj|hk)(\d{5,6})(?!\d)", re.IGNORECASE)
_SINA_LINK = re.compile(
    r"finance\.sina\.(?:com\.)?cn/(?:realstock/company/(?P<cn>(?:sh|sz|bj)\d{6})/"
    r"|hkstock/quotes/(?P<hk>\d{5})|usstock/quotes/(?P<us>[A-Za-z.]{1,6})\.html)"
)
_SINA_COMMENT = re.compile(r"<!--\s*news_keyword_pub,\s*stock,([^<>]{0,2000}?)-->")
_SINA_US = re.compile(r"(?:us|gb)_([A-Za-z.]{1,6})")

_STRONGEST_FIRST = (
    *(TickerOrigin.TEXT, TickerOrigin.LINK, TickerOrigin.AUTO_LINK, TickerOrigin.COMMENT),
)
_MAX_TICKERS = 500


def find_tickers(body: Body, html: str) -> tuple[Ticker, ...]:
    """The securities of `body`, each once, with its strongest origin and its first name.

    Those in the site's markup come first, in order, then those in its comment in `html` (the
    original body; empty where the site has no such comments), those in links to quotations, and
    those only in the text."""
    tickers: dict[str, Ticker] = {}
    for ticker in _all_in(body, html):
        first = tickers.get(ticker.symbol)
        if first is None:
            if len(tickers) < _MAX_TICKERS:
                tickers[ticker.symbol] = ticker
            continue
        best = min(first, ticker, key=lambda item: _STRONGEST_FIRST.index(item.origin))
        name, exchange = first.name or ticker.name, first.exchange or ticker.exchange
        if (best.name, best.exchange) != (name, exchange):
            best = replace(best, name=name, exchange=exchange)
        tickers[ticker.symbol] = best
    return tuple(tickers.values())


def _all_in(body: Body, html: str) -> Iterator[Ticker]:
    yield from _in_markup(body, html)
    yield from _in_links(body.links)
    yield from in_text(body.text)


# ── in Sina's markup ────────────────────────────────────────────────────────────────────────


def _in_markup(body: Body, html: str) -> Iterator[Ticker]:
    symbols: set[str] = set()
    for hint in body.ticker_hints:
        ticker = _of_hint(hint)
        # A span around a link adds nothing to the link, which has the origin.
        if ticker and (hint.href or ticker.symbol not in symbols):
            symbols.add(ticker.symbol)
            yield ticker
    word = html.find("news_keyword_pub")  # a tenth of the expression's search for each `<!--`
    start = html.rfind("<!--", 0, word) if word >= 0 else -1
    for match in _SINA_COMMENT.finditer(html, start) if start >= 0 else ():
        for code in match[1].replace("amp;", "").split("&"):
            if ticker := _of_code(code.strip(), None, TickerOrigin.COMMENT):
                yield ticker


def _of_hint(hint: TickerHint) -> Ticker | None:
    """From a link to a quote, or a span `stock_sz300959`. Sina's script links ordinary words that
    are also a company's name; those links have its class and its tracking word."""
    is_auto = "keyword" in hint.css_class.split() and hint.tracking.startswith(
        "content_marketkeywords"
    )
    origin = TickerOrigin.AUTO_LINK if is_auto else TickerOrigin.LINK
    name = one_line(hint.text, 100) or None
    if hint.href and (match := _SINA_LINK.search(hint.href)):
        code = match["cn"] or (f"hk{match['hk']}" if match["hk"] else f"us_{match['us']}")
        return _of_code(code, name, origin)
    return _of_code(hint.id.removeprefix("stock_"), name, origin) if hint.id else None


@lru_cache(maxsize=4096)  # an article names a share up to four times, others name it again
def _of_code(code: str, name: str | None, origin: TickerOrigin) -> Ticker | None:
    if match := _SINA_CODE.fullmatch(code):
        return named(match[2], CODE_MARKETS[match[1].upper()], name, origin)
    if match := _SINA_US.fullmatch(code):
        return american(match[1], None, name, origin)
    return None


# ── in links to quote pages ─────────────────────────────────────────────────────────────────

_QUOTE_HOST = re.compile(
    r"//(?:[\w-]+\.){0,4}(?:sina\.(?:com\.)?cn|eastmoney\.com|10jqka\.com\.cn|xueqiu\.com|gu\.qq\.com"
    r"|money\.163\.com|stock\.hexun\.com|cnstock\.com|yahoo\.com|google\.com|nasdaq\.com|futunn\.com"
    r"|marketwatch\.com|cnbc\.com|bloomberg\.com|reuters\.com|seekingalpha\.com|investing\.com)/"
)
_LINKED_CODE = re.compile(r"(?<![A-Za-z0-9])(?:S[HZ]|BJ|HK)?([0-9]{4,6}|[A-Z]{2,5})(?![A-Za-z0-9])")


def _in_links(links: Iterable[Link]) -> Iterator[Ticker]:
    """Links to a page of quotations whose words have the code too: `[AAPL](…/quote/AAPL)`.

    Others are not read: many sites link ordinary words."""
    for link in links:
        match = _LINKED_CODE.search(link.text)
        if match and _QUOTE_HOST.search(link.url):
            ticker = _quoted(match[1], link)
            if ticker:
                yield ticker


def _quoted(code: str, link: Link) -> Ticker | None:
    address = re.search(
        rf"[/=:_,.](sh|sz|bj|hk|us|[01])?{code}(?=[/?.:&#_]|-[A-Z]{{2}}$|$)",
        link.url,
        re.IGNORECASE,
    )
    if address is None:
        return None
    name = name_before(link.text.split(code)[0].rstrip("(（$ SHZBJK"))
    if code.isalpha():
        return american(code, None, name, TickerOrigin.LINK) if can_be_symbol(code) else None
    if len(code) == 4 and "hk" not in link.url.lower():  # a year
        return None
    markets = CODE_MARKETS.get((address[1] or "").upper())
    markets = markets or (MAINLAND if len(code) == 6 else ("HK",))
    return named(code, markets, name, TickerOrigin.LINK)
