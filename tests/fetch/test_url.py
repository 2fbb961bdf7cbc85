"""Addresses: taken apart once, what cannot be fetched refused, secrets not shown."""

import time

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.errors import FetchFailed, Trouble
from worker.fetch import parse_target, printable_url, public_url
from worker.fetch.url import join_url


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("http://news.example", "http://news.example/"),
        ("HTTPS://News.Example:443/a b?q=汉#part", "https://news.example/a%20b?q=%E6%B1%89"),
        (" http://news.example/a\n/b\t", "http://news.example/a/b"),
        ("http://news.example./x", "http://news.example/x"),
        ("http://新闻.example/", "http://xn--efvy88h.example/"),
        ("http://新闻。example/", "http://xn--efvy88h.example/"),
        ("http://me:pass@news.example/", "http://news.example/"),
        ("https://news.example:80/", "https://news.example:80/"),
        ("http://[2001:DB8:0::1]/x", "http://[2001:db8::1]/x"),
        ("http://news.example\\x\\..\\y?a\\b", "http://news.example/y?a\\b"),
        ("http://under_score.news.example/", "http://under_score.news.example/"),
    ],
)
def test_an_address_is_read_as_browsers_do(written: str, meant: str) -> None:
    """Blanks, case, IDNA, usual ports, fragments and users are brought into one form."""
    assert parse_target(written).url == meant


def test_the_parts_of_a_target() -> None:
    """Scheme, host, port, origin and path are what is connected to and asked for."""
    target = parse_target("https://a%40b:p:w@[::1]:8443/x?y=1#z", [8443])
    assert (target.scheme, target.host, target.port) == ("https", "::1", 8443)
    assert (target.origin, target.path) == ("https://[::1]:8443", "/x?y=1")
    assert target.authority == "[::1]:8443"
    assert target.authorization == "Basic YUBiOnA6dw=="
    assert "YUBi" not in repr(target)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "news.example/feed",
        "//news.example/",
        "file:///etc/passwd",
        "ftp://news.example/",
        "unix:///run/x.sock",
        "gopher://news.example/",
        "javascript:alert(1)",
        "http://",
        "http:///x",
        "http:news.example",
        "http://news.example:8080/",
        "http://news.example:0/",
        "http://news.example:99999/",
        "http://news.example:x/",
        "http://127.1/",
        "http://2130706433/",
        "http://0x7f.0.0.1/",
        "http://0177.0.0.1/",
        "http://1.2.3.4.5/",
        "http://１２７.0.0.1/",
        "http://[fe80::1%25eth0]/",
        "http://[::1",
        "http://[::1]x/",
        "http://%31%32%37.0.0.1/",
        "http://a..b/",
        "http://-a.example/",
        "http://a b.example/",
        "http://news.example/\x00x",
        "http://news.example/\x1b[0m",
        "http://" + "a" * 64 + ".example/",
        "http://" + "a." * 130 + "example/",
        "http://news.example/" + "x" * 4096,
    ],
)
def test_what_cannot_be_fetched_is_refused(url: str) -> None:
    """Other schemes, ports and hosts are refused before anything is resolved."""
    with pytest.raises(FetchFailed) as caught:
        parse_target(url)
    assert caught.value.trouble is Trouble.ADDRESS
    assert caught.value.refused
    assert str(caught.value).isprintable()


def test_a_refused_address_shows_no_password() -> None:
    """The message names the address without its user and password."""
    with pytest.raises(FetchFailed) as caught:
        parse_target("http://me:geheim@news.example:8080/?token=geheim")
    message = str(caught.value)
    assert "geheim" not in message
    advice = "list 8080 in fetch.allow_ports (NEWSDROP_FETCH_ALLOW_PORTS) if you need it"
    assert message.endswith(f"has port 8080: {advice}")


@given(st.text(max_size=40), st.text(alphabet="a.@:/\\?#[]%1x汉 ", max_size=40))
def test_any_text_is_a_target_or_refused(head: str, tail: str) -> None:
    """No text makes anything but a Target or a FetchFailed; a Target is read again as itself."""
    for url in (head, f"http://{head}{tail}", f"http://{tail}"):
        public_url(url)
        join_url("http://news.example/", url)
        try:
            target = parse_target(url)
        except FetchFailed:
            continue
        assert target.url.isascii()
        again = httpx.URL(target.url)
        assert (again.scheme, again.raw_host.decode()) == (target.scheme, target.host)
        assert again.raw_path.decode() == target.path
        assert parse_target(target.url) == parse_target(parse_target(target.url).url)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://me:pw@news.example/a", "https://news.example/a"),
        ("https://me@x:pw@news.example/a@b", "https://news.example/a@b"),
        ("//me:pw@news.example/a", "//news.example/a"),
        ("https://news.example/?a=1&token=x%20y&b=2", "https://news.example/?a=1&token=…&b=2"),
        ("https://news.example/?API-Key=x;Sig=y", "https://news.example/?API-Key=…;Sig=…"),
        ("https://news.example/?%74oken=x", "https://news.example/?%74oken=…"),
        ("https://news.example/?X-Amz-Signature=x", "https://news.example/?X-Amz-Signature=…"),
        (
            "https://news.example/?key=&monkey=1&keys=2",
            "https://news.example/?key=&monkey=1&keys=2",
        ),
        ("https://news.example/?=token=x&b", "https://news.example/?=token=…&b"),
        ("https://news.example/a#access_token=x", "https://news.example/a"),
        ("https://news.example/a?b=me@x", "https://news.example/a?b=me@x"),
        ("not an address", "not an address"),
    ],
)
def test_secrets_are_not_public(url: str, shown: str) -> None:
    """User, password, fragment and the values of parameters named as secrets are left out."""
    assert public_url(url) == shown


def test_a_long_address_is_shown_at_once() -> None:
    """The address of a redirect may have 100 kB, that of a list any size: no part is read twice."""
    began = time.process_time()
    for part in ("a", "=", "a=", "&", "[", "token"):
        with pytest.raises(FetchFailed):
            parse_target(f"http://news.example/?{part * 200_000}")
    assert time.process_time() - began < 5


def test_a_shown_address_moves_no_cursor() -> None:
    """What is shown is printable, whatever the address is made of."""
    assert printable_url("http://me:pw@x/\x1b[2J") == "http://x/\\x1b[2J"


def test_a_repeated_address_is_parsed_once() -> None:
    """A poll parses its address several times; the ports that are allowed count."""
    assert parse_target("http://news.example/a") is parse_target("http://news.example/a")
    assert parse_target("http://news.example:81/", [81]).port == 81
    with pytest.raises(FetchFailed):
        parse_target("http://news.example:81/")
