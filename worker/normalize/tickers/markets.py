"""Stock markets: their words, the numbers that they assign, and how a symbol is written.

Sources: ISO 10383 (market identifiers), the number ranges that the exchanges of Shanghai, Shenzhen
and Beijing publish, and the abbreviations of quote services (Google, Reuters, Bloomberg).
"""

import re

from worker.model import Ticker, TickerOrigin

# Suffix of the symbol → market identifier. (Beijing's is BJSE; XBSE is Bucharest's.)
_MIC = {"SH": "XSHG", "SZ": "XSHE", "BJ": "BJSE", "HK": "XHKG", "TW": "XTAI"}

# Shares, depositary receipts, funds and convertible bonds, where the market is named.
_RANGES = {
    "SH": r"60[0135]\d{3}|68[89]\d{3}|900\d{3}|5[0168]\d{4}|11[0138]\d{3}",
    "SZ": r"00[0-4]\d{3}|30[0-2]\d{3}|200\d{3}|1[56]\d{4}|12[378]\d{3}",
    "BJ": r"4[03]\d{4}|8[2378]\d{4}|920\d{3}",
    "HK": r"(?!0+$)\d{1,5}",
    "TW": r"\d{4}",
}
# After a name without a market: 200xxx is a Shanghai postal code, four digits are a year.
_BARE = {
    "SH": r"60[0135]\d{3}|68[89]\d{3}",
    "SZ": r"00[0-3]\d{3}|30[0-2]\d{3}",
    "BJ": r"43\d{4}|8[37]\d{4}|920\d{3}",
    "HK": r"(?!0+$)0\d{4}",
}
# Names with these endings are before funds (a house may follow), convertible bonds and B shares.
_BY_NAME = (
    (
        re.compile(r"(?:ETF|LOF|REITs?)[\u3400-\u9fff]{0,4}$", re.IGNORECASE),
        {"SH": r"5\d{5}", "SZ": r"1[568]\d{4}"},
    ),
    (re.compile(r"转(?:债|\d)$"), {"SH": r"11[0138]\d{3}", "SZ": r"12[378]\d{3}"}),
    (re.compile(r"[BＢ]股?$"), {"SH": r"900\d{3}", "SZ": r"200\d{3}"}),
)
MAINLAND = ("SH", "SZ", "BJ")

_WORDS: dict[tuple[str, ...], str] = {
    ("SH",): "SH SS XSHG SSE SHSE SHA 上交所 上证所 上海证券交易所 上证 沪市 沪股 沪 科创板",
    ("SZ",): "SZ XSHE SZSE SHE 深交所 深圳证券交易所 深证 深市 深股 深 创业板",
    ("BJ",): "BJ BSE BJSE 北交所 北京证券交易所 新三板",
    ("HK",): "HK HKEX SEHK HKSE HKG 港交所 联交所 香港联交所 香港交易所 香港 港股 H股",
    MAINLAND: "A股 CH CN",
    (*MAINLAND, "HK"): "股份代号 股份代號 STOCKCODE",
    ("TW",): "TW TT TWSE TPE",
}
# A market word → the markets that it can mean, in the order in which a code is tried.
CODE_MARKETS = {word: markets for markets, words in _WORDS.items() for word in words.split()}
AMERICAN = {
    "NASDAQ": "XNAS", "纳斯达克": "XNAS", "纳指": "XNAS",
    "NYSE": "XNYS", "纽交所": "XNYS", "纽约证券交易所": "XNYS",
    "AMEX": "XASE", "NYSEAMERICAN": "XASE", "NYSEMKT": "XASE", "NYSEARCA": "ARCX",
    "OTC": "OTCM", "OTCMKTS": "OTCM", "OTCPINK": "OTCM", "OTCPK": "OTCM",
    "OTCQX": "OTCM", "OTCQB": "OTCM",
    "美股": None, "美国": None, "US": None,
}  # fmt: skip
# Endings of symbols of American shares; Reuters and Bloomberg name the exchange by one.
AMERICAN_SUFFIXES = {
    "US": None, "UN": "XNYS", "UW": "XNAS", "O": "XNAS", "OQ": "XNAS", "N": "XNYS", "K": "XNYS",
}  # fmt: skip


def named(
    code: str, markets: tuple[str, ...], name: str | None, origin: TickerOrigin
) -> Ticker | None:
    """The security with this code in the first of `markets` that assigns such codes."""
    return _first_of(code, _COMPILED_RANGES, markets, name, origin)


def unnamed(code: str, before: str, name: str | None) -> Ticker | None:
    """The security with this code where no market is named; `before` ends with its name."""
    for ending, ranges in _COMPILED_BY_NAME:
        if ending.search(before):
            return _first_of(code, ranges, tuple(ranges), name, TickerOrigin.TEXT)
    return _first_of(code, _COMPILED_BARE, tuple(_BARE), name, TickerOrigin.TEXT)


def american(
    symbol: str, exchange: str | None, name: str | None, origin: TickerOrigin = TickerOrigin.TEXT
) -> Ticker:
    return Ticker(f"{symbol.upper()}.US", exchange, name, origin)


_Ranges = dict[str, re.Pattern[str]]


def _compiled(ranges: dict[str, str]) -> _Ranges:
    return {market: re.compile(pattern) for market, pattern in ranges.items()}


_COMPILED_RANGES, _COMPILED_BARE = _compiled(_RANGES), _compiled(_BARE)
_COMPILED_BY_NAME = tuple((ending, _compiled(ranges)) for ending, ranges in _BY_NAME)


def _first_of(
    code: str, ranges: _Ranges, markets: tuple[str, ...], name: str | None, origin: TickerOrigin
) -> Ticker | None:
    for market in markets:
        if ranges[market].fullmatch(code):
            full = code.zfill(5) if market == "HK" else code
            return Ticker(f"{full}.{market}", _MIC[market], name, origin)
    return None
