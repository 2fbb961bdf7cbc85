"""The hostile inputs: each with the results that are right for it.

A result is `read` (an article came out), a reason for a refusal, or `ended` (the process was ended
by a bound, which the journal counts). Inputs are made when they are needed: some have 30 MB.
"""

import bz2
import gzip
import json
import lzma
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import zstandard

from tests.formats.test_archive import article, special, tar, zipped
from tests.formats.test_tar import ANY, CLAIMS, END, header, member, octal, sparse

MEGA = 1_000_000
READ = frozenset({"read"})
REFUSED = frozenset(
    {"empty", "no_content", "front_matter", "not_text", "malformed", "unknown_format"}
    | {"broken_archive", "too_large", "too_many", "too_deep", "unsafe", "unreadable"}
)
ANY_RESULT = READ | REFUSED


@dataclass(frozen=True, slots=True)
class Case:
    """`right` are the permitted results; any other one fails."""

    name: str
    data: Callable[[], bytes]
    right: frozenset[str]


def cases() -> Iterator[Case]:
    """Every case; the part of the name before the first `:` is its kind."""
    for kind, group in GROUPS.items():
        for name, data, right in group():
            maker = data if callable(data) else partial(bytes, data)
            yield Case(f"{kind}: {name}", maker, _set(right))


def _set(right: str | frozenset[str]) -> frozenset[str]:
    return right if isinstance(right, frozenset) else frozenset(right.split())


Row = tuple[str, bytes | Callable[[], bytes], str | frozenset[str]]


def _files() -> Iterator[Row]:
    yield "nothing", b"", "empty"
    yield "white space", b" \n\t" * 1000, "empty"
    yield "zeros", bytes(MEGA), "not_text"
    yield "every byte", bytes(range(256)) * 100, REFUSED
    yield "a byte order mark alone", b"\xef\xbb\xbf", "empty"
    yield "UTF-16 without text", b"\xff\xfe", REFUSED
    yield (
        "half a UTF-16 character",
        b"\xff\xfe" + "---\ntitle: x\n---\ny".encode("utf-16-le")[:-1],
        ANY_RESULT,
    )
    yield "UTF-32", "---\ntitle: x\n---\ny".encode("utf-32"), ANY_RESULT
    yield "lone surrogates", b"# a\xed\xa0\x80b\n\ny", ANY_RESULT
    yield "overlong UTF-8", b"# a\xc0\xafb\n\ny", ANY_RESULT
    yield "a picture", b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 50, REFUSED
    yield "a program", b"\x7fELF\x02\x01\x01" + bytes(500), REFUSED
    yield "a PDF", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + b"x" * 5000, REFUSED
    yield "more than a file may have", lambda: b"# x\n" + b"y" * 32 * MEGA, "too_large"
    yield "charset without end", lambda: b"<meta charset=" * MEGA, REFUSED
    yield (
        "a million different charsets",
        b"<html><meta charset='no-such-thing'><h1>x</h1><p>y</p>",
        ANY_RESULT,
    )


