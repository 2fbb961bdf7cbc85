"""Securities in text and in a site's marks, and what only looks like one."""

import pytest

from tests.normalize.conftest import article, site
from worker.model import Person, Ticker, TickerOrigin


def tickers(html: str, *, marks: bool = False) -> tuple[Ticker, ...]:
    return article(html, sites=site(tickers=marks), authors=(Person("某站"),)).tickers


@pytest.mark.parametrize(
    ("text", "symbol", "exchange", "name"),
    [
        ("，贵州茅台(600519)涨", "600519.SH", "XSHG", "贵州茅台"),
        ("。贵州茅台（600519）", "600519.SH", "XSHG", "贵州茅台"),
        ("万科A（000002）", "000002.SZ", "XSHE", "万科A"),
        ("*ST某某（300959）", "300959.SZ", "XSHE", "*ST某某"),
        ("中芯国际（688981）", "688981.SH", "XSHG", "中芯国际"),
        ("记者从上海证券交易所获悉贵州茅台（600519）", "600519.SH", "XSHG", None),
        ("贵州茅台（600519.SH）", "600519.SH", "XSHG", "贵州茅台"),
        ("买入600519.SH和", "600519.SH", "XSHG", None),
        ("600519.SS", "600519.SH", "XSHG", None),
        ("000001.sz", "000001.SZ", "XSHE", None),
        ("某某股份（830799）", "830799.BJ", "BJSE", "某某股份"),
        ("430047.BJ", "430047.BJ", "BJSE", None),
        ("腾讯控股（00700.HK）", "00700.HK", "XHKG", "腾讯控股"),
        ("腾讯控股（0700.HK）", "00700.HK", "XHKG", "腾讯控股"),
        ("腾讯控股（00700）", "00700.HK", "XHKG", "腾讯控股"),
        ("腾讯控股（港交所：0700）", "00700.HK", "XHKG", "腾讯控股"),
        ("贵州茅台(SH:600519)", "600519.SH", "XSHG", "贵州茅台"),
        ("贵州茅台（SH600519）", "600519.SH", "XSHG", "贵州茅台"),
        ("贵州茅台（上交所：600519）", "600519.SH", "XSHG", "贵州茅台"),
        ("贵州茅台（股票代码：600519）", "600519.SH", "XSHG", "贵州茅台"),
        ("Apple (NASDAQ: AAPL) rose", "AAPL.US", "XNAS", "Apple"),
        ("阿里巴巴（NYSE：BABA）", "BABA.US", "XNYS", "阿里巴巴"),
        ("Berkshire (NYSE: BRK.B)", "BRK.B.US", "XNYS", "Berkshire"),
        ("百度（纳斯达克：BIDU）", "BIDU.US", "XNAS", "百度"),
        ("特斯拉（TSLA.US）", "TSLA.US", None, "特斯拉"),
        ("特斯拉（TSLA.O）", "TSLA.US", "XNAS", "特斯拉"),
        ("Tesla (TSLA US)", "TSLA.US", None, "Tesla"),
        ("中国石油（贵州茅台 600519）", "600519.SH", "XSHG", "贵州茅台"),
        ("华夏某ETF（510050）", "510050.SH", "XSHG", "华夏某ETF"),
        ("某某转债（123056）", "123056.SZ", "XSHE", "某某转债"),
        ("台积电（2330.TW）", "2330.TW", "XTAI", "台积电"),
        ("SPDR Gold (NYSE Arca: GLD)", "GLD.US", "ARCX", "SPDR Gold"),
        ("SSE:600519 closed", "600519.SH", "XSHG", None),
        ("H股代码03968", "03968.HK", "XHKG", None),
        ("A股股票代码：000001", "000001.SZ", "XSHE", None),
        ("公司股票代码为600519。", "600519.SH", "XSHG", None),
        ("纽交所：F、福特（纽交所：F）", "F.US", "XNYS", "福特"),
    ],
)
def test_a_security_in_the_text(text: str, symbol: str, exchange: str | None, name: str) -> None:
    """Each way to write a code gives the symbol, the market's MIC and a name that stands free."""
    assert tickers(f"<p>{text}</p>") == (Ticker(symbol, exchange, name, TickerOrigin.TEXT),)


@pytest.mark.parametrize(
    "text",
    [
        "今年（2021）", "（600519）", "共计600519元", "电话（600519）", "邮编（200001）",
        "上海市（200030）", "北京（100020）", "热线 600519", "编号（300959）", "1600519.SH",
        "取件码（300750）",
        "600519.COM", "6005191.SH", "某某（999999）", "某某（123456）", "某某(021-600519)",
        "3.600519", "某某（12345）", "20211126", "2021.SH", "NASDAQ涨了", "NASDAQ: rose",
        "某某转债（199999）", "世界卫生组织(WHO)股票", "Value (AAAA)",
        "DNS.HK", "e.g. (A.N.)", "a600519.SH", "13800600519", "（股票代码：999999）",
    ],
)  # fmt: skip
def test_what_is_no_security(text: str) -> None:
    """Years, telephone numbers, postal codes and numbers outside the markets' ranges are none."""
    assert tickers(f"<p>{text}</p>") == ()


