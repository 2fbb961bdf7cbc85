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
        "600519.COM", "6005191.SH", "某某（999999）", "某某（123456）", "某某(021-600519)",
        "3.600519", "某某（12345）", "20211126", "2021.SH", "NASDAQ涨了", "NASDAQ: rose",
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


def test_the_strongest_origin_counts() -> None:
    """A security that the text names and a comment repeats is one, of the text."""
    html = "<p>贵州茅台（600519）</p><!-- news_keyword_pub,stock,sh600519 -->"
    assert tickers(html, marks=True) == (
        Ticker("600519.SH", "XSHG", "贵州茅台", TickerOrigin.TEXT),
    )
