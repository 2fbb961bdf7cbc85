"""Pages of Chinese news sites as they were sent, against what a person sees on them."""

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

from tests.formats.pages import Parse
from worker.formats.encoding.decode import decode
from worker.sites import Sites

SAMPLES = Path(__file__).parents[4] / "shared" / "samples" / "pages-zh"


@dataclass(frozen=True)
class Seen:
    """What a person sees on a page: title, date as printed, first and last words of the body."""

    site: str
    title: str
    date: str
    first: str
    last: str
    publisher: str
    authors: tuple[str, ...] = ()
    images: int = 0
    never: tuple[str, ...] = ()


REAL = {
    "163__9.html": Seen(
        "163", "5月20日至31日，京沪高速无锡至江阴大桥至广陵枢纽段封闭！", "2019-05-17",
        "下周一，", "来源：无锡交警", "苏皖城市报道", ("网易",), 9, ("跟贴", "分享到"),
    ),
    "csdn__1.html": Seen(
        "csdn", "第三届知道安全论坛鸟巢举办 知道创宇发布新版ZoomEye", "2014-08-24 21:30",
        "2014年8月22日，由北京知道创宇联合知乎网主办", "(#换成@)", "CSDN", ("魏星",), 4,
        ("相关热门文章", "扫描二维码"),
    ),
    "guancha__2.html": Seen(
        "guancha", "我国集成电路进口突破3000亿美元！魏少军：产业结构扭曲，没将产品作为中心",
        "2019-09-07 15:10:53", "9月3日，在第二届全球IC企业家大会", "在大陆的企业贡献。", "EETOP",
        (), 0, ("小编最近文章", "最后更新", "大参考"),
    ),
    "hexun__1.html": Seen(
        "hexun", "交通运输部：着力打造京津冀区域综合立体交通网络", "2019-09-26 10:56:28",
        "据财联社9月26日消息，", "（责任编辑： HN666）", "证券时报网", (), 0,
        ("免责声明", "登录"),
    ),
    "huanqiu__1.html": Seen(
        "huanqiu", "补壹刀：别笑！18人的“新八国联军”今天成立了", "2020-06-05 20:35",
        "执笔/叨叨姐、胡一刀&李小飞刀", "图片均来自网络", "补壹刀微信公号",
        ("叨叨姐", "胡一刀", "李小飞刀"), 9, ("不感兴趣", "投诉"),
    ),
    "ifeng__1.html": Seen(
        "ifeng", "女童眼睛被塞几十片纸，“无法用科学解释”", "2019年11月25日 16:04:30",
        "澎湃新闻记者 段彦超 廖艳", "（实习生王金茹对此文亦有贡献）",
        "澎湃新闻网", ("段彦超", "廖艳"), 8, ("人参与", "七省联合"),
    ),
    "people__1.html": Seen(
        "people", "女儿出嫁，郑板桥画了几笔兰花当嫁妆", "2019年06月15日08:18",
        "点击进入", "(责编：汤诗瑶、丁涛)", "人民网-文化频道", (), 2, ("【2】", "致敬改革开放"),
    ),
    "qq__2.html": Seen(
        "qq", "棱镜|数据业大整顿：爬虫与现金贷共生共荣，用户信息几元不等", "2019-09-23 07:48",
        "划重点：", "第三方数据行业的整顿仍将持续。", "棱镜", (), 1, ("返回腾讯网首页", "瑞士银行"),
    ),
    "sina__3.html": Seen(
        "sina", "债券市场是否存在泡沫？世界知名首席投资官们这么说",
        "2019-09-09 20:52:39", "原创： 路闻卓立编译", "责任编辑：郭明煜",
        "新浪财经-自媒体综合", (), 1, ("通栏", "相关阅读"),
    ),
    "sina__sina.html": Seen(
        "sina", "最强“中国芯”本月商用 华为抢跑5G芯片大战", "2019-09-07 04:04:43",
        "原标题：最强“中国芯”", "责任编辑：张申", "北京日报", (), 0, ("新闻中心",),
    ),
    "stcn__1.html": Seen(
        "stcn", "午间公告：天奇股份中标广汽丰田项目；运达股份中标7亿元项目", "2019-09-26 12:11",
        "证券时报e公司讯，当升科技：", "少数股权。", "证券时报网", ("李在山",), 0,
        ("您所在的位置", "微信公众号", "声明："),
    ),
    "thepaper__2.html": Seen(
        "thepaper", "定了！广州南沙邮轮母港即将开通！地铁直达+无敌免...", "2019-08-13 14:07",
        "本文原标题：", "在看", "中国广州发布", (), 17, ("我要跟帖", "特别声明", "字号"),
    ),
    "toutiao__3.html": Seen(
        "toutiao", "海螺沟寻子一个月：儿子消失在眼前十几米，搜寻无果母亲不舍离去",
        "2019-09-09 16:01:46", "8岁儿子在四川海螺沟景区失联的第32天，", "采写：南都见习记者 林子沛",
        "南方都市报", ("林子沛",), 5, ("举报", "收藏"),
    ),
    "xinhuanet__1.html": Seen(
        "xinhuanet", "法国全国大罢工再次严重影响交通", "2019-12-10 07:57:40",
        "新华社巴黎12月9日电（记者唐霁）", "宣布退休制度改革的总体架构。", "新华网", (), 0,
        ("纠错", "责任编辑", "热帖"),
    ),
}  # fmt: skip

