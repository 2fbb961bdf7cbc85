"""Securities in a text: codes in brackets, symbols with a suffix or prefix, and labelled codes.

A number in brackets is mostly no security: a year, a telephone number, a postal code. One counts
with its market beside it, beside another security of the same brackets, or after a name and in a
range that the exchanges assign.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice

from worker.model import Ticker, TickerOrigin
from worker.model.frozen import dataclass
from worker.normalize.tickers.markets import (
    AMERICAN,
    AMERICAN_SUFFIXES,
    CODE_MARKETS,
    MAINLAND,
    american,
    named,
    unnamed,
)
from worker.normalize.tickers.names import (
    can_be_company,
    can_be_symbol,
    is_chinese,
    is_name,
    is_symbol,
    name_before,
)

_MAX_BRACKETS = 10_000  # examined: a table of quotations has fewer, a hostile text a million
_BEFORE, _AFTER = 60, 24


def in_text(text: str) -> Iterator[Ticker]:
    """The securities of `text`, by position; one is repeated as often as it is named."""
    shape = text.encode("ascii", "ignore").translate(_SHAPES)
    if not (b"00000" in shape or b"AA" in shape or _has_short_code(text, shape)):
        return
    hits = [*_in_brackets(text)]
    for hints, pattern, read in _LOOSE:
        if any(hint in shape if isinstance(hint, bytes) else hint in text for hint in hints):
            for match in islice(pattern.finditer(text), _MAX_BRACKETS):
                if ticker := read(match):
                    hits.append((match.start(), ticker))
    for _, ticker in sorted(hits, key=lambda hit: hit[0]):
        yield ticker


# The prefilter: what is ASCII, with digits as 0, capitals as A, small letters as a. Chinese text
# nearly vanishes in it: the searches of a text cost half of one regular expression over it.
_SHAPES = bytes(
    ord("0") if chr(byte).isdigit() else ord("A") if chr(byte).isupper()
    else ord("a") if chr(byte).islower() else byte
    for byte in range(128)
) + bytes(128)  # fmt: skip


def _has_short_code(text: str, shape: bytes) -> bool:
    """Whether there may be a code below five digits or two letters: its market is beside it."""
    if b"000" in shape and any(word in text for word in ("港", "联交所", "代号", "代號", "tock")):
        return True
    return "纽" in text or "纳" in text


# ── in brackets ─────────────────────────────────────────────────────────────────────────────

_BRACKETS = "(（[【"
_BRACKET = re.compile(r"[(（\[【]([^()（）\[\]【】\n]{1,100})[)）\]】]")
_HAS_CODE = re.compile(r"[0-9]{3}|[A-Z]")
_SEPARATOR = re.compile(r"\s?[,，、;；/|]\s?|(?<=\d)\s(?=\d{4})")
_DIGITS = re.compile(
    r"(?P<label>[^\d:：]*?)\s?[:：.]?\s?(?P<code>[0-9]{1,6})"
    r"(?:\s?[.:\s·-]\s?(?P<suffix>XSHG|XSHE|SH|SS|SZ|BJ|HK|TW|TT|CH|CN)(?:\sequity)?)?",
    re.IGNORECASE,
)
_LETTERS = re.compile(
    r"(?:(?P<label>[^:：]{2,30})(?:[:：]\s?|(?<=代[码碼号號])))?(?P<code>[A-Z]{1,5}(?:\.[A-CKNO])?)"
    r"(?:[.\s](?P<suffix>US|UN|UW|OQ))?(?:\s[Ee]quity|\s[+-][\d.]{1,6}%)?"
)
_LABEL = re.compile(
    r"(?<=Q)\s?(?:G[SM]|(?:GLOBAL|CAPITAL)(?:\sSELECT)?(?:\sMARKET)?)"
    r"|(?:股票|[证證]券|基金|上市)?代[码碼号號]|STAR|CHINEXT|MARKET|STOCK|TICKER|SYMBOL|CODE|\s|为|是"
)
_LABEL_ONLY = re.compile(r"(?:股票|[证證]券|基金|上市)代[码碼号號]")
# Words of quote services after a code: `(600519,股吧)`.
_SERVICES = re.compile(r"股吧|行情|资讯|诊股|买入|增持|持有|主力买卖|问诊|前复权|净值|走势")


@dataclass(frozen=True, slots=True)
class _Item:
    """A code in brackets with the markets that its label or suffix names.

    `own_name` is a name inside of the brackets."""

    code: str
    is_american: bool
    markets: tuple[str, ...] = ()
    exchange: str | None = None
    is_named: bool = False
    own_name: str | None = None


def _in_brackets(text: str) -> Iterator[tuple[int, Ticker]]:
    for bracket in _BRACKETS:
        start = text.find(bracket)
        for _ in range(_MAX_BRACKETS):
            if start < 0:
                break
            match = _BRACKET.match(text, start)
            if match and _HAS_CODE.search(match[1]):
                before = text[max(0, start - _BEFORE) : start]
                after = text[match.end() : match.end() + _AFTER]
                for ticker in _securities(match[1].strip(), before, after):
                    yield start, ticker
            start = text.find(bracket, start + 1)


def _securities(content: str, before: str, after: str) -> Iterator[Ticker]:
    parts = _SEPARATOR.split(content)
    items = _items(parts)
    if not items:
        return
    # `$贵州茅台(SH600519)$` is how Xueqiu marks a security.
    is_marked = after.startswith("$") and "$" in before[-24:]
    is_certain = is_marked or any(item.is_named or item.own_name for item in items)
    is_certain = is_certain or any(map(_SERVICES.match, parts[1:]))
    mainland = sum(not item.is_american and len(item.code) == 6 for item in items)
    name = name_before(before) if mainland < 2 else None
    for item in items:
        if ticker := _security(item, name, before, after, is_certain=is_certain):
            yield ticker


def _security(
    item: _Item, name: str | None, before: str, after: str, *, is_certain: bool
) -> Ticker | None:
    if item.is_american:
        if (
            item.is_named
            or (is_certain and can_be_symbol(item.code))
            or is_symbol(item.code, before, after)
        ):
            return american(item.code, item.exchange, name)
        return None
    name = item.own_name or name
    if item.markets == ("SH",) and item.code.startswith("000"):
        return None  # an index of Shanghai: Shenzhen has shares with these codes
    if item.is_named:
        ticker = named(item.code, item.markets, name, TickerOrigin.TEXT)
        if ticker or item.markets == MAINLAND:
            return ticker
    if is_certain or (
        can_be_company(before, after) and (len(item.code) == 6 or is_chinese(before))
    ):
        return unnamed(item.code, before, name)
    return None


def _items(parts: Sequence[str]) -> list[_Item]:
    """The codes among the parts. A market that a label names holds for the codes after it; one
    that is alone belongs to the code before it: `300750,SZ`."""
    items: list[_Item] = []
    for part in parts:
        if part.upper() in CODE_MARKETS and items and not items[-1].is_named:
            items[-1] = replace(items[-1], markets=CODE_MARKETS[part.upper()], is_named=True)
        elif item := _digits(part) or _letters(part):
            last = items[-1] if items else None
            if last and last.is_american == item.is_american and not item.is_named:
                item = replace(
                    item, is_named=last.is_named, markets=last.markets, exchange=last.exchange
                )
            items.append(item)
    return items


def _digits(part: str) -> _Item | None:
    match = _DIGITS.fullmatch(part)
    if match is None:
        return None
    code, label = match["code"], match["label"].strip()
    if match["suffix"]:
        own_name = label if is_name(label) else None
        return _Item(code, False, CODE_MARKETS[match["suffix"].upper()], None, True, own_name)
    if not label or label[0] == "代":
        return _Item(code, False)
    markets = CODE_MARKETS.get(label.upper().replace(" ", "")) or CODE_MARKETS.get(_bare(label))
    if markets is None and _LABEL_ONLY.fullmatch(label):
        markets = (*MAINLAND, "HK") if code.startswith("0") else MAINLAND
    if markets:
        return _Item(code, False, markets, None, True)
    return _Item(code, False, own_name=label) if is_name(label) and len(code) == 6 else None


def _letters(part: str) -> _Item | None:
    match = _LETTERS.fullmatch(part)
    if match is None:
        return None
    code, label = match["code"], match["label"]
    if label:
        return _labelled_letters(label, code)
    if match["suffix"]:
        return _Item(code, True, (), AMERICAN_SUFFIXES[match["suffix"]], True)
    stem, _, ending = code.partition(".")
    if ending in AMERICAN_SUFFIXES:  # `AAPL.O`, as Reuters writes it
        return _Item(stem, True, (), AMERICAN_SUFFIXES[ending], True)
    return _Item(code, True)


def _labelled_letters(label: str, code: str) -> _Item | None:
    """Letters behind a market's word or a Chinese label, or before one of Bloomberg: `AAPL:US`."""
    market = _bare(label)
    if market in AMERICAN or (not market and label[:2] in ("股票", "上市")):
        return _Item(code, True, (), AMERICAN.get(market), True)
    is_symbol_first = code in ("US", "UN", "UW") and label.isascii() and label.isalpha()
    return _Item(label, True, (), AMERICAN_SUFFIXES[code], True) if is_symbol_first else None


