"""The language of pages: how it is chosen, and that a Chinese page is Chinese."""

import re
from collections.abc import Iterator

import pytest

from tests.cli.conftest import home, lonely
from tests.home import Home, article
from tests.web.served import Served, served

__all__ = ["home", "lonely"]

PAGES = (
    *("/", "/articles", "/feeds", "/jobs", "/quarantine", "/explain", "/enqueue", "/consumers"),
    *("/nothing", "/sources/drop", "/articles?source=nobody", "/quarantine?reason=empty"),
)


@pytest.fixture
def ours(home: Home) -> Iterator[Served]:
    """A home with an article and a refused file, served."""
    paths = [home.put("a.md", article("潮汐表")), home.put("b.md", b"")]
    home.run("enqueue", *map(str, paths))
    home.work()
    with served(home) as one:
        yield one


def words(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def test_the_language_of_a_page(ours: Served) -> None:
    """`?lang=` and its cookie, else Accept-Language; the API answers in English."""
    client = ours.client

    def language(path: str, **headers: str) -> str:
        client.cookies.clear()
        found = re.search(r'<html lang="([^"]+)"', client.get(path, headers=headers).text)
        return found[1] if found else ""

    assert language("/") == "en"
    assert language("/", **{"accept-language": "zh-CN,zh;q=0.9,en;q=0.8"}) == "zh-Hans"
    assert language("/?lang=en", **{"accept-language": "zh"}) == "en"
    assert language("/", cookie="newsdrop_language=zh") == "zh-Hans"
    assert language("/?lang=en", cookie="newsdrop_language=zh") == "en"
    assert language("/?lang=xx", cookie="newsdrop_language=xx") == "en"
    client.cookies.clear()
    answer = client.get("/feeds?lang=zh")
    assert re.match(r"newsdrop_language=zh; .*HttpOnly", answer.headers["set-cookie"])
    assert '<html lang="zh-Hans"' in client.get("/feeds").text  # by the cookie alone
    assert ours.get("/articles/20210101-0123456789abcdef01234567", 404)["detail"].isascii()


def test_pages_in_chinese_are_whole(ours: Served) -> None:
    """Headings and navigation are Chinese on each page, and no English sentence is left."""
    for path in PAGES:
        html = ours.client.get(path, headers={"accept-language": "zh"}).text
        shown = re.sub(r"(?s)<(script|style|code|kbd|pre)\b.*?</\1>|<head>.*?</head>", " ", html)
        assert re.findall(r"(?:[A-Za-z][a-z]+ ){3,}[a-z]+", words(shown)) == [], path
        headings = re.findall(r"(?s)<h[12][^>]*>(.*?)</h[12]>", html)
        assert headings, path
        others = [one for one in map(words, headings) if not re.search(r"[一-鿿]", one)]
        assert set(others) <= {"Worker", "drop"}, path  # a word that operators use; a name
