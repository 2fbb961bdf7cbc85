"""Securities that an article names: in its text, and where a site marked them.

A number in parentheses is mostly no security: a year, a telephone number, a postal code. One in
the text counts only with its market beside it, or behind a name and in a range that the
exchanges give to shares.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

from worker.model import Ticker, TickerOrigin
from worker.normalize.body import Body
from worker.normalize.strings import line
from worker.normalize.walk import Mark

# Suffix of the symbol → ISO 10383 market identifier. (Beijing's is BJSE; XBSE is Bucharest's.)
_MIC = {"SH": "XSHG", "SZ": "XSHE", "BJ": "BJSE", "HK": "XHKG"}

# What the exchanges number shares and exchange-traded funds with, by first digits.
_RANGES = {
    "SH": re.compile(r"60[0135]\d{3}|68[89]\d{3}|900\d{3}|5[0168]\d{4}"),
    "SZ": re.compile(r"00[0-4]\d{3}|30[0-2]\d{3}|200\d{3}|15\d{4}|16\d{4}"),
    "BJ": re.compile(r"4[3]\d{4}|8[2378]\d{4}|920\d{3}"),
    "HK": re.compile(r"\d{4,5}"),
}
# Behind a bare name only main-board, ChiNext and STAR shares: 200xxx is a Shanghai postal code.
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
# What a text must have, asked of its ASCII form: a third of the cost of asking the text.
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

# A name that stands by itself before the parenthesis. Longer runs of Chinese have no seam: the
# name is then unknown, the security is not.
_NAME = re.compile(
    r"(?:^|[\s，。、；：！？“”‘’《》（）()\[\]【】,.;:!?\"'|/—-])"
    r"((?:\*?ST)?[\u3400-\u9fffA-Za-z0-9·*-]{2,8}"
    r"|[A-Z][\w&'-]{0,30}(?: [A-Z&][\w&'-]{0,30}){0,4})\s?[(（]\s?$"
)
_NAMED = re.compile(r"[\u3400-\u9fffA-Za-z*]\s?[(（]\s?$")
# What a number in parentheses is when it is no share, though a word stands before it.
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

_WEIGHT = {
    TickerOrigin.TEXT: 0,
    TickerOrigin.LINK: 1,
    TickerOrigin.AUTO_LINK: 2,
    TickerOrigin.COMMENT: 3,
}
_MOST = 500
_MOST_NUMBERS = 10_000  # looked at: a table of quotations holds fewer, a hostile text a million


def tickers_of(body: Body, html: str) -> tuple[Ticker, ...]:
    """The securities of `body`, each once: with the strongest origin it was found by and the
    first name. Marks of the site come first, in order, then its comment in `html` (the body as
    it came; empty where the site has no such comments), then what only the text names."""
    found: dict[str, Ticker] = {}
    for ticker in (*_marked(body, html), *_in_text(body.text)):
        known = found.get(ticker.symbol)
        if known is None:
            if len(found) < _MOST:
                found[ticker.symbol] = ticker
            continue
        best = min(known, ticker, key=lambda item: _WEIGHT[item.origin])
        found[ticker.symbol] = replace(
            best, name=known.name or ticker.name, exchange=known.exchange or ticker.exchange
        )
    return tuple(found.values())


# ── as Sina marks them ──────────────────────────────────────────────────────────────────────


def _marked(body: Body, html: str) -> Iterator[Ticker]:
    linked: set[str] = set()
    for mark in body.marks:
        ticker = _of_mark(mark)
        # The span around a link says no more than the link, which tells how it came about.
        if ticker and (mark.href or ticker.symbol not in linked):
            linked.add(ticker.symbol)
            yield ticker
    for match in _SINA_COMMENT.finditer(html):
        for code in match[1].replace("amp;", "").split("&"):
            if ticker := _of_code(code.strip(), None, TickerOrigin.COMMENT):
                yield ticker


def _of_mark(mark: Mark) -> Ticker | None:
    """A link to a quote, or a span `stock_sz300959`. Sina's script links ordinary words that are
    also a company's name; those links have its class and its tracking word."""
    is_auto = "keyword" in mark.css_class.split() and mark.tracking.startswith(
        "content_marketkeywords"
    )
    origin = TickerOrigin.AUTO_LINK if is_auto else TickerOrigin.LINK
    name = line(mark.text, 100) or None
    if match := _SINA_LINK.search(mark.href):
        code = match["cn"] or (f"hk{match['hk']}" if match["hk"] else f"us_{match['us']}")
        return _of_code(code, name, origin)
    return _of_code(mark.id.removeprefix("stock_"), name, origin) if mark.id else None


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
        for match in islice(_CODE.finditer(text), _MOST_NUMBERS):
            if ticker := _of_digits(text, match):
                yield ticker
    if "纳" in text or "纽" in text or _US_HINTS.search(ascii_only):
        yield from _american(text)


def _of_digits(text: str, match: re.Match[str]) -> Ticker | None:
    """The security that four to six digits are, told by what stands on both sides of them."""
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
    """`(SH:600519)`, `（股票代码：600519）` or, behind a name, `(600519)`."""
    markets: tuple[str, ...]
    if prefix := _PREFIX.search(before):
        name, markets, ranges = before[: prefix.start()], (_MARKETS[prefix[1].upper()],), _RANGES
        named = _OPEN.search(name)
    elif label := _LABEL.search(before):
        name, markets, ranges = before[: label.start()], ("SH", "SZ", "BJ"), _RANGES
        named = _OPEN.search(name)
    else:
        name, markets, ranges = before, tuple(_BARE), _BARE
        named = None if _OTHER.search(name) else _NAMED.search(name)
    if named:
        for market in markets:
            if ticker := _in_market(code, market, ranges, name):
                return ticker
    return None


def _in_market(
    code: str, market: str, ranges: dict[str, re.Pattern[str]], before: str
) -> Ticker | None:
    if not ranges[market].fullmatch(code):
        return None
    name = _NAME.search(before)
    return _ticker(code, market, line(name[1], 100) if name else None, TickerOrigin.TEXT)


def _american(text: str) -> Iterator[Ticker]:
    for match in _US_PAIR.finditer(text):
        market = _US_MARKET.match(match[0])
        assert market is not None
        exchange = "XASE" if market[2] else _US[market[1]]
        name = _NAME.search(text[max(0, match.start() - 60) : match.start()])
        yield Ticker(
            f"{match[1]}.US", exchange, line(name[1], 100) if name else None, TickerOrigin.TEXT
        )
    for match in _US_SUFFIX.finditer(text):
        name = _NAME.search(text[max(0, match.start() - 60) : match.start()])
        yield Ticker(
            f"{match[1]}.US", None, line(name[1], 100) if name else None, TickerOrigin.TEXT
        )


def _ticker(code: str, market: str, name: str | None, origin: TickerOrigin) -> Ticker | None:
    if market == "HK":
        code = code.zfill(5)
    return Ticker(f"{code}.{market}", _MIC[market], name, origin)
