"""No connection to an address that is not public, whatever leads there."""

import asyncio
import socket
import threading

import pytest

from tests.fetch.fetching import failure, fetched, settings
from tests.http_server import Reply, Web
from worker.errors import FetchFailed, Trouble
from worker.fetch import Fetcher, FetchRequest
from worker.fetch.guard import Blocked, Guard

HINT = "list its network in fetch.allow_networks (NEWSDROP_FETCH_ALLOW_NETWORKS) if it is yours"


class Names:
    """A resolver of a test's own: each lookup of a name gives its next answer."""

    def __init__(self, **answers: list[list[str]]) -> None:
        self.answers = answers
        self.asked: list[str] = []

    def __call__(self, host: str, port: int) -> list[str]:
        self.asked.append(host)
        addresses = self.answers[host.partition(".")[0]]
        return addresses.pop(0) if len(addresses) > 1 else addresses[0]


def test_loopback_is_refused_unless_it_is_allowed() -> None:
    """An address on loopback gets no connection, and the message says what to do."""
    with Web() as web:
        web.pages["/x"] = Reply(body=b"secret")
        message = failure(
            Trouble.ADDRESS, web.url("/x"), web, refused=True, allow_networks=["10.0.0.0/8"]
        )
        assert web.connections == 0
    assert message == f"127.0.0.1 is not public: {HINT}"


@pytest.mark.parametrize("host", ["localhost", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "[::]"])
def test_other_names_of_this_machine_are_refused(host: str) -> None:
    """The machine's own name and the odd forms of its address lead nowhere."""
    with Web() as web:
        url = f"http://{host}:{web.port}/"
        message = failure(Trouble.ADDRESS, url, web, refused=True, allow_networks=[])
        assert web.connections == 0
    assert message.endswith(HINT)


def test_one_private_record_refuses_a_name() -> None:
    """A name with a public and a private address is refused, and the private one is named."""
    names = Names(news=[["1.1.1.1", "10.0.0.3"]])
    url = "http://news.example/"
    message = failure(Trouble.ADDRESS, url, resolve=names, refused=True)
    assert message == f"news.example resolves to 10.0.0.3, which is not public: {HINT}"


def test_a_name_that_changes_its_mind_reaches_nothing() -> None:
    """What was judged is what is connected to: a name is looked up once for a connection."""
    names = Names(news=[["127.0.0.1"], ["127.0.0.2"]])
    with Web() as good, Web(host="127.0.0.2", port=good.port) as bad:
        good.pages["/x"] = Reply(body=b"good")
        answer = fetched(
            f"http://news.example:{good.port}/x",
            good,
            resolve=names,
            allow_networks=["127.0.0.1/32"],
        )
        assert answer.body == b"good"
        assert names.asked == ["news.example"]
        assert bad.connections == 0
        assert good.requests[0].host == f"news.example:{good.port}"


def test_a_name_is_judged_again_for_each_connection() -> None:
    """A name that was public a moment ago and is private now is refused now."""
    names = Names(news=[["127.0.0.1"], ["127.0.0.2"]])

    async def run(url: str, web: Web) -> str:
        allowed = settings(web, allow_networks=["127.0.0.1/32"])
        async with Fetcher(allowed, resolve=names) as fetcher:
            await fetcher.get(FetchRequest(url))
            with pytest.raises(FetchFailed) as caught:
                await fetcher.get(FetchRequest(url))
            return str(caught.value)

    with Web() as web:
        web.pages["/x"] = Reply(headers={"connection": "close"})
        message = asyncio.run(run(f"http://news.example:{web.port}/x", web))
    assert message == f"news.example resolves to 127.0.0.2, which is not public: {HINT}"


