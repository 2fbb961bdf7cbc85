"""One article has one address: what the canonical form leaves out, and what it must keep."""

from functools import partial

import pytest

from tests.normalize.conftest import make, profile_with
from worker.model import Scope
from worker.normalize.urls import absolute, address_key, canonical_address

ONE_FORM = {
    "campaign": ("https://a.example/n/7?utm_source=rss&utm_medium=feed", "https://a.example/n/7"),
    "click ids": ("https://a.example/n/7?fbclid=x&gclid=y&msclkid=z", "https://a.example/n/7"),
    "between others": ("https://a.example/n?id=7&spm=a.b&page=2", "https://a.example/n?id=7&page=2"),
    "upper case": ("https://a.example/n/7?UTM_Source=x", "https://a.example/n/7"),
    "WeChat": ("https://a.example/n?id=7&from=timeline&isappinstalled=0", "https://a.example/n?id=7"),
    "way here": ("https://a.example/n/7?ref=rss", "https://a.example/n/7"),
    "fragment": ("https://a.example/n/7#comments", "https://a.example/n/7"),
    "default port": ("https://a.example:443/n/7", "https://a.example/n/7"),
    "http port": ("http://a.example:80/n/7", "http://a.example/n/7"),
    "quoted text": ("https://a.example/n/7#:~:text=harbour", "https://a.example/n/7"),
    "amp folder": ("https://a.example/harbour-bridge-reopens/amp/", "https://a.example/harbour-bridge-reopens/"),
    "amp suffix": ("https://a.example/news/12345.amp", "https://a.example/news/12345"),
    "amp file": ("https://a.example/news/12345.amp.html", "https://a.example/news/12345.html"),
    "amp query": ("https://a.example/n/7?amp=1", "https://a.example/n/7"),
    "amp bare": ("https://a.example/n/7?amp", "https://a.example/n/7"),
    "amp cache": ("https://a-example.cdn.ampproject.org/c/s/a.example/n/7", "https://a.example/n/7"),
    "Google's alerts": (
        "https://www.google.com/url?rct=j&sa=t&url=https://a.example/n%3Fid%3D7&ct=ga",
        "https://a.example/n?id=7",
    ),
    "amp viewer": ("https://www.google.com/amp/s/a.example/n/7", "https://a.example/n/7"),
}  # fmt: skip

KEPT = {
    "ids": "https://a.example/forum.php?mod=viewthread&tid=33",
    "shortlink": "https://a.example/?p=123",
    "other port": "https://a.example:8443/n/7",
    "route of a script": "https://a.example/#!/n/7",
    "entry of a page": "https://a.example/changes#v1.2",
    "host in upper case": "HTTPS://A.Example/N/7",
    "host alone": "https://a.example",
    "index": "https://a.example/n/7/index.html",
    "an article about amps": "https://a.example/wiki/amp",
    "a source that is a value": "https://a.example/n?source=Reuters&ref=7",
    "index with a number": "https://a.example/index.php?id=7",
    "mobile host": "https://m.a.example/n/7",
    "http": "http://a.example/n/7",
    "credentials": "https://user:word@a.example:443/n/7",
    "IPv6": "https://[2001:db8::1]:443/n/7",
    "bad port": "https://a.example:99999999/n/7",
    "amp cache of no host": "https://www.google.com/amp/s/a.<b>/n/7",
    "amp cache of a bad port": "https://www.google.com/amp/s/a.example:99999999/n/7",
    "another scheme": "app+news://a.example/N/7",
}


@pytest.mark.parametrize(("address", "canonical"), ONE_FORM.values(), ids=ONE_FORM)
def test_one_form(address: str, canonical: str) -> None:
    """Each kind of variation leads to the one form, which is stable."""
    assert canonical_address(address) == canonical
    assert canonical_address(canonical) == canonical


@pytest.mark.parametrize("address", KEPT.values(), ids=KEPT)
def test_kept(address: str) -> None:
    """What names the article, or cannot be told from that, stays."""
    assert canonical_address(address) == address


def test_https_needs_evidence() -> None:
    """`http` becomes `https` for a host that was read over https, and for no other."""
    given = "http://a.example/n/7"
    assert canonical_address(given, {"b.example"}) == given
    assert canonical_address(given, {"a.example"}) == "https://a.example/n/7"
    assert canonical_address("http://a.example:80/n/7", {"a.example"}) == "https://a.example/n/7"
    other_port = "http://a.example:8080/n/7"
    assert canonical_address(other_port, {"a.example"}) == other_port
    page = make(url=given, canonical_url="https://a.example/n/7").article
    assert page.url == "https://a.example/n/7"
    assert make(url=given).article.url == given


