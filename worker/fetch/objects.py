"""The objects of a bucket, over the S3 API: listed, read and written through the guard.

Source: Amazon S3 API reference (ListObjectsV2, GetObject, PutObject, error responses). Google Cloud
Storage, MinIO, R2 and others have the same API. The clients of libraries resolve names themselves,
follow redirects, and ask 169.254.169.254 for credentials: none of that passes the guard.
"""

import hashlib
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from itertools import pairwise
from urllib.parse import urlsplit

from worker.errors import ConfigError, FetchFailed, Trouble
from worker.escape import printable
from worker.fetch.freshness import retry_after
from worker.fetch.http import Fetcher
from worker.fetch.messages import Exchange, FetchResponse
from worker.fetch.object_list import UNREADABLE, opaque, parse_list
from worker.fetch.signature import (
    Credentials,
    SignedRequest,
    encode_path,
    encode_query,
    read_credentials,
    sign,
)
from worker.fetch.url import Target, parse_target
from worker.model.source import StoredObject
from worker.settings.fields import StoreTable
from worker.translation import mark

MAX_KEYS = 1000
"""Objects of one page of a list: no server returns more."""
_LIST_BYTES = 4_000_000
_ANSWER_BYTES = 65_536
_BUSY = (409, 429, 500, 502, 503, 504)
_BUSY_SECONDS = 5.0
RETRY_SECONDS, MAX_BACKOFF_SECONDS = 5.0, 600.0
_NO_OBJECT = (HTTPStatus.NOT_FOUND, HTTPStatus.PRECONDITION_FAILED)
_READ = (HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT)
_DIGEST = "x-amz-meta-sha256"
_RANGE = re.compile(r"bytes ([0-9]{1,18})-[0-9]{1,18}/([0-9]{1,18})")
_REGION = re.compile(r"[a-z0-9-]{1,40}")


class ObjectChanged(Exception):
    """The object is not there any more, or is another one than was listed."""


class ObjectDiffers(Exception):
    """Another object has the key of one that was to be written."""


class BucketFailed(FetchFailed):
    """The store refused a request. The request is sent again after `wait_seconds`."""

    def __init__(self, message: str, wait_seconds: float = 0.0) -> None:
        super().__init__(Trouble.STATUS, message)
        self.wait_seconds = wait_seconds


def backoff_seconds(failures: int) -> float:
    """Seconds without requests to a store after so many failures in a row."""
    return min(MAX_BACKOFF_SECONDS, RETRY_SECONDS * 2.0 ** min(failures, 9))


@dataclass(frozen=True, slots=True)
class BucketAddress:
    """A bucket below an endpoint. `bucket` is its name, `prefix` that of all keys; `source` is its
    name in the settings, for messages."""

    source: str
    endpoint: str
    bucket: str
    prefix: str
    region: str
    is_path_style: bool

    @property
    def target(self) -> Target:
        """Where requests go. Its port is allowed, its addresses are checked by the guard. Raises
        FetchFailed."""
        parts = urlsplit(self.endpoint)
        netloc = parts.netloc if self.is_path_style else f"{self.bucket}.{parts.netloc}"
        try:
            ports = [parts.port] if parts.port else []
        except ValueError:
            ports = []
        return parse_target(f"{parts.scheme}://{netloc}", ports)


def split_bucket_url(url: str) -> tuple[str, str, str]:
    """Scheme, bucket and prefix of `s3://bucket/prefix`."""
    scheme, _, location = url.partition("://")
    bucket, _, prefix = location.partition("/")
    return scheme, bucket, prefix


def bucket_address(source: str, url: str, endpoint: str, region: str) -> BucketAddress:
    """The bucket of `url` (`s3://bucket/prefix`, `gs://bucket/prefix`). Without an endpoint it is
    that of Amazon or Google, where the bucket is a part of the host's name if its name has no
    dot."""
    scheme, bucket, prefix = split_bucket_url(url)
    is_named = bool(endpoint) or "." in bucket
    if not endpoint and scheme == "gs":
        endpoint = "https://storage.googleapis.com"
    endpoint = endpoint or f"https://s3.{region}.amazonaws.com"
    return BucketAddress(source, endpoint.rstrip("/"), bucket, prefix, region, is_named)