def _bare(label: str) -> str:
    """A market's word without what is around it: `港交所股份代号`, `NASDAQ GS`."""
    return _LABEL.sub("", label.upper().replace("股份", ""))


# ── elsewhere ───────────────────────────────────────────────────────────────────────────────


def _with_market(match: re.Match[str]) -> Ticker | None:
    """`600519.SH`, `SH600519`."""
    market, code = sorted(match.groups(), key=str.isdecimal)
    return named(code, CODE_MARKETS[market.upper()], None, TickerOrigin.TEXT)


def _before_slash(match: re.Match[str]) -> Ticker | None:
    """`601398/1398.HK`: the code before the slash is the same company's at home."""
    return named(match[1], MAINLAND, None, TickerOrigin.TEXT)


def _labelled(match: re.Match[str]) -> Ticker | None:
    label, code = match[1], match[2]
    is_any = "份" in label or (code.startswith("0") and not label.startswith("A股"))
    markets: tuple[str, ...] = (*MAINLAND, "HK") if is_any else MAINLAND
    markets = ("HK",) if label.startswith("H股") else markets
    return named(code, markets, None, TickerOrigin.TEXT)


def _american_pair(match: re.Match[str]) -> Ticker | None:
    exchange = AMERICAN[match[1].upper().replace(" ", "")]
    return american(match[2], exchange, None) if can_be_symbol(match[2]) else None


