"""The objects of a bucket, over the S3 API: listed and read through the guard.

Source: Amazon S3 API reference (ListObjectsV2, GetObject, error responses). Google Cloud
Storage, MinIO, R2 and others have the same API. The clients of libraries resolve names themselves,
follow redirects, and ask 169.254.169.254 for credentials: none of that passes the guard.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from urllib.parse import unquote_plus, urlsplit

from lxml import etree

from worker.errors import FetchFailed, Trouble
from worker.escape import printable
from worker.fetch.freshness import retry_after
from worker.fetch.http import Fetcher
from worker.fetch.messages import Exchange, FetchResponse
from worker.fetch.signature import Credentials, SignedRequest, encode_path, encode_query, sign
from worker.fetch.url import Target, parse_target
from worker.model.source import StoredObject
from worker.translation import mark

MAX_KEYS = 1000
"""Objects of one page of a list: no server returns more."""
_LIST_BYTES = 4_000_000
_BUSY = (429, 500, 502, 503, 504)
_BUSY_SECONDS = 5.0
_NO_OBJECT = (HTTPStatus.NOT_FOUND, HTTPStatus.PRECONDITION_FAILED)
_UNREADABLE = (etree.XMLSyntaxError, ValueError, KeyError)
_REGION = re.compile(r"[a-z0-9-]{1,40}")


class ObjectChanged(Exception):
    """The object is not there any more, or is another one than was listed."""


class BucketFailed(FetchFailed):
    """The store refused a request. It is asked again after `wait_seconds`."""

    def __init__(self, message: str, wait_seconds: float = 0.0) -> None:
        super().__init__(Trouble.STATUS, message)
        self.wait_seconds = wait_seconds


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
    scheme, _, rest = url.partition("://")
    bucket, _, prefix = rest.partition("/")
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
        found, has_more = await self._list_page(fetcher, query, now)
        if has_more and found[-1].key <= after:
            raise self._failed(mark("its list does not continue where it ended"), _OTHER_SERVER)
        return found, has_more

    async def _list_page(
        self, fetcher: Fetcher, query: dict[str, str], now: datetime
    ) -> tuple[list[StoredObject], bool]:
        answer = await self._send(fetcher, "", now, query=query, max_bytes=_LIST_BYTES)
        try:
            return _parse_list(answer.body, is_encoded=False)
        except _UNREADABLE:  # XML cannot carry every key
            query["encoding-type"] = "url"
        answer = await self._send(fetcher, "", now, query=query, max_bytes=_LIST_BYTES)
        try:
            return _parse_list(answer.body, is_encoded=True)
        except _UNREADABLE as error:
            raise self._failed(mark("its list cannot be read"), _OTHER_SERVER) from error

    async def read(
        self, fetcher: Fetcher, item: StoredObject, now: datetime, max_bytes: int
    ) -> bytes:
        """The bytes of the object as it was listed. Raises ObjectChanged where there is another one
        or none, FetchFailed."""
        condition = {"if-match": f'"{item.etag}"'}
        answer = await self._send(fetcher, item.key, now, headers=condition, max_bytes=max_bytes)
        etag = _opaque(answer.headers.get("etag", ""))
        if answer.status in _NO_OBJECT or etag not in ("", item.etag):
            raise ObjectChanged(f"the object {printable(item.key)} is not the one that was listed")
        if len(answer.body) != item.size:
            raise self._failed(
                mark(f"the object {printable(item.key)} ended early"), mark("it is read again")
            )
        return answer.body

    async def _send(
        self,
        fetcher: Fetcher,
        key: str,
        now: datetime,
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        max_bytes: int,
    ) -> FetchResponse:
        address, target = self.address, self.address.target
        base = urlsplit(address.endpoint).path
        path = f"{base}/{address.bucket}" if address.is_path_style else base
        path += f"/{encode_path(key)}"
        signed = {}
        if self.credentials:
            request = SignedRequest("GET", target.authority, path, query or {})
            signed = sign(request, self.credentials, address.region, now)
        line = f"{path}?{encode_query(query)}" if query else path
        answer = await fetcher.exchange(
            Exchange("GET", target, line, {**(headers or {}), **signed}, max_bytes)
        )
        is_missing = answer.status in _NO_OBJECT and key and b"NoSuchBucket" not in answer.body
        if answer.status != HTTPStatus.OK and not is_missing:
            raise self._refused(answer, now)
        return answer

    def _refused(self, answer: FetchResponse, now: datetime) -> BucketFailed:
        """The error for a status, with what to do about it."""
        status, code = answer.status, _error_code(answer.body)
        what = mark(f"it answers {status} ({code})") if code else mark(f"it answers {status}")
        region = answer.headers.get("x-amz-bucket-region", "")
        if status in (301, 307, 400) and _REGION.fullmatch(region):
            return self._failed(mark(f"it is in another region ({region})"), mark("set its region"))
        if status in _BUSY:
            wait = retry_after(answer.headers, now) or _BUSY_SECONDS
            return self._failed(what, mark("it is asked again later"), wait)
        return self._failed(what, _ADVICE.get(code) or _ADVICE.get(str(status), _OTHER_SERVER))

    def _failed(self, what: str, advice: str, wait_seconds: float = 0.0) -> BucketFailed:
        return BucketFailed(
            mark(f"the bucket {printable(self.address.source, 80)}: {what}: {advice}"), wait_seconds
        )


_OTHER_SERVER = mark("check its url, endpoint and region")
_ADVICE = {
    "InvalidAccessKeyId": mark("the store does not know this access key: correct the credentials"),
    "SignatureDoesNotMatch": mark("the secret key is wrong: correct the credentials"),
    "ExpiredToken": mark("the session token has expired: renew the credentials"),
    "RequestTimeTooSkewed": mark("set the clock of this machine"),
    "NoSuchBucket": mark("there is no such bucket: create it, or correct its url and endpoint"),
    "401": mark("correct its credentials"),
    "403": mark("give its credentials the right to list and read, or set anonymous = true"),
}


def _parse_list(body: bytes, *, is_encoded: bool) -> tuple[list[StoredObject], bool]:
    """The objects of a ListBucketResult. Raises XMLSyntaxError, ValueError, KeyError."""
    root = etree.fromstring(body, etree.XMLParser(resolve_entities=False, no_network=True))
    if _local(root) != "ListBucketResult":
        raise ValueError("this is no list")
    found = []
    is_truncated = False
    for child in root:
        if _local(child) == "IsTruncated":
            is_truncated = child.text == "true"
        elif _local(child) == "Contents":
            values = {_local(one): one.text or "" for one in child}
            key = unquote_plus(values["Key"]) if is_encoded else values["Key"]
            found.append(StoredObject(key, _opaque(values["ETag"]), int(values["Size"])))
            if not key or found[-1].size < 0:
                raise ValueError("this is no object")
    return found, is_truncated and bool(found)


def _error_code(body: bytes) -> str:
    found = re.search(rb"<Code>([A-Za-z0-9.]{1,60})</Code>", body[:65_536])
    return found[1].decode("ascii") if found else ""


def _opaque(etag: str) -> str:
    """An ETag without its quotes. A proxy makes it weak, and the object is the same."""
    return etag.removeprefix("W/").strip('"')


def _local(element: etree._Element) -> str:
    return str(element.tag).rpartition("}")[2]