needs_samples = pytest.mark.skipif(not SAMPLES.is_dir(), reason="the samples are not here")


@needs_samples
def test_every_real_page_is_expected() -> None:
    """No page of the samples is left out below."""
    assert sorted(path.name for path in SAMPLES.iterdir()) == sorted(REAL)


@needs_samples
@pytest.mark.parametrize("name", REAL)
def test_real_page(name: str, parse: Parse) -> None:
    """A real page gives the title, date, people and the body that a person sees, and no more."""
    article = parse(decode((SAMPLES / name).read_bytes()).text)
    seen = REAL[name]
    body = BeautifulSoup(article.html, "lxml")
    text = body.get_text().strip()
    assert (article.site, article.title, article.dates[0].text) == (
        seen.site,
        seen.title,
        seen.date,
    )
    assert text.startswith(seen.first)
    assert text.endswith(seen.last)
    assert article.publisher is not None
    assert article.publisher.name == seen.publisher
    assert tuple(person.name for person in article.authors) == seen.authors
    assert len(body.find_all("img")) == seen.images
    assert [words for words in seen.never if words in text] == []


@needs_samples
@pytest.mark.parametrize(
    "name", sorted(set(REAL) - {"hexun__1.html", "stcn__1.html", "people__1.html"})
)
def test_real_page_without_rules(name: str, parse: Parse) -> None:
    """Without any rule title and day are the same, and the body is there with little beside it.

    Three short pages are left out: of 114 and 208 characters among disclaimers of the same length,
    and one whose teasers of other articles stand below it in the same box.
    """
    text = decode((SAMPLES / name).read_bytes()).text
    ruled, found = parse(text), parse(text, sites=Sites(()))
    assert found.title is not None
    assert found.title.startswith(REAL[name].title)
    if name != "xinhuanet__1.html":  # whose heading is no heading element
        day = [int(part) for part in re.findall(r"\d+", REAL[name].date)[:3]]
        assert [int(part) for part in re.findall(r"\d+", found.dates[0].text)[:3]] == day
    assert _alike(_squeezed(ruled.html), _squeezed(found.html)) > 0.9


def _squeezed(html: str) -> str:
    return "".join(BeautifulSoup(html, "lxml").get_text().split())


def _alike(one: str, other: str) -> float:
    """Character F1, order not regarded."""
    both = (Counter(one) & Counter(other)).total()
    return 2 * both / (len(one) + len(other))