def _archives() -> Iterator[Row]:
    for name, claim in CLAIMS.items():
        yield f"tar {name}", claim + END, "broken_archive too_large"
        yield f"tar.gz {name}", gzip.compress(claim + END), "broken_archive too_large"
    for kind in (b"1", b"2", b"3", b"4", b"6"):
        yield f"tar member of kind {kind!r}", tar(special("l", kind)), "unsafe"
    yield "tar sparse", sparse("s") * 40 + END, "unsafe"
    yield "tar without end", ANY[:700], "read broken_archive"
    yield (
        "tar of folders",
        lambda: b"".join(header("d/", octal(0), b"5") for _ in range(12_000)),
        "too_many",
    )
    yield "tar names that climb", tar(("../../etc/passwd", article("A"))), "read"
    yield "zip names that climb", zipped(("../../etc/passwd", article("A"))), "read"
    yield (
        "tar of 3 MB of signs",
        gzip.compress(member("a", b"\0\1" * MEGA) + END),
        "not_text unknown_format",
    )
    for packer, pack in (
        ("gz", gzip.compress),
        ("bz2", bz2.compress),
        ("xz", lzma.compress),
        ("zst", zstandard.ZstdCompressor().compress),
    ):
        yield f"{packer} bomb", partial(_bomb, pack), "too_large"
        yield f"{packer} cut off", pack(article("A") * 500)[:60], "broken_archive"
        yield f"{packer} of nothing", pack(b""), "empty"
        yield f"{packer} in {packer} in {packer}", pack(pack(pack(article("A")))), "too_deep"
        yield f"{packer} with rubbish behind", pack(article("A")) + b"rubbish", ANY_RESULT
    yield "xz streams", lambda: lzma.compress(b"") * 200_000, "too_many"
    yield "zst frames", lambda: zstandard.ZstdCompressor().compress(b"") * 200_000, "too_many"
    yield "gz members", lambda: gzip.compress(b"") * 200_000, "empty ended"
    yield "bz2 streams", lambda: bz2.compress(b"") * 200_000, "empty ended"
    yield (
        "xz of a huge window",
        lzma.compress(b"x", filters=[{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 29}]),
        "broken_archive too_large",
    )
    yield "gz of another length", gzip.compress(article("A"))[:-4] + b"\xff" * 4, "broken_archive"
    yield "zip without members", b"PK\x05\x06" + bytes(18), ANY_RESULT
    yield "zip of nested zips", _nested(12), "too_deep"
    yield "zip whose members overlap", _overlapping(), ANY_RESULT
    yield "zip of 70,000 entries", partial(_many_entries, 70_000), "too_many broken_archive"
    yield (
        "zip bomb",
        lambda: zipped(*((f"{n}", bytes(8 * MEGA)) for n in range(8))),
        "not_text too_large",
    )
    yield (
        "zip with a comment",
        zipped(("a", article("A")))[:-2] + struct.pack("<H", 5) + b"hello",
        "read",
    )
    yield "zip cut off", zipped(("a", article("A")))[:-10], "broken_archive"


def _bomb(pack: Callable[[bytes], bytes]) -> bytes:
    return pack(bytes(16 * MEGA)) * 8


def _nested(depth: int) -> bytes:
    data = article("A")
    for _ in range(depth):
        data = zipped(("in.zip", data))
    return data


def _overlapping() -> bytes:
    data = zipped(("a", article("A")))
    start, entry = data.index(b"PK\x01\x02"), data.index(b"PK\x05\x06")
    central = data[start:entry] * 50
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 50, 50, len(central), start, 0)
    return data[:start] + central + end


def _many_entries(count: int) -> bytes:
    return b"PK\x03\x04" + b"PK\x01\x02".ljust(46, b"\0") * count + b"PK\x05\x06" + bytes(18)


def _feed(body: bytes) -> bytes:
    return b"<rss version='2.0'><channel><title>f</title>" + body + b"</channel></rss>"


