"""Feeds and pages for the tests, and a World that may fetch them from loopback."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tests.http_server import Reply, Web
from tests.servers import Server
from tests.world import World

Make = Callable[..., World]


def item(number: int, *, title: str = "", text: str = "", link: str = "", more: str = "") -> str:
    """One feed entry; different numbers are different articles."""
    return (
        f"<item><title>{title or f'港口第{number}号公告'}</title>"
        f"<link>{link or f'https://harbour.example/{number}.html'}</link>"
        f"<guid>guid-{number}</guid>"
        f"<pubDate>Fri, 26 Nov 2021 {number // 60 % 24:02}:{number % 60:02}:04 GMT</pubDate>"
        f"<description>{text or f'第{number}段正文，今日发布。'}</description>{more}</item>"
    )


def rss(items: Sequence[str], head: str = "") -> bytes:
    """A feed of these entries; `head` is put into its channel."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?><rss version="2.0"><channel>'
        f"<title>港口日报</title><link>https://harbour.example/</link>{head}"
        f"{''.join(items)}</channel></rss>"
    ).encode()


def feed(*numbers: int, head: str = "", **headers: str) -> Reply:
    """A reply with a feed of these entries."""
    return Reply(body=rss([item(number) for number in numbers], head), headers=headers)


PAGE = """<!DOCTYPE html><html lang="zh"><head><meta charset="utf-8"><title>{title}_港口网</title>
<meta name="author" content="林晚照"></head><body><nav><a href="/">首页</a></nav>
<article><h1>{title}</h1>{body}</article><footer>版权所有</footer></body></html>"""


def page(title: str, text: str) -> Reply:
    """A page as a site has it, with a body of a few paragraphs that begin with `text`."""
    more = "码头的自动化设备已经连续运行三百天，装卸效率比去年提高了两成，照明也换成了节能灯。"
    body = "".join(f"<p>{text if at == 0 else ''}{more}第{at}段。</p>" for at in range(5))
    return Reply(
        body=PAGE.format(title=title, body=body).encode(),
        headers={"content-type": "text/html; charset=utf-8"},
    )


def newsroom(state_dir: Path, server: Server, *webs: Web, **options: Any) -> World:
    """A World that may fetch from these servers without delays."""
    allowed = {
        "fetch.allow_networks": ["127.0.0.0/8"],
        "fetch.allow_ports": [web.port for web in webs],
        "fetch.host_interval_seconds": 0,
        "fetch.host_connections": 100,
        "fetch.deadline_seconds": 20,
    }
    return World(state_dir, server.url, **{**allowed, **options})


def titles(world: World) -> list[str]:
    """Of the records in the stream, in order."""
    return [entry["data"]["title"] for entry in world.entries()]
