"""Types of single settings, and how they are written in environment variables."""

import difflib
import re
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, Field

Level = Literal["debug", "info", "warning", "error"]


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        hint = "use an IANA name such as Asia/Shanghai"
        raise ValueError(f"no such time zone: {name!r}; {hint}") from error
    return name


def _cron(text: str) -> str:
    from celery.schedules import ParseException, crontab

    if text:
        try:
            minute, hour, day, month, weekday = text.split()
            crontab(minute, hour, weekday, day, month)
        except (ParseException, ValueError, TypeError) as error:
            hint = "write minute, hour, day, month, weekday: */5 9-15 * * 1-5"
            raise ValueError(f"not a cron schedule: {text!r} ({error}); {hint}") from error
    return text


def _source_name(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", name):
        raise ValueError("name a source with 1 to 64 letters, digits, dots, dashes or _")
    return name


def _redis_url(value: str) -> str:
    if value and not value.startswith(("redis://", "rediss://", "unix://")):
        raise ValueError("not an address: begin it with redis://, rediss:// or unix://")
    return value


TimeZoneName = Annotated[str, AfterValidator(_zone)]
Cron = Annotated[str, AfterValidator(_cron)]
SourceName = Annotated[str, AfterValidator(_source_name)]
RedisUrl = Annotated[str, AfterValidator(_redis_url)]
ExpandedPath = Annotated[Path, BeforeValidator(lambda value: Path(value).expanduser())]


def _listed(value: Any) -> Any:
    """A list; an environment variable separates its items by commas."""
    if not isinstance(value, str):
        return value
    return [part.strip() for part in value.split(",") if part.strip()]


def _network(value: Any) -> Any:
    try:
        return ip_network(value)
    except ValueError as error:
        raise ValueError(f"not a network ({error}): write it as 10.1.0.0/16") from error


Network = Annotated[IPv4Network | IPv6Network, BeforeValidator(_network)]
Networks = Annotated[tuple[Network, ...], BeforeValidator(_listed)]
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
    known = _parts() if levels else set()
    for part in levels:
        if part not in known and part.split(".")[0] not in LIBRARIES:
            raise ValueError(f"no part of newsdrop is named {part}; {_nearest(part, known)}")
    return levels


def _nearest(part: str, known: set[str]) -> str:
    near = difflib.get_close_matches(part.removeprefix("worker."), known, n=1, cutoff=0.5)
    if near:
        return f"did you mean {near[0]}?"
    return "choose one of: " + ", ".join(sorted(name for name in known if "." not in name))


Levels = Annotated[dict[str, Level], BeforeValidator(_pairs), AfterValidator(_known_parts)]
Names = Annotated[tuple[str, ...], BeforeValidator(_listed)]