def _xml() -> Iterator[Row]:
    entity = b"<!DOCTYPE rss [<!ENTITY a 'aaaaaaaaaa'>"
    laughs = entity + b"".join(b"<!ENTITY a%d '%s'>" % (n, b"&a;" * 10) for n in range(9)) + b"]>"
    item = b"<item><title>x</title><description>y</description></item>"
    yield "entities within entities", laughs + _feed(b"<item><title>&a8;</title></item>"), REFUSED
    yield (
        "one entity ten thousand times",
        entity
        + b"]>"
        + _feed(
            b"<item><title>x</title><description>" + b"&a;" * 10_000 + b"</description></item>"
        ),
        ANY_RESULT,
    )
    yield (
        "external entity",
        b"<!DOCTYPE rss [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>"
        + _feed(b"<item><title>&x;</title></item>"),
        REFUSED,
    )
    yield (
        "parameter entity",
        b"<!DOCTYPE rss [<!ENTITY % x SYSTEM 'http://127.0.0.1/'> %x;]>" + _feed(item),
        ANY_RESULT,
    )
    yield (
        "external DTD",
        b"<!DOCTYPE rss SYSTEM 'http://127.0.0.1/x.dtd'>" + _feed(item),
        ANY_RESULT,
    )
    yield (
        "xi:include",
        _feed(
            b"<item><title>x</title><xi:include xmlns:xi='http://www.w3.org/2001/XInclude'"
            b" href='/etc/passwd'/></item>"
        ),
        ANY_RESULT,
    )
    yield "a stylesheet", b"<?xml-stylesheet href='file:///etc/passwd'?>" + _feed(item), "read"
    yield "items that only open", lambda: b"<rss><channel>" + b"<item>" * 300_000, REFUSED
    yield (
        "elements that only open",
        lambda: b"<rss><channel><item><description>" + b"<b>" * 300_000,
        REFUSED,
    )
    yield "4 million empty items", lambda: _feed(b"<item/>" * 4 * MEGA), "too_large too_many ended"
    yield (
        "3 million attributes",
        lambda: b"<rss><channel><item><title>x</title><description>" + b'<a b="c">' * 3 * MEGA,
        "too_large malformed too_deep ended",
    )
    yield (
        "a thousand attributes",
        _feed(
            b"<item " + b" ".join(b'a%d="1"' % n for n in range(1000)) + b"><title>x</title></item>"
        ),
        ANY_RESULT,
    )
    yield (
        "half a million attributes",
        lambda: _feed(
            b"<item "
            + b" ".join(b'a%d="1"' % n for n in range(500_000))
            + b"><title>x</title></item>"
        ),
        "too_large",
    )
    yield (
        "a thousand namespaces",
        b"<rss "
        + b" ".join(b'xmlns:n%d="u:%d"' % (n, n) for n in range(1000))
        + b"><channel>"
        + item
        + b"</channel></rss>",
        ANY_RESULT,
    )
    yield "a name of a megabyte", lambda: _feed(b"<" + b"n" * MEGA + b"/>" + item), ANY_RESULT
    yield "CDATA without end", _feed(b"<item><title><![CDATA[x"), ANY_RESULT
    yield "a comment without end", _feed(b"<item><title>x</title><!-- "), ANY_RESULT
    yield (
        "references to nothing",
        _feed(b"<item><title>&#0;&#xD800;&#x110000;&#99999999999;x</title></item>"),
        ANY_RESULT,
    )
    yield "control characters", _feed(b"<item><title>a\x00\x01\x0bb</title></item>"), ANY_RESULT
    yield "false encoding", b"<?xml version='1.0' encoding='utf-7'?>" + _feed(item), ANY_RESULT
    yield (
        "sitemap of 2 million",
        lambda: b"<urlset>" + b"<url/>" * 2 * MEGA + b"</urlset>",
        "unknown_format too_many too_large ended",
    )
    yield "sitemap nested", lambda: b"<urlset>" + b"<url>" * 300_000, REFUSED
    yield (
        "no known root",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        "unknown_format",
    )


def _page(body: bytes) -> bytes:
    return b"<!DOCTYPE html><html><head><title>A page</title></head><body><h1>A page</h1>" + body


TEXT = b"<p>The harbour was closed this morning because of the storm, the port authority said.</p>"


