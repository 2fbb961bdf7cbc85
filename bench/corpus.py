"""The benchmark's articles: our own text in the shape in which a mirror writes Sina's.

About 11 KB each, as the real ones: front matter, `<font>` runs of which every third is bold,
three pictures, words linked to shares, the advert with the QR code, the comments around it. The
same number gives the same bytes on every machine; any two numbers have different titles, dates
and texts. One file in 100 lies on each calendar day.
"""

import random
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

FIRST_DATE = datetime(2019, 1, 1, 0, 0, 30, tzinfo=UTC)
_EVERY = timedelta(minutes=14, seconds=24)


def _words(text: str) -> list[str]:
    return text.split()


_PLACES = _words("云屿 澄湖 北岭 南浦 青石 白鹭 临川 望江 松溪 长汀 东畔 西林 金沙 银滩 古渡 新港")
_BODIES = _words(
    "港务局 市政厅 理工大学 统计局 水务集团 铁路公司 科学院 商会 图书馆 气象台 渔业协会"
)
_PEOPLE = _words("钱望舒 罗一帆 沈知秋 顾南乔 陆听澜 江予安 宋砚书 叶青禾 周慕白 林晚照")
_VERBS = _words("启用了 公布了 讨论了 扩建了 检修了 评估了 推迟了 调整了 试行了 验收了 资助了")
_OBJECTS = _words("""
    自动化码头 供水管网 跨江大桥 社区食堂 夜间公交 海上风电场 数据中心 候鸟保护区 职业培训计划
    老旧小区改造 冷链仓库 潮汐车道 种子资源库 雨水花园 远程诊疗平台 儿童阅览室 消防栓地图
""")
_AIMS = _words("""
    预计明年春天完工 居民的等待时间缩短了四成 投资约三亿二千万元 将分两期实施
    比原计划提前了两个月 噪声下降到四十五分贝 每天可处理两千件申请 运行费用由三方分担
    试用者大多表示满意 仍有几处细节待定 覆盖了全部十一个街道 数据每半小时更新一次
    施工期间道路不中断 老人和儿童可以免费使用
""")
_LINKS = _words("""
    同时 此外 据介绍 不过 在此之前 与会者认为 记者看到 按照规划 从全年看 值得一提的是
""")
_USUAL, _SHORT = (2, 3, 18, 9, 4, 3), (1, 1, 3, 3, 1, 1)
"""Runs of each paragraph."""
_SHARES = (
    ("sh605999", "澄湖股份"),
    ("sz301999", "海陆通"),
    ("sh688998", "北岭电气"),
    ("sz002999", "南浦水务"),
)


def article(
    number: int, cover: int | None = None, tail: str = "", *, is_short: bool = False
) -> bytes:
    """File `number`, or a short one of 5 KB. `cover` is the mirror's random picture, `tail` white
    space after the end: either makes other bytes of the same article."""
    rng = random.Random(number)
    date = FIRST_DATE + number * _EVERY
    place, body = rng.choice(_PLACES), rng.choice(_BODIES)
    title = f"{place}{body}{rng.choice(_VERBS)}{rng.choice(_OBJECTS)}：第{number}期观察"
    pictures = [_picture(rng, date) for _ in range(3)]
    head = pictures[0] if cover is None else f"https://picsum.photos/400/300?random={cover}"
    paragraphs = [_paragraph(rng, runs) for runs in (_SHORT if is_short else _USUAL)]
    shares = rng.sample(_SHARES, 2)
    for at, share in enumerate(shares, 2):
        paragraphs[at] = _with_share(rng, paragraphs[at], share)
    images = [_image(at, url) for at, url in enumerate(pictures)]
    blocks = [images[0], *paragraphs[:2], images[1], paragraphs[2], images[2], *paragraphs[3:]]
    keyword = "&".join(code for code, _ in shares)
    return (
        f"\n---\ntitle: '{title}'\ncategories: \n - 金融\n - 新浪财经\n - 新浪财经－国內\n"
        f"headimg: '{head}'\nauthor: 新浪财经\ncomments: false\n"
        f"date: {format_datetime(date, usegmt=True)}\nthumbnail: '{head}'\n---\n\n<div>   \n"
        + "\n".join(blocks)
        + f"<!-- news_keyword_pub,stock,{keyword} -->"
        + _FOOT.replace("NAME", rng.choice(_PEOPLE))
        + tail
    ).encode()