def test_a_sites_marks() -> None:
    """A link to a quote is a link; one that the site's script made of a word is an auto-link; a
    code in its comment only is a comment. Without a rule that says so none of them counts."""
    quote = "https://finance.sina.com.cn/realstock/company"
    html = (
        f'<p>让<span id="stock_sz300959"><a href="{quote}/sz300959/nc.shtml" class="keyword" '
        'data-sudaclick="content_marketkeywords_p">线上线下</a></span><span id="quote_sz300959">'
        f'</span>，<a href="{quote}/sh601328/nc.shtml">交通银行</a>，'
        '<span id="stock_hk00700">腾讯</span>，'
        '<a href="https://stock.finance.sina.com.cn/usstock/quotes/BABA.html">阿里</a></p>'
        "<!-- news_keyword_pub,stock,sz300959&sh600519&us_AAPL& -->"
    )
    assert tickers(html, marks=True) == (
        Ticker("300959.SZ", "XSHE", "线上线下", TickerOrigin.AUTO_LINK),
        Ticker("601328.SH", "XSHG", "交通银行", TickerOrigin.LINK),
        Ticker("00700.HK", "XHKG", "腾讯", TickerOrigin.LINK),
        Ticker("BABA.US", None, "阿里", TickerOrigin.LINK),
        Ticker("600519.SH", "XSHG", None, TickerOrigin.COMMENT),
        Ticker("AAPL.US", None, None, TickerOrigin.COMMENT),
    )
    assert tickers(html) == ()


@pytest.mark.parametrize(
    "comment", ["news_keyword_pub,stock, ", "news_keyword_pub,stock,x&&1", "x"]
)
def test_an_empty_comment(comment: str) -> None:
    """Sina's comment is mostly empty."""
    assert tickers(f"<p>文</p><!-- {comment}-->", marks=True) == ()


@pytest.mark.parametrize(
    ("link", "symbol"),
    [
        ('<a href="https://xueqiu.com/S/SH600519">$贵州茅台(SH600519)$</a>', "600519.SH"),
        ('<a href="https://quote.eastmoney.com/unify/r/0.000858">看000858</a>', "000858.SZ"),
        ('<a href="https://finance.yahoo.com/quote/0700.HK/">Tencent 0700</a>', "00700.HK"),
        ('<a href="https://www.nasdaq.com/market-activity/stocks/aapl">AAPL</a>', "AAPL.US"),
        ('<a href="https://www.nasdaq.com/articles/2021">2021</a>', None),
        ('<a href="https://quote.eastmoney.com/sh600519.html">线上线下</a>', None),
        ('<a href="https://example.org/quote/ABCD">ABCD</a>', None),
    ],
)
def test_a_link_to_quotations(link: str, symbol: str | None) -> None:
    """A link to a page of quotations counts where its words have the code too, on every site."""
    found = [(ticker.symbol, ticker.origin) for ticker in tickers(f"<p>见{link}</p>")]
    origin = TickerOrigin.TEXT if symbol == "600519.SH" else TickerOrigin.LINK
    assert found == ([(symbol, origin)] if symbol else [])


@pytest.mark.parametrize(
    ("text", "symbols"),
    [
        ("某某银行（A股：600036，H股：03968）", ["600036.SH", "03968.HK"]),
        ("某某（01810·HK）、某某（600519-SH）", ["01810.HK", "600519.SH"]),
        ("某某（HK.01810）和某某（SZ.000858）", ["01810.HK", "000858.SZ"]),
        ("某某（600519 CH Equity；BABA US Equity）", ["600519.SH", "BABA.US"]),
        ("某某（美股代码BABA）", ["BABA.US"]),
        ("Quay (Nasdaq Global Select Market: QUAY) (OTCQX: HARB)", ["QUAY.US", "HARB.US"]),
        ("某某（601398/1398.HK）", ["601398.SH", "01398.HK"]),
        ("某某601398/1398.HK", ["601398.SH", "01398.HK"]),
        ("某某（NYSE：BABA；HKEX：9988）", ["BABA.US", "09988.HK"]),
        ("A (NASDAQ: GOOGL, GOOG)", ["GOOGL.US", "GOOG.US"]),
        ("甲、乙（600519、000858）", ["600519.SH", "000858.SZ"]),
        ("某某（600519，股吧，行情）", ["600519.SH"]),
        ("某某(300750,SZ)", ["300750.SZ"]),
    ],
)
def test_several_in_one_bracket(text: str, symbols: list[str]) -> None:
    """A label counts for what follows it, a market alone for what stands before it."""
    assert [ticker.symbol for ticker in tickers(f"<p>{text}</p>")] == symbols


def test_the_strongest_origin_counts() -> None:
    """A security that the text names and a comment repeats is one, of the text."""
    html = "<p>贵州茅台（600519）</p><!-- news_keyword_pub,stock,sh600519 -->"
    assert tickers(html, marks=True) == (
        Ticker("600519.SH", "XSHG", "贵州茅台", TickerOrigin.TEXT),
    )