def _html() -> Iterator[Row]:
    for tag in (
        b"div",
        b"b",
        b"a",
        b"table><tr><td",
        b"ul><li",
        b"span",
        b"svg",
        b"math",
        b"form",
        b"select",
    ):
        yield (
            f"<{tag.decode()}> nested 50,000 times",
            lambda tag=tag: _page(TEXT * 5 + b"<" + tag + b">" + (b"<" + tag + b">") * 50_000),
            ANY_RESULT,
        )
    yield "a million paragraphs", lambda: _page(b"<p>x</p>" * MEGA), "too_large"
    yield (
        "attributes by the million",
        lambda: _page(TEXT + b"<p " + b"a " * MEGA + b">x</p>"),
        ANY_RESULT,
    )
    yield (
        "an attribute of 10 MB",
        lambda: _page(TEXT + b"<p title='" + b"x" * 10 * MEGA + b"'>y</p>"),
        ANY_RESULT,
    )
    yield "entities", lambda: _page(b"<p>" + b"&amp;" * 200_000), ANY_RESULT
    yield "comments", lambda: _page(TEXT + b"<!--x-->" * 200_000), ANY_RESULT
    yield "a comment that only opens", lambda: _page(TEXT + b"<!--" * 200_000), ANY_RESULT
    yield "scripts", lambda: _page(TEXT + b"<script>" * 50_000), ANY_RESULT
    yield "a script without end", _page(TEXT + b"<script>while(1);"), ANY_RESULT
    yield (
        "JSON-LD nested",
        lambda: _page(
            TEXT + b'<script type="application/ld+json">' + b"[" * 100_000 + b"</script>"
        ),
        ANY_RESULT,
    )
    yield (
        "JSON-LD that refers to itself",
        _page(
            TEXT
            + b'<script type="application/ld+json">{"@type":"NewsArticle","@id":"a",'
            + b'"mainEntity":{"@id":"a"}}</script>'
        ),
        ANY_RESULT,
    )
    yield "frameset", b"<!DOCTYPE html><frameset>" + b"<frame>" * 20_000, REFUSED
    yield "body of links", lambda: _page(b"<a href='x'>y</a>" * 12_000), ANY_RESULT
    yield "misnested", lambda: _page(TEXT + b"<b><i></b></i>" * 10_000), ANY_RESULT
    yield "template", _page(TEXT + b"<template>" * 1000), ANY_RESULT


def _head(head: bytes, body: bytes = b"<p>y</p>") -> bytes:
    return b"---\ntitle: x\n" + head + b"\n---\n" + body


def _yaml() -> Iterator[Row]:
    bomb = b"a0: &a0 [x,x,x,x,x,x,x,x,x]\n" + b"".join(
        b"a%d: &a%d [%s]\n" % (n, n, b",".join([b"*a%d" % (n - 1)] * 9)) for n in range(1, 9)
    )
    yield "aliases within aliases", _head(bomb), ANY_RESULT
    yield "an alias to itself", _head(b"a: &a [*a]"), ANY_RESULT
    yield "a merge key", _head(b"a: &a {b: c}\nd:\n  <<: *a"), ANY_RESULT
    for tag in (
        b"!!python/object/apply:os.system ['id']",
        b"!!python/name:os.system",
        b"!!binary aGk=",
        b"!!set {a}",
    ):
        yield f"tag {tag.decode()}", _head(b"bad: " + tag), ANY_RESULT
    for sign in (
        b"[",
        b"{",
        b"- ",
        b"? ",
        b"a: {",
        b"&a ",
        b"*a ",
        b"!a ",
        b"'",
        b'"',
        b"|\n",
        b">\n",
        b"%",
        b"@",
    ):
        yield f"head of {sign!r}", _head(b"bad: " + sign * 20_000), ANY_RESULT
    yield "a huge integer", _head(b"n: " + b"9" * 100_000), ANY_RESULT
    yield "sexagesimal", _head(b"n: " + b"59:" * 10_000 + b"59"), ANY_RESULT
    yield "a key twice", _head(b"title: z\ntitle: w"), "read"
    yield "head without end", lambda: b"---\n" + b"a: b\n" * MEGA, "front_matter"
    yield "two documents", _head(b"...\n--- x"), ANY_RESULT
    yield "TOML nested", b"+++\na = " + b"[" * 100_000 + b"\n+++\n", "too_deep"
    yield "TOML integer", b"+++\na=" + b"9" * 200_000 + b"\n+++\n", REFUSED
    yield "TOML dotted", b"+++\n" + b".".join([b"a"] * 50_000) + b" = 1\n+++\n", "too_deep"


