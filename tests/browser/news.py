"""Made-up articles for the browser: as a mirror has them, one that attacks, some that are bad."""

_PLACES = ("云屿港", "澄湖市", "北岭站", "南浦桥", "青石镇")
_NEWS = ("启用自动化码头", "公布供水改造方案", "试行夜间公交", "扩建候鸟保护区", "推迟调价")


def article(number: int, title: str = "") -> bytes:
    """The article of that number; any two numbers are two articles."""
    title = title or f"{_PLACES[number % 5]}{_NEWS[number // 5 % 5]}，第{number}期观察"
    return f"""
---
title: '{title}'
categories:
 - 财经
 - 港口日报
author: 港口日报
date: Fri, 26 Nov 2021 {number // 60 % 24:02}:{number % 60:02}:04 GMT
---

<div>
<p>　　<font cms-style="font-L">设备已连续运行三百天，装卸效率比去年提高两成。</font></p>
<p>　　<font cms-style="strong-Bold">第{number}号公告：投资约三亿二千万元，分两期实施。</font></p>
<p>　　<font cms-style="font-L">Analysts expect volumes to rise 12% in 2022.</font></p>
<div class="img_wrapper"><img src="https://images.example/{number}.jpg" alt="码头"></div>
</div>
""".encode()


HOSTILE = """
---
title: '<img src=x onerror=alert(1)> "&lt;script&gt;" \u202e反转'
author: '<script>alert(2)</script>'
date: Fri, 26 Nov 2021 13:00:00 GMT
---

<div><script>alert(3)</script><p onclick="alert(4)">正文 <a href="javascript:alert(5)">link</a>
<img src="https://elsewhere.example/pixel.gif"><svg onload="alert(6)"></svg></p>
<iframe src="https://elsewhere.example/"></iframe><p>第二段，足够长的一段文字。</p></div>
""".encode()

REFUSED = {
    "empty.md": b"",
    "<b>no-content.html": b"---\ntitle: 'No body'\n---\n",
    "program.bin": bytes(range(256)) * 16,
}