@pytest.mark.parametrize(
    ("location", "why"),
    [
        ("http://127.0.0.2:{port}/", "127.0.0.2 is not public"),
        ("http://[::1]:{port}/", "::1 is not public"),
        ("http://169.254.169.254/latest/meta-data/", "169.254.169.254 is not public"),
        ("http://inner.example/", "inner.example resolves to 10.0.0.3, which is not public"),
        ("file:///etc/passwd", "file:///etc/passwd is neither http nor https"),
        ("http://127.0.0.1:1/", "http://127.0.0.1:1/ has port 1"),
        ("http://[::1", "http://[::1 is not an address"),
    ],
)
def test_redirects_are_judged_anew(location: str, why: str) -> None:
    """A redirect to a closed network, another port or another scheme is not followed."""
    names = Names(inner=[["10.0.0.3"]])
    with Web() as web:
        place = location.replace("{port}", str(web.port))
        web.pages["/x"] = Reply(302, headers={"location": place})
        message = failure(
            Trouble.ADDRESS,
            web.url("/x"),
            web,
            resolve=names,
            refused=True,
            allow_networks=["127.0.0.1/32"],
        )
        assert len(web.requests) == 1
    assert message.startswith(why)


def test_the_next_judged_address_is_tried() -> None:
    """Where one address of a name does not answer, the next one does."""
    names = Names(news=[["127.0.0.3", "127.0.0.1"]])
    with Web() as web:
        web.pages["/x"] = Reply(body=b"here")
        url = f"http://news.example:{web.port}/x"
        assert fetched(url, web, resolve=names).body == b"here"


def test_nobody_listens() -> None:
    """A closed port is CONNECT, with the address that was tried."""
    with Web() as web:
        url, port = web.url("/x"), web.port
    message = failure(Trouble.CONNECT, url, web)
    assert message == (
        f"127.0.0.1 does not accept a connection at 127.0.0.1, port {port} "
        "(connection refused): check whether it is down"
    )


@pytest.mark.parametrize(
    ("error", "hint"),
    [
        (socket.gaierror(socket.EAI_NONAME, "x"), "check its spelling"),
        (socket.gaierror(socket.EAI_AGAIN, "x"), "try later"),
        (OSError("x"), "try later"),
        (UnicodeError("x"), "try later"),
    ],
)
def test_an_unknown_name(error: Exception, hint: str) -> None:
    """What the resolver cannot tell is DNS, and says whether later helps."""

    def resolve(host: str, port: int) -> list[str]:
        raise error

    message = failure(Trouble.DNS, "http://news.example/", resolve=resolve)
    assert message == f"news.example cannot be resolved: {hint}"


def test_a_name_without_addresses() -> None:
    """No address is DNS too."""
    message = failure(Trouble.DNS, "http://news.example/", resolve=Names(news=[[]]))
    assert message == "news.example has no address: check its spelling"


def test_names_that_hang_block_no_others() -> None:
    """Ten lookups that never end cost their own fetches only; each of them ends in time."""
    released = threading.Event()

    def resolve(host: str, port: int) -> list[str]:
        if host.startswith("slow"):
            released.wait(60)
        return ["127.0.0.1"]

    async def run(web: Web) -> list[object]:
        allowed = settings(web, connect_seconds=2)
        async with Fetcher(allowed, resolve=resolve) as fetcher:
            slow = [
                asyncio.ensure_future(
                    fetcher.get(FetchRequest(f"http://slow{n}.example:{web.port}/x"))
                )
                for n in range(10)
            ]
            await asyncio.sleep(0.05)
            answer = await fetcher.get(FetchRequest(f"http://fast.example:{web.port}/x"))
            assert not any(one.done() for one in slow)
            return [answer.body, *await asyncio.gather(*slow, return_exceptions=True)]

    with Web() as web:
        web.pages["/x"] = Reply(body=b"here")
        try:
            first, *others = asyncio.run(run(web))
        finally:
            released.set()
    assert first == b"here"
    assert len(others) == 10
    for other in others:
        assert isinstance(other, FetchFailed)
        assert other.trouble is Trouble.DNS
        assert str(other).endswith("was not resolved within 2 s: try later")


def test_no_unix_socket() -> None:
    """A socket file is refused: many services trust whoever can open theirs."""

    async def run() -> None:
        guard = Guard(settings())
        with pytest.raises(Blocked) as caught:
            await guard.connect_unix_socket("/run/x.sock")
        assert caught.value.refused
        guard.close()

    asyncio.run(run())