def _json() -> Iterator[Row]:
    yield "arrays without end", lambda: b"[" * 10 * MEGA, "too_deep"
    yield "objects without end", lambda: b'{"a":' * 2 * MEGA, "too_deep"
    yield (
        "10 million empty objects",
        lambda: b"[" + b"{}," * (10 * MEGA) + b"{}]",
        "too_large too_many no_content ended",
    )
    yield "a string of 30 MB", lambda: b'{"title": "' + b"x" * 30 * MEGA + b'"}', ANY_RESULT
    yield (
        "keys by the million",
        lambda: b"{" + b",".join(b'"k%d":1' % n for n in range(MEGA)) + b"}",
        ANY_RESULT,
    )
    yield (
        "one key a million times",
        lambda: b"{" + b'"k":1,' * MEGA + b'"title":"x","text":"y"}',
        ANY_RESULT,
    )
    yield (
        "a number of a million digits",
        lambda: b'{"title":"x","text":"y","n":' + b"1" * MEGA + b"}",
        ANY_RESULT,
    )
    yield "exponents", b'{"title":"x","text":"y","n":1e999999999}', ANY_RESULT
    yield "NaN", b'{"title":"x","text":"y","n":NaN}', ANY_RESULT
    yield "lone surrogates", b'{"title":"\\ud800x","text":"y"}', "read"
    yield "escapes", lambda: b'{"title":"x","text":"' + b"\\u0000" * 500_000 + b'"}', ANY_RESULT
    yield "broken lines", lambda: b'{"title":"x","text":"y"}\n' + b"{\n" * 2000, ANY_RESULT
    yield "a list of lists", b"[" + b"[1]," * 5000 + b"[1]]", REFUSED
    yield "__proto__", b'{"title":"x","text":"y","__proto__":{"a":1},"__class__":"os"}', "read"
    yield (
        "types all wrong",
        b'{"title":[1],"text":{"a":2},"date":[],"authors":7,"tags":{"x":[]}}',
        ANY_RESULT,
    )
    yield (
        "items not objects",
        b'{"version":"https://jsonfeed.org/version/1.1","items":[1,null,"x",[]]}',
        REFUSED,
    )