def _american_alone(match: re.Match[str]) -> Ticker | None:
    return american(match[1], None, None) if can_be_symbol(match[1]) else None


_PAIR_WORDS = "|".join(
    sorted((word for word in AMERICAN if len(word) > 2), key=len, reverse=True)
).replace("NYSEA", "NYSE ?A").replace("NYSEM", "NYSE ?M")  # fmt: skip
_SYMBOL = r"([A-Z]{1,5}(?:\.[A-C])?)(?!\.?[A-Za-z0-9])"
# The hints that a pattern needs (shapes or Chinese words), the pattern, the reader of a match.
_LOOSE = (
    (
        (b"00.AA", b"00.aa"),
        re.compile(
            r"(?<![A-Za-z0-9.])([0-9]{2,6})\.(XSHG|XSHE|SH|SS|SZ|BJ|HK|TW)(?![A-Za-z0-9])", re.I
        ),
        _with_market,
    ),
    (
        (b"000000/",),
        re.compile(r"(?<![A-Za-z0-9.])([0-9]{6})/[0-9]{1,5}\.HK(?![A-Za-z0-9])"),
        _before_slash,
    ),
    (
        (b"AA00000", b"aa00000"),
        re.compile(r"(?<![A-Za-z0-9])(SH|SZ|BJ|HK)([0-9]{5,6})(?![A-Za-z0-9])", re.I),
        _with_market,
    ),
    (
        (b"A:0", b"A: 0"),
        re.compile(r"(?<![A-Za-z])(SSE|SHSE|SHA|SZSE|SHE|HKEX|SEHK|HKG): ?([0-9]{3,6})(?![\d.])"),
        _with_market,
    ),
    (
        ("代码", "代号", "代碼", "代號"),
        re.compile(
            r"([AH]股(?:股票|[证證]券)?代[码碼号號]|股票代[码碼号號]|[证證]券代[码碼]|基金代[码碼]|股份代[号號])"
            r"[为為是]?\s?[:：]?\s?[“\"]?([0-9]{1,6})(?![\d.])"
        ),
        _labelled,
    ),
    (
        (b"AAAA", b"Aaaaaa:", b"aAA"),
        re.compile(rf"((?i:{_PAIR_WORDS}))\s?[:：]\s?{_SYMBOL}"),
        _american_pair,
    ),
    ((b"A.AA",), re.compile(r"(?<![A-Za-z0-9.])([A-Z]{1,5})\.US(?![A-Za-z0-9])"), _american_alone),
    ((b"$AA",), re.compile(rf"(?<![\w$])\${_SYMBOL}(?!\$)"), _american_alone),
)