def write(
    folder: Path, numbers: Iterable[int], name: str = "article", **variant: int | str
) -> None:
    """Write the articles into `folder`, a file each, as `<name>-<number>.md`."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in numbers:
        (folder / f"{name}-{number:07}.md").write_bytes(article(number, **variant))  # type: ignore[arg-type]


def _picture(rng: random.Random, date: datetime) -> str:
    return (
        f"https://n.sinaimg.cn/sinakd{date:%Y%m%d}s/606/w900h506/{date:%Y%m%d}/"
        f"f886-{rng.getrandbits(128):032x}.jpg"
    )


def _image(at: int, url: str) -> str:
    return (
        f'<div class="img_wrapper"><img id="{at}" style="max-width: 640px;" src="{url}" alt '
        'referrerpolicy="no-referrer"><span class="img_descr"></span></div>'
    )


def _paragraph(rng: random.Random, runs: int) -> str:
    """A paragraph of `runs` `<font>` elements, every third of them bold."""
    fonts = (
        f'<font cms-style="font-L{" strong-Bold" if at % 3 == 1 else ""}">{_sentences(rng)}</font>'
        for at in range(runs)
    )
    return f"<p>　　{''.join(fonts)}</p>"


def _sentences(rng: random.Random) -> str:
    return "".join(
        f"{rng.choice(_LINKS)}，{rng.choice(_PLACES)}{rng.choice(_BODIES)}{rng.choice(_VERBS)}"
        f"{rng.choice(_PLACES)}{rng.choice(_OBJECTS)}，{rng.choice(_AIMS)}。"
        for _ in range(2)
    )


def _with_share(rng: random.Random, paragraph: str, share: tuple[str, str]) -> str:
    """The paragraph with one of the site's own links to a share at the end of its first run."""
    code, name = share
    link = (
        f'<span id="stock_{code}"><a href="https://finance.sina.com.cn/realstock/company/{code}/'
        'nc.shtml" class="keyword" target="_blank" data-sudaclick="content_marketkeywords_p">'
        f'{name}</a></span><span id="quote_{code}"></span>'
    )
    return paragraph.replace("</font>", f"{link}等{rng.randint(3, 40)}家单位参加。</font>", 1)


_FOOT = """







<!-- 正文下iframe -->


<!-- 正文下iframe -->

<!-- 总声明-->











<!-- 总声明-->

<!-- 文末二维码 start -->


            <!-- 文末二维码 start -->
            <style>
            .appendQr_wrap&#123;border:1px solid #E6E6E6;padding:8px;&#125;
            .appendQr_normal&#123;float:left;&#125;
            .appendQr_normal img&#123;width:74px;&#125;
            .appendQr_normal_txt&#123;float:left;font-size:20px;line-height:74px;color:#333;&#125;
            </style>
            <div class="clearfix appendQr_wrap">
                <div class="appendQr_normal"><img \
src="https://n.sinaimg.cn/finance/cece9e13/20200514/343233024.png" \
referrerpolicy="no-referrer"></div>
                <div class="appendQr_normal_txt">下载应用，随时阅读</div>
            </div>
            <!-- 文末二维码 start -->

            <!-- 文末二维码 start -->

<!-- 编辑姓名及工作代码 -->

<p class="article-editor">责任编辑：NAME </p>
<!-- 编辑姓名及工作代码-->

\x20\x20
</div>
            """