def _text() -> Iterator[Row]:
    for sign in (
        b"[",
        b"![",
        b"*a ",
        b"_",
        b"`",
        b"<",
        b">",
        b"- a\n",
        b"|a\n|-\n",
        b"&",
        b"\\",
        b"[a]: b\n",
        b"# ",
        b"1. ",
        b"~~",
        b"![a](",
        b"<!--",
        b"http://",
    ):
        yield (
            f"markdown of {sign!r}",
            _head(b"", b"y\n\n" + sign * (60_000 // len(sign))),
            ANY_RESULT,
        )
    yield "a title of a megabyte", b"# " + b"x" * MEGA + b"\n\ny", ANY_RESULT
    yield "bidirectional marks", "# a\u202eb\u2066c\n\ny".encode(), "read"
    yield "zero width only", "# \u200b\u200c\u200d\n\ny".encode(), ANY_RESULT
    yield "combining marks", ("# Z" + "\u0301" * 50_000 + "\n\ny").encode(), ANY_RESULT
    yield "spaces", b"# x" + b" " * MEGA + b"\n\ny", ANY_RESULT
    yield "line breaks", b"# x\n" + b"\n" * MEGA + b"y", ANY_RESULT
    yield "private use", ("# \ue000\uf8ff\n\n" + "\U000f0000" * 10_000).encode(), ANY_RESULT


def _dates() -> Iterator[Row]:
    for date in (
        b"9999-12-31T23:59:59Z",
        b"0000-00-00",
        b"2021-02-30",
        b"-2021-01-01",
        b"now",
        b"tomorrow",
        b"1e400",
        b"99999999999999999999",
        b"2021-11-26T25:61:61Z",
        b"2021-11-26T12:00:00+99:99",
        b"Fri, 99 Nov 2021 12:00:00 XYZ",
        b"1" * 10_000,
        b"1/" * 5000,
        b"2021-" * 4000,
        "２０２１年１１月２６日".encode(),
        b"2021-11-26\x00",
        b"{{ date }}",
        b"[2021, 11]",
    ):
        yield (
            f"date {date[:24]!r}",
            b'{"title":"x","text":"y","date":' + json.dumps(date.decode()).encode() + b"}",
            "read",
        )


def _injection() -> Iterator[Row]:
    for body in (
        b"<script>alert(1)</script>",
        b"<img src=x onerror=alert(1)>",
        b"<a href='javascript:alert(1)'>x</a>",
        b"<a href='data:text/html,x'>x</a>",
        b"<a href=' java\tscript:alert(1)'>x</a>",
        b"<svg/onload=alert(1)>",
        b"<math><mi xlink:href='javascript:x'>",
        b"<iframe src='file:///etc/passwd'>",
        b"<object data=x>",
        b"<base href='http://evil.example/'>",
        b"<style>@import 'x'</style>",
        b"<p style='x:expression(1)'>y</p>",
        b"<noscript><p title='</noscript><img src=x onerror=y>'>",
        b"<form action=x><input name=y>",
        b"<meta http-equiv=refresh content='0;url=x'>",
        b"\x1b[2J\x1b]0;x\x07",
        b"{{7*7}}${7*7}<%= 7 %>",
        b"'; DROP TABLE x; --",
        b"\r\nXADD newsdrop:articles * a b\r\n",
        b"=cmd|'/c calc'!A0",
    ):
        yield (
            f"body {body[:30]!r}",
            b"---\ntitle: x\n---\n<div><p>Before.</p>" + body + b"<p>After.</p></div>",
            ANY_RESULT,
        )
    for title in (
        "\x1b[31mred",
        "a\r\nb: c",
        "a\u0000b",
        "<b>x</b>",
        "../../etc",
        "*\r\n$3\r\nSET",
    ):
        yield f"title {title!r}", json.dumps({"title": title, "text": "y"}).encode(), ANY_RESULT


GROUPS: dict[str, Callable[[], Iterator[Row]]] = {
    "files": _files,
    "archives": _archives,
    "xml": _xml,
    "html": _html,
    "yaml": _yaml,
    "json": _json,
    "text": _text,
    "dates": _dates,
    "injection": _injection,
}

ADDRESSES = (
    *(
        "file:///etc/passwd",
        "gopher://a.example/",
        "http://a.example:22/",
        "http://a.example:6379/",
    ),
    *(
        "javascript:alert(1)",
        "http://",
        "http://[::1",
        "http://a b.example/",
        "//a.example/",
        "data:,x",
    ),
    *("http://" + "a" * 5000, "http://a.example\x00.b/", "http://999.1.1.1/", "http://1.2.3.4.5/"),
    *("http://0x7f000001/", "http://2130706433/", "http://017700000001/", "http://127.1/"),
)
"""Refused before a name is looked up."""

NOT_PUBLIC = (
    *("127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1"),
    *("0.0.0.0", "255.255.255.255", "224.0.0.1", "198.18.0.1", "192.0.2.1", "::", "::1"),
    *("fe80::1", "fc00::1", "ff02::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::"),
)
"""Refused as the address of any name."""

MESSAGES = (
    *(b"", b"\n", b"{}", b"[]", b"null", b"{" * 1000, b'{"entry":1,"pages":[]}', bytes(1000)),
    *(b'{"entry":null,"pages":[{"url":"x","length":-1}]}\n', zlib.compress(b"x" * 1000)),
    *(b'{"pages":[{"url":"x","length":99999999999}]}\n', b"\x80\x04cos\nsystem\n(S'id'\ntR."),
)
"""Bundles of a feed entry with its pages, from a spool that somebody wrote into: malformed."""
