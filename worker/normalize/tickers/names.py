"""Whether the words before a bracket can be a company's name, and letters in one a symbol.

There is no list of companies: what is no company is recognised by how it ends (a number of people,
a postal code, an amount), and an abbreviation by its words.
"""

import re

from worker.normalize.strings import one_line

# A separate name before the bracket. In a longer run of Chinese the beginning of the name is
# unknown: the security then has no name.
_NAME = re.compile(
    r"(?:^|[\s，。、；：！？“”‘’《》（）()\[\]【】,.;:!?\"'|/$—-])"
    r"((?:\*?ST)?[\u3400-\u9fffA-Za-z0-9·*-]{2,8}"
    r"|[A-Z][\w&'-]{0,30}(?: [A-Z&][\w&'-]{0,30}){0,4})[”\"》]?\s?$"
)
_ENDS_AS_NAME = re.compile(r"(?:[\u3400-\u9fff*]|(?<![A-Za-z])[A-Z][\w&'.-]{0,40})[”\"》]?\s?$")
_CHINESE_END = re.compile(r"[\u3400-\u9fff](?:[-－][A-Z]{1,2})?[”\"》]?\s?$")
_LABELLED_NAME = re.compile(r"\*?[\u3400-\u9fffA-Z]{3,6}")

# Quantities, numbers of things, addresses; funds that no exchange lists; indices; the cities whose
# postal codes are in a market's range.
_NO_COMPANY = re.compile(
    r"(?:[数额量率号值费款积址话线箱户例省市县区镇乡村路街楼层室校指第群年栋]"
    r"|(?:邮|区|编|号|代|密|证|条|校验|学校编|取|件|货|换|惠|请|付款)码|编号|[邮区]编|热线|传真|人口|工资|价[格款]|型号|规格"
    r"|年[月份度]|月份|日期|时间|面积|文[件号]|大学|学院|医院|中学|小学|研究所|会员|人员|单位|产品|[物快订运货保]\S?单|账[户号]|批次|今[日天]"
    r"|(?:混合|债券|联接|货币|配置|定开|指数)[A-E]?|债[A-E]"
    r"|(?:上证|沪深|中证|深证|科创|创业板|国证|恒生)\S{0,2}\d+"
    r"|天津|武汉|新疆|乌鲁木齐|石河子"
    r"|(?<!ETF)(?<!LOF)(?<!REIT)(?<!REITs)基金|版本|频道|文献|证书?"
    r"|\b(?:call|dial|postcode|pin|population|total|number|no|id|code|zip|tel|phone|fax"
    r"|room|box|ref|case|order|invoice|figure|table|model|part|item|version)\.?)[”\"》]?\s?$",
    re.IGNORECASE,
)
_NO_DIGITS_AFTER = re.compile(
    r"\s?(?:[万亿元人户吨件辆台套亩册页字票份例斤克米度]|千瓦|平方|公里|公斤|美元|港元|个|名|次|号[文楼]?)(?!民|气|称|召|日|新|级)"
)


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Symbols that a name alone makes certain: widely held American shares, without those that are
# also words or abbreviations of their own.
_WELL_KNOWN = _words(
    """
    AAPL MSFT GOOG GOOGL AMZN META NVDA TSLA NFLX INTC AMD QCOM AVGO CSCO ORCL CRM ADBE TXN MU AMAT
    LRCX KLAC ASML TSM SNOW PLTR UBER ABNB LYFT COIN SHOP PYPL SQ ROKU ZM DOCU SPOT TWTR SNAP PINS
    EBAY BABA JD PDD BIDU NTES BILI NIO XPEV LI TME IQ VIPS WB YMM BEKE TCOM EDU TAL FUTU TIGR ZTO
    HTHT ATHM MOMO HUYA DOYU YY JPM BAC WFC MS GS C BLK SCHW AXP BRK.A BRK.B WMT COST HD LOW TGT
    SBUX MCD NKE KO PEP PG JNJ PFE MRK MRNA BNTX LLY ABBV UNH CVS GILD AMGN XOM CVX COP SLB OXY BA
    LMT RTX GE HON MMM CAT DE UPS FDX DAL UAL AAL F GM RIVN LCID TM HMC SONY DIS CMCSA VZ TMUS IBM
    DELL HPQ HPE MSTR MARA RIOT HOOD SOFI GME AMC BB NOK ERIC SAP RIO BHP VALE NVS AZN GSK SNY UL
    HSBC UBS DB BCS ARM SMCI CRWD PANW NET DDOG ZS OKTA MDB
    """
)
_ABBREVIATIONS = _words(
    """
    GDP CPI PPI PMI GNP IPO CEO CFO COO CTO CIO CMO AI VR AR MR XR IT IP APP API ETF LOF FOF REIT
    ESG MSCI FTSE SPAC ADR ADS GDR QFII RQFII QDII FDI ODI OFDI MLF SLF LPR DR R&D PE VC PB ROE EPS
    PER TTM WHO WTO IMF OECD UN EU US USA UK UAE HK CN JP NATO OPEC G20 NASA FBI CIA SEC FDA FED
    FOMC ECB BOJ BOE PBOC CSRC CBRC SASAC NDRC EV BEV PHEV NEV ICE LED OLED LCD DNA RNA PCR HIV TV
    PC GPU CPU NPU TPU SOC MCU SAAS PAAS IAAS BTC ETH NFT DEFI DAO USD CNY RMB EUR JPY HKD GBP AUD
    CAD CHF KRW SGD TWD NZD INR RUB BRL LNG LPG PTA PVC MDI TDI WTI OLAP SQL HTML XML PDF WIFI GPS
    BDS IOT B2B B2C C2C O2O PATH HOME USER TERM PWD SHELL TEMP TMP
    AP AFP UPI DPA EFE PTI IANS ANI AAP PA ANSA TASS KCNA NHK CNN BBC CBS NBC ABC NPR PBS CNBC
    DJI DJIA IXIC NDX SPX INX RUT VIX HSI HSCEI NKY KOSPI STI TSX DAX CAC
    """
)
_INDEX = re.compile(
    r"(?:指[数數]|[综綜成]指|\b(?:index|average|composite|nasdaq|dow jones|s&p 500))[”\"》]?\s?$",
    re.IGNORECASE,
)
_SHARE_WORDS = re.compile(r"股价|股票|美股|盘前|盘后|收[涨跌]|\b(?:shares|stock)\b", re.IGNORECASE)


