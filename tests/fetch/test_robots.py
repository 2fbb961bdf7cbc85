"""robots.txt: what it allows, how it is kept, and what happens where it cannot be had."""

import asyncio

import pytest

from tests.fetch.fetching import settings
from tests.http_server import Page, Reply, Web
from worker.errors import FetchFailed, Trouble
from worker.fetch import Fetcher, RobotsDecision, check_robots
from worker.fetch.robots import KEEP_FAILED_SECONDS, KEEP_SECONDS, MAX_BYTES, reduce_rules

AGENT = "newsdrop/1.0 (+https://acme.example)"
RULES = b"""
User-agent: other
Disallow: /

User-agent: NewsDrop
Crawl-delay: 2.5
Disallow: /private
Allow: /private/*.html$

User-agent: *
Disallow: /
"""


class Kept(dict[str, bytes]):
    """A cache in memory that remembers for how long each text was to be kept."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[int] = []

    def put(self, origin: str, text: bytes, seconds: int) -> None:
        self[origin] = text
        self.seconds.append(seconds)


def verdicts(
    robots: Page | None, *paths: str, cache: Kept | None = None
) -> tuple[list[RobotsDecision], Web]:
    """What a site with this robots.txt says of `paths`, asked in turn."""

    async def run(web: Web) -> list[RobotsDecision]:
        async with Fetcher(settings(web, max_mb=1)) as fetcher:
            return [await check_robots(fetcher, web.url(path), kept, AGENT) for path in paths]

    kept = Kept() if cache is None else cache
    with Web() as web:
        if robots is not None:
            web.pages["/robots.txt"] = robots
        return asyncio.run(run(web)), web


def test_rules_for_us_go_before_those_for_all() -> None:
    """The group that names newsdrop counts, wildcards and longest match and all."""
    found, web = verdicts(
        Reply(body=RULES), "/a", "/private/x", "/private/x.html", "/private/x.html?y"
    )
    assert [one.is_allowed for one in found] == [True, False, True, False]
    assert {one.crawl_delay_seconds for one in found} == {2.5}
    origin = web.url("").rstrip("/")
    assert found[1].reason == f"{origin}/robots.txt does not allow it for {AGENT}"
    assert len(web.requests_for("/robots.txt")) == 1


def test_rules_for_others_are_not_ours() -> None:
    """Where we are not named, the group for all counts; without it everything is allowed."""
    others = b"User-agent: other\nUser-agent: another\nDisallow: /a\n"
    found, _ = verdicts(Reply(body=others), "/a")
    assert found == [RobotsDecision(True)]
    found, _ = verdicts(Reply(body=others + b"User-agent: *\nDisallow: /b\n"), "/a", "/b")
    assert [one.is_allowed for one in found] == [True, False]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 429])
def test_no_robots_txt_allows_everything(status: int) -> None:
    """A 4xx is no rules, kept for a day."""
    kept = Kept()
    found, _ = verdicts(Reply(status, b"User-agent: *\nDisallow: /"), "/a", "/b", cache=kept)
    assert found == [RobotsDecision(True), RobotsDecision(True)]
    assert kept.seconds == [KEEP_SECONDS]


def test_redirects_are_followed() -> None:
    """robots.txt may be elsewhere; a circle is no rules."""

    async def run(web: Web, away: Web) -> list[RobotsDecision]:
        async with Fetcher(settings(web, away)) as fetcher:
            return [await check_robots(fetcher, web.url("/a"), Kept(), AGENT)]

    with Web() as web, Web(host="127.0.0.2") as away:
        web.pages["/robots.txt"] = Reply(301, headers={"location": away.url("/r")})
        away.pages["/r"] = Reply(body=RULES.replace(b"/private", b"/a"))
        assert not asyncio.run(run(web, away))[0].is_allowed
    found, _ = verdicts(Reply(301, headers={"location": "/robots.txt"}), "/a")
    assert found == [RobotsDecision(True)]


@pytest.mark.parametrize("status", [500, 503])
def test_a_server_in_trouble_is_asked_later(status: int) -> None:
    """Nobody knows what a 5xx would allow: pages wait, and for a while nobody asks again."""

    async def run(web: Web) -> str:
        async with Fetcher(settings(web)) as fetcher:
            for _ in range(3):
                with pytest.raises(FetchFailed) as caught:
                    await check_robots(fetcher, web.url("/a"), kept, AGENT)
                assert caught.value.trouble is Trouble.ROBOTS
                assert not caught.value.refused
        return str(caught.value)

    kept = Kept()
    with Web() as web:
        web.pages["/robots.txt"] = Reply(status)
        message = asyncio.run(run(web))
        assert len(web.requests) == 1
        there = web.url("/robots.txt")
    assert message == f"{there} answers {status}, so pages of this site wait: try later"
    assert kept.seconds == [KEEP_FAILED_SECONDS]


def test_a_server_that_does_not_answer_is_asked_later() -> None:
    """A closed port is ROBOTS too, with what was met."""

    async def run(url: str, web: Web) -> None:
        async with Fetcher(settings(web)) as fetcher:
            await check_robots(fetcher, url, Kept(), AGENT)

    with Web() as web:
        url = web.url("/a")
    with pytest.raises(
        FetchFailed, match="cannot be fetched, so pages of this site wait"
    ) as caught:
        asyncio.run(run(url, web))
    assert caught.value.trouble is Trouble.ROBOTS
    assert "connection refused" in str(caught.value)


def test_a_refused_address_is_refused_and_not_kept() -> None:
    """A page in a closed network fails as such: no robots.txt would help."""

    async def run() -> None:
        async with Fetcher(settings(allow_networks=[])) as fetcher:
            await check_robots(fetcher, "http://127.0.0.1/a", kept, AGENT)

    kept = Kept()
    with pytest.raises(FetchFailed) as caught:
        asyncio.run(run())
    assert caught.value.trouble is Trouble.ADDRESS
    assert caught.value.refused
    assert kept == {}


def test_a_long_one_is_read_to_512_kib() -> None:
    """Rules within the first 512 KiB count; what is beyond them is cut off."""
    line = b"# " + b"x" * 997 + b"\n"
    text = b"User-agent: *\nDisallow: /a\n" + line * 600 + b"Disallow: /b\n"
    kept = Kept()
    found, _ = verdicts(Reply(body=text), "/a", "/b", cache=kept)
    assert [one.is_allowed for one in found] == [False, True]
    assert [len(one) for one in kept.values()] == [MAX_BYTES]


@pytest.mark.parametrize("text", [b"\xff\xfe\x00nonsense", b"<html></html>", b"\0" * 100, b""])
def test_nonsense_is_no_rules(text: bytes) -> None:
    """What is no robots.txt allows everything, a text that looks like a kept failure too."""
    found, _ = verdicts(Reply(body=text), "/a")
    assert found == [RobotsDecision(True)]


def test_names_of_others_are_one_name() -> None:
    """Thousands of robots above thousands of rules are not thousands of thousands of rules."""
    names = "".join(f"User-agent: robot{n}\n" for n in range(1000))
    text = f"{names}Disallow: /x\nUser-Agent: newsdrop # us\nUser-agent: *\nDisallow: /y\n"
    kept = reduce_rules(text, AGENT).splitlines()
    assert len(kept) == 5
    assert kept[1:] == [
        "Disallow: /x",
        "User-Agent: newsdrop # us",
        "User-agent: *",
        "Disallow: /y",
    ]