def test_key_joins_what_the_address_cannot_tell() -> None:
    """Scheme, `www.`, mobile and AMP hosts and the order of parameters are one key."""
    forms = (
        "https://www.A.example/n/7?a=1&b=2", "http://m.a.example/n/7/?b=2&a=1",
        "https://3g.a.example/n/7?a=1&b=2#top", "https://wap.a.example/n/7?a=1&utm_id=3&b=2",
        "https://amp.a.example/amp/n/7?a=1&b=2",
    )  # fmt: skip
    assert len({address_key(form) for form in forms}) == 1
    assert address_key("https://en.m.wiki.example/p") == address_key("https://en.wiki.example/p")
    assert address_key("https://a.example/n/8") != address_key("https://a.example/n/7")
    assert address_key("https://a.example/n/index.html") == address_key("https://a.example/n/")
    assert address_key("https://a.example/n#!/1") != address_key("https://a.example/n#!/2")
    assert address_key("https://a.example/amplify/8") != address_key("https://a.example/lify/8")


@pytest.mark.parametrize("address", ["https://a.example", "http://www.a.example/?utm_source=x"])
def test_a_front_page_is_no_key(address: str) -> None:
    """A front page joins nothing: many articles give it as their address."""
    assert address_key(address) is None


def test_the_given_address_stays_in_the_provenance() -> None:
    """`url` is canonical; `provenance.link` keeps what was given, where that is another address."""
    given = "https://a.example/n/7?utm_source=rss"
    article = make(url=given, external_url="https://b.example/x?utm_source=a").article
    assert (article.url, article.provenance.link) == ("https://a.example/n/7", given)
    assert article.external_url == "https://b.example/x?utm_source=a"
    plain = make(url="https://a.example/n/7").article
    assert (plain.url, plain.provenance.link) == ("https://a.example/n/7", None)


@pytest.mark.parametrize("scope", Scope)
def test_identity_does_not_follow_the_canonical_address(scope: Scope) -> None:
    """No canonical address changes a key, in any scope: what was published keeps its id."""
    build = partial(make, date="2021-02-20", profile=profile_with(scope=scope))
    given = "https://a.example/n/7?utm_source=rss"
    alone = build(url=given)
    declared = build(url=given, canonical_url="https://a.example/n/7")
    assert alone.identity == declared.identity
    plain = build(url="https://a.example/n/7")
    assert (plain.identity == alone.identity) is (scope is not Scope.URL)
    assert alone.article.dedupe == declared.article.dedupe


HOSTS = (
    *("a.example", "A.example", "a_b.example", "a.example:8080", "user@a.example", "localhost"),
    *("新闻.cn", "新闻。中国", "xn--efvn9s.cn", "münchen.example", "☃.example", "192.0.2.1"),
    "[2001:db8::1]",
)
NO_HOSTS = (
    *("a%20b.example", "a\ufffd.example", "xn--a-ecp.example", "xn--a.example", "1.2.3.4.5"),
    *(
        "999.1.1.1",
        "a.example:99999",
        "a.example:x",
        "a<b.example",
        "新>闻.cn",
        "\ufff0www.example",
    ),
    *("[::1", 'a".example', "\u0301a.example", "a。%.example", ""),
)


@pytest.mark.parametrize("host", HOSTS)
def test_a_host(host: str) -> None:
    """A host that a browser accepts is one: names of any script, numbers, a port, a user."""
    assert absolute(f"https://{host}/x") == f"https://{host}/x"


@pytest.mark.parametrize("host", NO_HOSTS)
def test_no_host(host: str) -> None:
    """An address whose host no browser accepts is none: who shows it would drop it, or break."""
    assert absolute(f"https://{host}/x") is None


def test_a_redirection_to_no_host() -> None:
    """A link of Google's Alerts to an address without a host stays as it is."""
    link = "https://www.google.com/url?url=https://%5Bx/n"
    assert canonical_address(link) == link


@pytest.mark.parametrize("proxy", ["https://cors.a.example/?url=", "https://www.google.com/url?q="])
def test_no_controls_in_an_unquoted_address(proxy: str) -> None:
    """What a proxy's address hides behind `%` is no control character of a record's address."""
    address = absolute(f"{proxy}https%3A%2F%2Fb.example%2Fn%00%0A%1B%5B1m%E2%80%AE7")
    assert address
    assert canonical_address(address) == "https://b.example/n[1m7"
