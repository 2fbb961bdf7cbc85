"""AWS Signature Version 4, as S3 and the stores compatible with it check it.

Source: Amazon S3 API reference, "Authenticating Requests (AWS Signature Version 4)". S3 encodes a
path once, and needs the hash of the content in a header.
"""

import configparser
import hashlib
import hmac
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache, partial
from pathlib import Path
from urllib.parse import quote

from worker.errors import ConfigError
from worker.escape import printable
from worker.redact import keep_secret

_FILE_KEYS = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")
_EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()


@dataclass(frozen=True, slots=True)
class Credentials:
    access_key: str
    secret_key: str = field(repr=False)
    session_token: str = field(default="", repr=False)


def read_credentials(file: Path | None, bucket: str) -> Credentials | None:
    """The credentials in `file` (AWS's format, its section `default` or else its first one), or in
    the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN); None where there
    are none. They are kept out of all logs.

    `bucket` is its name in the settings, for messages. Raises ConfigError where the file has none.
    """
    values: Mapping[str, str] = {name: os.environ.get(name.upper(), "") for name in _FILE_KEYS}
    if file is not None:
        values = _read_file(file, bucket)
    key, secret, token = (values.get(name, "").strip() for name in _FILE_KEYS)
    if not (key and secret):
        return None
    keep_secret(secret, *filter(None, [token]))
    return Credentials(key, secret, token)


def _read_file(file: Path, bucket: str) -> Mapping[str, str]:
    advice = f"correct credentials_file of the bucket {bucket}"
    parser = configparser.ConfigParser(interpolation=None, default_section="")
    try:
        parser.read_string(file.read_text("utf-8"))
    except (OSError, UnicodeError, configparser.Error) as error:
        # The text of the error is left out: it quotes lines of the file.
        why = error.strerror if isinstance(error, OSError) else "it is not in AWS's format"
        raise ConfigError(f"{printable(file)} cannot be read ({why}): {advice}") from None
    names = parser.sections()
    section = "default" if "default" in names else next(iter(names), "")
    values = parser[section] if section else {}
    if not all(values.get(name) for name in _FILE_KEYS[:2]):
        raise ConfigError(
            f"{printable(file)} has no aws_access_key_id with its aws_secret_access_key: {advice}"
        )
    return values


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """The signed parts of a request. `host` is the header's value, `path` is encoded as sent."""

    method: str
    host: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body_sha256: str = _EMPTY_SHA256


def sign(
    request: SignedRequest, credentials: Credentials, region: str, now: datetime
) -> dict[str, str]:
    """The headers that sign a request, those that it covers included; `now` is aware."""
    stamp = now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    headers = {"host": request.host, "x-amz-date": stamp, **request.headers}
    headers["x-amz-content-sha256"] = request.body_sha256
    if credentials.session_token:
        headers["x-amz-security-token"] = credentials.session_token
    headers = dict(sorted(headers.items()))
    names = ";".join(headers)
    lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
    query = encode_query(request.query)
    text = f"{request.method}\n{request.path}\n{query}\n{lines}\n{names}\n{request.body_sha256}"
    scope = f"{stamp[:8]}/{region}/s3/aws4_request"
    hashed = hashlib.sha256(text.encode()).hexdigest()
    text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashed}"
    key = _signing_key(credentials.secret_key, scope)
    signature = hmac.digest(key, text.encode(), "sha256").hex()
    del headers["host"]
    headers["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={credentials.access_key}/{scope}, "
        f"SignedHeaders={names}, Signature={signature}"
    )
    return headers


@lru_cache(maxsize=16)
def _signing_key(secret_key: str, scope: str) -> bytes:
    """The key of one day, region and service."""
    key = f"AWS4{secret_key}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def encode_query(query: Mapping[str, str]) -> str:
    """The query as it is signed and sent: in order, percent-encoded."""
    encode = partial(quote, safe="~", errors="surrogateescape")
    pairs = sorted((encode(name), encode(value)) for name, value in query.items())
    return "&".join(f"{name}={value}" for name, value in pairs)


def encode_path(key: str) -> str:
    """The key of an object as it is signed and sent."""
    return quote(key, safe="/~")