@dataclass(frozen=True, slots=True)
class BucketClient:
    """Requests to one bucket; without credentials they are anonymous."""

    address: BucketAddress
    credentials: Credentials | None

    async def list_objects(
        self, fetcher: Fetcher, prefix: str, after: str, now: datetime, count: int = MAX_KEYS
    ) -> tuple[list[StoredObject], bool]:
        """Up to `count` objects whose keys begin with `prefix` and follow `after`, in order, and
        whether there are more. Raises FetchFailed."""
        query = {"list-type": "2", "prefix": prefix, "max-keys": str(count)}
        if after:
            query["start-after"] = after
        objects, has_more = await self._list_page(fetcher, query, now)
        keys = [_bytes(each.key) for each in objects]
        if has_more and keys[-1] <= _bytes(after):
            raise self._failed(mark("its list does not continue where it ended"), _OTHER_SERVER)
        if has_more and any(key <= before for before, key in pairwise((_bytes(after), *keys))):
            # The next page begins behind the last key: objects would be left out.
            raise self._failed(mark("its list is not in the order of the keys"), _OTHER_SERVER)
        return objects, has_more

    async def _list_page(
        self, fetcher: Fetcher, query: dict[str, str], now: datetime
    ) -> tuple[list[StoredObject], bool]:
        for encoding in ({}, {"encoding-type": "url"}):  # XML cannot carry every key
            line = query | encoding
            answer = await self._send(fetcher, "", now, query=line, max_bytes=_LIST_BYTES)
            with suppress(*UNREADABLE):
                return parse_list(answer.body, is_encoded=bool(encoding))
        raise self._failed(mark("its list cannot be read"), _OTHER_SERVER)

    async def read(
        self, fetcher: Fetcher, item: StoredObject, now: datetime, max_bytes: int
    ) -> bytes:
        """The bytes of the object as it was listed. Raises ObjectChanged where there is another one
        or none, FetchFailed."""
        condition = {"if-match": f'"{item.etag}"'}
        answer = await self._send(fetcher, item.key, now, headers=condition, max_bytes=max_bytes)
        etag = opaque(answer.headers.get("etag", ""))
        if answer.status in _NO_OBJECT or etag not in ("", item.etag):
            raise ObjectChanged(f"the object {printable(item.key)} is not the one that was listed")
        if len(answer.body) != item.size:
            raise self._failed(
                mark(f"the object {printable(item.key)} ended early"), mark("it is read again")
            )
        return answer.body

    async def read_part(
        self, fetcher: Fetcher, key: str, etag: str, place: tuple[int, int], now: datetime
    ) -> tuple[bytes, int, str]:
        """A part of an object, from a first byte on and of at most so many; the size and the ETag
        of all of it. With an `etag` it is a part of that object. Raises ObjectChanged,
        FetchFailed."""
        first, count = place
        headers = {"range": f"bytes={first}-{first + count - 1}"}
        if etag:
            headers["if-match"] = f'"{etag}"'
        most = max(count, _ANSWER_BYTES)  # an error has a body, too
        answer = await self._send(fetcher, key, now, headers=headers, max_bytes=most)
        found_etag = opaque(answer.headers.get("etag", ""))
        if answer.status in _NO_OBJECT or (etag and found_etag not in ("", etag)):
            raise ObjectChanged(f"the object {printable(key)} is not there as it was")
        match = _RANGE.fullmatch(answer.headers.get("content-range", ""))
        start, size = (int(match[1]), int(match[2])) if match else (0, len(answer.body))
        if start != first or len(answer.body) != min(count, size - first):
            raise self._failed(
                mark(f"the part of {printable(key)} is another one than was requested"),
                _OTHER_SERVER,
            )
        return answer.body, size, found_etag or etag

    async def create(self, fetcher: Fetcher, key: str, data: bytes, now: datetime) -> None:
        """Write a new object. One that is there with the same bytes stays as it is. Raises
        ObjectDiffers where it has others, FetchFailed."""
        digest = hashlib.sha256(data).hexdigest()
        headers = {"if-none-match": "*", _DIGEST: digest}
        answer = await self._send(
            fetcher, key, now, method="PUT", headers=headers, body=data, max_bytes=_ANSWER_BYTES
        )
        if answer.status in _NO_OBJECT:
            stored = await self._send(fetcher, key, now, method="HEAD", max_bytes=_ANSWER_BYTES)
            if stored.headers.get(_DIGEST) != digest:
                raise ObjectDiffers(
                    mark(f"the bucket has another object {printable(key)}: remove it there")
                )

    async def _send(
        self,
        fetcher: Fetcher,
        key: str,
        now: datetime,
        *,
        method: str = "GET",
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        max_bytes: int,
    ) -> FetchResponse:
        address, target = self.address, self.address.target
        base = urlsplit(address.endpoint).path
        path = f"{base}/{address.bucket}" if address.is_path_style else base
        path += f"/{encode_path(key)}"
        all_headers = dict(headers or {})
        if self.credentials:
            covered = {name: text for name, text in all_headers.items() if name == _DIGEST}
            digest = hashlib.sha256(body).hexdigest()
            request = SignedRequest(method, target.authority, path, query or {}, covered, digest)
            all_headers |= sign(request, self.credentials, address.region, now)
        line = f"{path}?{encode_query(query)}" if query else path
        answer = await fetcher.exchange(
            Exchange(method, target, line, all_headers, max_bytes, body)
        )
        is_missing = answer.status in _NO_OBJECT and key and b"NoSuchBucket" not in answer.body
        if answer.status not in _READ and not is_missing:
            raise self._refused(method, answer, now)
        return answer

    def _refused(self, method: str, answer: FetchResponse, now: datetime) -> BucketFailed:
        """The error for a status, with what to do about it."""
        status, code = answer.status, _error_code(answer.body)
        what = mark(f"it answers {status} ({code})") if code else mark(f"it answers {status}")
        region = answer.headers.get("x-amz-bucket-region", "")
        if status in (301, 307, 400) and _REGION.fullmatch(region):
            return self._failed(mark(f"it is in another region ({region})"), mark("set its region"))
        if status in _BUSY:
            wait = retry_after(answer.headers, now) or _BUSY_SECONDS
            return self._failed(what, mark("it is requested again later"), wait)
        advice = _ADVICE.get(code) or _ADVICE.get(f"{method} {status}") or _ADVICE.get(str(status))
        return self._failed(what, advice or _OTHER_SERVER)

    def _failed(self, what: str, advice: str, wait_seconds: float = 0.0) -> BucketFailed:
        return BucketFailed(
            mark(f"the bucket {printable(self.address.source, 80)}: {what}: {advice}"), wait_seconds
        )


