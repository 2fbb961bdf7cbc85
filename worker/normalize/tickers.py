"""Securities that an article names: in its text, and in a site's markup.

A number in parentheses is mostly no security: a year, a telephone number, a postal code. One in
the text counts only with its market beside it, or after a name and in a range that the exchanges
assign to shares.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

from worker.model import Ticker, TickerOrigin
from worker.normalize.body import Body
from worker.normalize.strings import one_line
from worker.normalize.walk import TickerHint

# Suffix of the symbol → ISO 10383 market identifier. (Beijing's is BJSE; XBSE is Bucharest's.)
_MIC = {"SH": "XSHG", "SZ": "XSHE", "BJ": "BJSE", "HK": "XHKG"}

# The numbers of shares and exchange-traded funds, by first digits.
_RANGES = {
    "SH": re.compile(r"60[0135]\d{3}|68[89]\d{3}|900\d{3}|5[0168]\d{4}"),
    "SZ": re.compile(r"00[0-4]\d{3}|30[0-2]\d{3}|200\d{3}|15\d{4}|16\d{4}"),
    "BJ": re.compile(r"4[3]\d{4}|8[2378]\d{4}|920\d{3}"),
    "HK": re.compile(r"\d{4,5}"),
}
# After a bare name only main-board, ChiNext and STAR shares: 200xxx is a Shanghai postal code.
_BARE = {
    "SH": re.compile(r"60[0135]\d{3}|68[89]\d{3}"),
    "SZ": re.compile(r"00[0-3]\d{3}|30[0-2]\d{3}"),
    "BJ": re.compile(r"43\d{4}|8[37]\d{4}|920\d{3}"),
    "HK": re.compile(r"0\d{4}"),
}
_MARKETS = {
    "SH": "SH", "SS": "SH", "SSE": "SH", "上交所": "SH", "上证": "SH", "沪": "SH", "沪市": "SH",
    "SZ": "SZ", "SZSE": "SZ", "深交所": "SZ", "深证": "SZ", "深": "SZ", "深市": "SZ",
    "BJ": "BJ", "BSE": "BJ", "北交所": "BJ",
    "HK": "HK", "HKEX": "HK", "SEHK": "HK", "港交所": "HK", "港股": "HK", "联交所": "HK",
}  # fmt: skip
_US = {
    "NASDAQ": "XNAS", "纳斯达克": "XNAS", "纳指": "XNAS",
    "NYSE": "XNYS", "纽交所": "XNYS", "纽约证券交易所": "XNYS",
    "AMEX": "XASE", "NYSEAMERICAN": "XASE",
}  # fmt: skip
_US_WORDS = "|".join(sorted((re.escape(word) for word in _US), key=len, reverse=True))

_CODE = re.compile(r"[0-9]{4,6}")
# A text without these has none; searched in its ASCII form, at a third of the cost.
_DIGITS = re.compile(rb"[0-9]{4}")
_US_HINTS = re.compile(rb"\.(?:US|O|N)|N(?:ASDAQ|YSE)|AMEX")
_SUFFIX = re.compile(r"\s?\.\s?(SH|SS|SZ|BJ|HK)(?![A-Za-z0-9])", re.IGNORECASE)
_PREFIX = re.compile(
    rf"(?<![A-Za-z])({'|'.join(sorted(_MARKETS, key=len, reverse=True))})[.:：\s]{{0,2}}$",
    re.IGNORECASE,
)
_LABEL = re.compile(r"(?:股票代码|证券代码|股票简称|代码)[:：\s]{0,2}$")
_OPEN = re.compile(r"[(（]\s?$")
_US_PAIR = re.compile(
    rf"(?:{_US_WORDS})\s?(?:American)?\s?[:：]\s?([A-Z]{{1,5}}(?:\.[A-Z])?)(?![A-Za-z0-9])"
)
_US_MARKET = re.compile(rf"({_US_WORDS})(\s?American)?")
_US_SUFFIX = re.compile(r"(?<![A-Za-z0-9.])([A-Z]{1,5})\.(?:US|O|N|OQ)(?=\s?[)）])")

# A separate name before the parenthesis. In a longer run of Chinese the beginning of the name is
# unknown: the security then has no name.
_NAME = re.compile(
    r"(?:^|[\s，。、；：！？“”‘’《》（）()\[\]【】,.;:!?\"'|/—-])"
    r"((?:\*?ST)?[\u3400-\u9fffA-Za-z0-9·*-]{2,8}"
    r"|[A-Z][\w&'-]{0,30}(?: [A-Z&][\w&'-]{0,30}){0,4})\s?[(（]\s?$"
)
_AFTER_NAME = re.compile(r"[\u3400-\u9fffA-Za-z*]\s?[(（]\s?$")
# Words before a number in parentheses that is no share.
_OTHER = re.compile(
    r"(?:邮编|邮政编码|电话|热线|传真|编号|编码|区号|尾号|密码|[省市县区镇乡村路街号楼室])\s?[(（]\s?$"
)

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
_MAX_NUMBERS = 10_000  # examined: a table of quotations has fewer, a hostile text a million


def tickers_of(body: Body, html: str) -> tuple[Ticker, ...]:
    """The securities of `body`, each once, with its strongest origin and its first name.

    Those in the site's markup come first, in order, then those in its comment in `html` (the
    original body; empty where the site has no such comments), then those only in the text."""
    tickers: dict[str, Ticker] = {}
    for ticker in (*_in_markup(body, html), *_in_text(body.text)):
        first = tickers.get(ticker.symbol)
        if first is None:
            if len(tickers) < _MAX_TICKERS:
                tickers[ticker.symbol] = ticker
            continue
        best = min(first, ticker, key=lambda item: _STRONGEST_FIRST.index(item.origin))
        tickers[ticker.symbol] = replace(
            best, name=first.name or ticker.name, exchange=first.exchange or ticker.exchange
        )
    return tuple(tickers.values())


# ── in Sina's markup ────────────────────────────────────────────────────────────────────────


def _in_markup(body: Body, html: str) -> Iterator[Ticker]:
    symbols: set[str] = set()
    for hint in body.ticker_hints:
        ticker = _of_hint(hint)
        # A span around a link adds nothing to the link, which has the origin.
        if ticker and (hint.href or ticker.symbol not in symbols):
            symbols.add(ticker.symbol)
            yield ticker
    for match in _SINA_COMMENT.finditer(html):
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
    if match := _SINA_LINK.search(hint.href):
        code = match["cn"] or (f"hk{match['hk']}" if match["hk"] else f"us_{match['us']}")
        return _of_code(code, name, origin)
    return _of_code(hint.id.removeprefix("stock_"), name, origin) if hint.id else None


def _of_code(code: str, name: str | None, origin: TickerOrigin) -> Ticker | None:
    if match := _SINA_CODE.fullmatch(code):
        return _ticker(match[2], match[1].upper(), name, origin)
    if match := _SINA_US.fullmatch(code):
        return Ticker(f"{match[1].upper()}.US", None, name, origin)
    return None


# ── in the text ─────────────────────────────────────────────────────────────────────────────


def _in_text(text: str) -> Iterator[Ticker]:
    ascii_only = text.encode("ascii", "replace")
    if _DIGITS.search(ascii_only):
        for match in islice(_CODE.finditer(text), _MAX_NUMBERS):
            if ticker := _of_digits(text, match):
                yield ticker
    if "纳" in text or "纽" in text or _US_HINTS.search(ascii_only):
        yield from _american(text)


def _of_digits(text: str, match: re.Match[str]) -> Ticker | None:
    """The security with these four to six digits, by the text on both sides of them."""
    start, end = match.span()
    before, after = text[max(0, start - 60) : start], text[end : end + 6]
    if before[-1:].isdecimal() or after[:1].isdecimal():  # part of a longer number
        return None
    if suffix := _SUFFIX.match(after):
        if before[-1:].isascii() and before[-1:].isalnum():
            return None
        return _in_market(match[0], _MARKETS[suffix[1].upper()], _RANGES, before)
    if after.lstrip()[:1] not in {")", "）"}:
        return None
    return _in_parentheses(match[0], before)


def _in_parentheses(code: str, before: str) -> Ticker | None:
    """`(SH:600519)`, `（股票代码：600519）` or, after a name, `(600519)`."""
    markets: tuple[str, ...]
    if prefix := _PREFIX.search(before):
        name, markets, ranges = before[: prefix.start()], (_MARKETS[prefix[1].upper()],), _RANGES
        opening = _OPEN.search(name)
    elif label := _LABEL.search(before):
        name, markets, ranges = before[: label.start()], ("SH", "SZ", "BJ"), _RANGES
        opening = _OPEN.search(name)
    else:
        name, markets, ranges = before, tuple(_BARE), _BARE
        opening = None if _OTHER.search(name) else _AFTER_NAME.search(name)
    if opening:
        for market in markets:
            if ticker := _in_market(code, market, ranges, name):
                return ticker
    return None


def _in_market(
    code: str, market: str, ranges: dict[str, re.Pattern[str]], before: str
) -> Ticker | None:
    if not ranges[market].fullmatch(code):
        return None
    return _ticker(code, market, _name_before(before), TickerOrigin.TEXT)


def _name_before(text: str) -> str | None:
    name = _NAME.search(text[-60:])
    return one_line(name[1], 100) if name else None


def _american(text: str) -> Iterator[Ticker]:
    for match in _US_PAIR.finditer(text):
        market = _US_MARKET.match(match[0])
        assert market is not None
        exchange = "XASE" if market[2] else _US[market[1]]
        yield _us_ticker(text, match, exchange)
    for match in _US_SUFFIX.finditer(text):
        yield _us_ticker(text, match, None)


def _us_ticker(text: str, match: re.Match[str], exchange: str | None) -> Ticker:
    name = _name_before(text[max(0, match.start() - 60) : match.start()])
    return Ticker(f"{match[1]}.US", exchange, name, TickerOrigin.TEXT)


def _ticker(code: str, market: str, name: str | None, origin: TickerOrigin) -> Ticker | None:
    if market == "HK":
        code = code.zfill(5)
    return Ticker(f"{code}.{market}", _MIC[market], name, origin)
