"""Types of single settings, and how they are written in environment variables."""

import difflib
import re
import unicodedata
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, Field

from worker.errors import WrongValue
from worker.translation import mark

Level = Literal["debug", "info", "warning", "error"]


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        text = f"no such time zone: {name!r}; use an IANA name such as Asia/Shanghai"
        raise WrongValue(text) from error
    return name


_CRON_FIELDS = {
    "minute": mark("minute (0 to 59)"),
    "hour": mark("hour (0 to 23)"),
    "day_of_month": mark("day (1 to 31)"),
    "month_of_year": mark("month (1 to 12)"),
    "day_of_week": mark("weekday (0 to 6, from Sunday, or sun to sat)"),
}
"""Celery's names of the fields, and ours."""


def _cron(text: str) -> str:
    fields = text.split()
    if text and len(fields) != len(_CRON_FIELDS):
        raise WrongValue(
            f"a cron schedule has five fields (minute, hour, day, month, weekday), and {text!r} "
            f"has {len(fields)}: write it as */5 9-15 * * 1-5"
        )
    for name, value in zip(_CRON_FIELDS, fields, strict=False):
        _check_cron_field(name, value)
    return text


def _check_cron_field(name: str, value: str) -> None:
    from celery.schedules import ParseException, crontab

    try:
        crontab(**{name: value})
    except (ParseException, ValueError, TypeError) as error:
        raise WrongValue(
            f"{value!r} is not a valid {_CRON_FIELDS[name]} of a cron schedule: write such a "
            "number, * for all of them, or lists (1,2), ranges (1-5) and steps (*/5)"
        ) from error


_LONGEST_NAME = 200
"""Bytes: a source's name is also the name of a file, which may have 255."""


def _source_name(name: str) -> str:
    name = unicodedata.normalize("NFC", name)
    base = "".join(char for char in name if not unicodedata.category(char).startswith("M"))
    is_valid = re.fullmatch(r"[^\W_][\w.-]{0,63}", base) and name[0] == base[0]
    if not is_valid or len(name.encode()) > _LONGEST_NAME:
        raise WrongValue(
            "name a source with 1 to 64 letters of any script, digits, dots, dashes or _"
        )
    return name


def _redis_url(value: str) -> str:
    schemes = ("redis://", "rediss://", "unix://", "sentinel://", "cluster://")
    if value and not value.startswith(schemes):
        raise WrongValue(f"not an address: begin it with {', '.join(schemes)}")
    return value


def _broker_url(value: str) -> str:
    schemes = ("redis://", "rediss://", "unix://", "sentinel://", "amqp://", "amqps://")
    if value.startswith("cluster://"):
        raise WrongValue(NO_CLUSTER)
    if value and not value.startswith(schemes):
        raise WrongValue(f"not the address of a broker: begin it with {', '.join(schemes)}")
    return value


NO_CLUSTER = (
    "a Redis Cluster cannot carry Celery's messages: set celery.broker_url to another Redis, "
    "to Sentinels or to RabbitMQ"
)


BUCKET_SCHEMES = ("s3://", "gs://")


def _bucket_url(value: str) -> str:
    if not re.fullmatch(
        r"(s3|gs)://[A-Za-z0-9][A-Za-z0-9._-]{1,62}(/[^\x00-\x1f\x7f]{0,900})?", value
    ):
        raise WrongValue("not the address of a bucket: write it as s3://BUCKET/PREFIX")
    return value


def _archive_url(value: str) -> str:
    return value and _bucket_url(value)


def _endpoint_url(value: str) -> str:
    if value and not re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#]*)?", value):
        raise WrongValue("not the address of a store: write it as https://s3.example:9000")
    return value


TimeZoneName = Annotated[str, AfterValidator(_zone)]
Cron = Annotated[str, AfterValidator(_cron)]
SourceName = Annotated[str, AfterValidator(_source_name)]
RedisUrl = Annotated[str, AfterValidator(_redis_url)]
BucketUrl = Annotated[str, AfterValidator(_bucket_url)]
ArchiveUrl = Annotated[str, AfterValidator(_archive_url)]
EndpointUrl = Annotated[str, AfterValidator(_endpoint_url)]
BrokerUrl = Annotated[str, AfterValidator(_broker_url)]


def _expanded(path: Path) -> Path:
    try:
        return path.expanduser()
    except RuntimeError as error:
        raise WrongValue(f"there is no user of {path.parts[0]}: write the whole path") from error


ExpandedPath = Annotated[Path, AfterValidator(_expanded)]


def _listed(value: Any) -> Any:
    """A list; an environment variable separates its items by commas."""
    if not isinstance(value, str):
        return value
    return [part.strip() for part in value.split(",") if part.strip()]


def _network(value: Any) -> Any:
    try:
        return ip_network(value)
    except ValueError as error:
        raise WrongValue("not a network: write it as 10.1.0.0/16, without bits of hosts") from error


Network = Annotated[IPv4Network | IPv6Network, BeforeValidator(_network)]
Networks = Annotated[tuple[Network, ...], BeforeValidator(_listed)]
Paths = Annotated[tuple[ExpandedPath, ...], BeforeValidator(_listed)]
Ports = Annotated[tuple[Annotated[int, Field(ge=1, le=65535)], ...], BeforeValidator(_listed)]


def _pairs(value: Any) -> Any:
    """A table; an environment variable has `package=level`, separated by commas."""
    if not isinstance(value, str):
        return value
    pairs = [item.partition("=") for item in value.split(",") if item.strip()]
    return {name.strip(): level.strip() for name, _, level in pairs}


LIBRARIES = (
    "amqp", "asyncio", "billiard", "celery", "httpcore", "httpx", "kombu", "py", "redis",
    "trafilatura", "uvicorn", "watchdog",
)  # fmt: skip
"""Libraries whose log level can be set; `py` stands for Python's own warnings."""

_PACKAGE = Path(__file__).parent.parent


def _parts() -> set[str]:
    """The dotted names of all packages and modules of worker/, and the libraries."""
    paths = (path.relative_to(_PACKAGE).with_suffix("") for path in _PACKAGE.rglob("*.py"))
    names = (".".join(path.parts).removesuffix("__init__").strip(".") for path in paths)
    return {name for name in names if name and "__" not in name} | set(LIBRARIES)


def _known_parts(levels: dict[str, Level]) -> dict[str, Level]:
    parts = _parts() if levels else set()
    for part in levels:
        if part not in parts and part.split(".")[0] not in LIBRARIES:
            near = difflib.get_close_matches(part.removeprefix("worker."), parts, n=1, cutoff=0.5)
            if near:
                raise WrongValue(f"no part of newsdrop is named {part}; did you mean {near[0]}?")
            names = ", ".join(sorted(name for name in parts if "." not in name))
            raise WrongValue(f"no part of newsdrop is named {part}; choose one of: {names}")
    return levels


Levels = Annotated[dict[str, Level], BeforeValidator(_pairs), AfterValidator(_known_parts)]
Names = Annotated[tuple[str, ...], BeforeValidator(_listed)]