def open_bucket(
    name: str, url: str, keys: StoreTable, *, is_anonymous: bool | None = None
) -> BucketClient:
    """`name` is for messages; `is_anonymous` is None where that is no choice. Raises ConfigError
    where credentials are missing or cannot be read."""
    address = bucket_address(name, url, keys.endpoint, keys.region)
    if is_anonymous:
        return BucketClient(address, None)
    credentials = read_credentials(keys.credentials_file, name)
    if credentials is None:
        choice = "" if is_anonymous is None else ", or anonymous = true"
        raise ConfigError(
            f"the bucket {name} has no credentials: set AWS_ACCESS_KEY_ID and "
            f"AWS_SECRET_ACCESS_KEY, or its credentials_file{choice}"
        )
    return BucketClient(address, credentials)


_OTHER_SERVER = mark("check its url, endpoint and region")
_ADVICE = {
    "InvalidAccessKeyId": mark("the store does not know this access key: correct the credentials"),
    "SignatureDoesNotMatch": mark("the secret key is wrong: correct the credentials"),
    "ExpiredToken": mark("the session token has expired: renew the credentials"),
    "RequestTimeTooSkewed": mark("set the clock of this machine"),
    "NoSuchBucket": mark("there is no such bucket: create it, or correct its url and endpoint"),
    "401": mark("correct its credentials"),
    "PUT 403": mark("give its credentials the rights to read and to write"),
    "403": mark("give its credentials the right to list and read, or set anonymous = true"),
}


def _error_code(body: bytes) -> str:
    match = re.search(rb"<Code>([A-Za-z0-9.]{1,60})</Code>", body[:65_536])
    return match[1].decode("ascii") if match else ""


def is_utf8(key: str) -> bool:
    """Whether a key has no surrogates, which are bytes that are not UTF-8."""
    return not any("\ud800" <= character <= "\udfff" for character in key)


def _bytes(key: str) -> bytes:
    return key.encode("utf-8", "surrogateescape")