def name_before(before: str) -> str | None:
    """The name that `before` ends with, if it is apart from other words."""
    name = _NAME.search(before)
    return one_line(name[1], 100) if name else None


def can_be_company(before: str, after: str) -> bool:
    """Whether a number in brackets between these can be a security's."""
    return bool(
        _ENDS_AS_NAME.search(before)
        and not _NO_COMPANY.search(before)
        and not _NO_DIGITS_AFTER.match(after)
    )


def is_chinese(before: str) -> bool:
    """Whether `before` ends with Chinese: `Cambridge (02138)` is a postal code."""
    return bool(_CHINESE_END.search(before))


def is_name(label: str) -> bool:
    """Whether a word before a number inside of the brackets can be a company's name."""
    if label.isascii():  # a market that is not read here: `KRX`
        return False
    return bool(_LABELLED_NAME.fullmatch(label)) and not _NO_COMPANY.search(label)


def can_be_symbol(symbol: str) -> bool:
    return len(symbol) > 1 and symbol not in _ABBREVIATIONS


def is_symbol(symbol: str, before: str, after: str) -> bool:
    """Whether letters in brackets are a share's symbol where nothing but the words around them
    says so."""
    if not _ENDS_AS_NAME.search(before) or _INDEX.search(before):
        return False
    if symbol in _WELL_KNOWN:
        return True
    return (
        can_be_symbol(symbol)
        and bool(_SHARE_WORDS.search(after[:24]))
        and not _are_initials(symbol, before)
    )


def _are_initials(symbol: str, before: str) -> bool:
    """`International Monetary Fund (IMF)`."""
    words = re.findall(r"[A-Za-z]+", before)
    capitals = "".join(word[0] for word in words if word[0].isupper())
    return capitals.endswith(symbol)
