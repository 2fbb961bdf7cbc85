"""Rules from TOML files, read again when these change. All are checked, so a misspelt key is
reported at the start."""

import difflib
import os
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import fields, is_dataclass, replace
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import soupsieve
from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails
from turbohtml import Element, SelectorSyntaxError

from worker.errors import ConfigError
from worker.escape import printable
from worker.logs import get_logger
from worker.model.times import rfc3339
from worker.settings import Settings, shipped_config
from worker.settings.mistakes import explain_value
from worker.sites.rules import DEFAULT, SiteRule, Sites
from worker.spool.rules_record import RulesRecord, read_rules_record, write_rules_record


def open_sites(settings: Settings) -> Sites:
    """The shipped site rules, some replaced by the operator's own; read again where a file has
    changed. Raises ConfigError."""
    folders = tuple(rule_folders(settings))
    version = _load_version(folders, tuple(map(_folder_version, folders)))
    if isinstance(version, str):
        raise ConfigError(version)
    return version


@lru_cache(maxsize=4)
def _load_version(folders: tuple[Path, ...], version: object) -> Sites | str:
    """Rules, or their errors: to read the shipped rules takes as long as to read ten articles."""
    try:
        return load_sites(folders)
    except ConfigError as error:
        if isinstance(error.__cause__, OSError):  # the file may be the same when it can be read
            raise
        return str(error)


def rule_folders(settings: Settings) -> list[Path]:
    """The folder of the shipped rules, and the operator's own."""
    own = [settings.sites_dir] if settings.sites_dir else []
    return [shipped_config() / "sites", *own]


def load_sites(directories: Sequence[Path], files: Sequence[Path] = ()) -> Sites:
    """Every `*.toml` of `directories`; a rule in a later directory, or in `files`, replaces one
    of the same name.

    Raises ConfigError with one line for each error, with file and key. A missing directory is an
    error; one without rules is not.
    """
    rules: dict[str, SiteRule] = {}
    problems: list[str] = []
    cause = None
    for directory in directories:
        if not directory.is_dir():
            raise ConfigError(
                f"no folder of site rules at {printable(directory)}: correct sites_dir"
            )
    paths = (path for directory in directories for path in sorted(directory.glob("*.toml")))
    for path in (*paths, *files):
        try:
            rules[path.stem] = _read(path)
        except _BadRuleError as error:
            problems += [f"{printable(path)}: {problem}" for problem in error.problems]
            cause = error.__cause__ if isinstance(error.__cause__, OSError) else cause
    if problems:
        raise ConfigError("\n".join(problems)) from cause
    default = rules.get(DEFAULT, SiteRule(DEFAULT))
    return Sites(tuple(_with_default(rules[name], default) for name in sorted(rules)))


def _folder_version(folder: Path) -> object:
    """A value that changes when a file of rules in `folder` does: one `stat` a file."""
    try:
        with os.scandir(folder) as entries:
            stats = [(entry.name, entry.stat()) for entry in entries if entry.name[-5:] == ".toml"]
    except OSError:
        return None
    return frozenset((name, stat.st_mtime_ns, stat.st_size, stat.st_ino) for name, stat in stats)


class _BadRuleError(Exception):
    def __init__(self, *problems: str) -> None:
        super().__init__(*problems)
        self.problems = problems


def _read(path: Path) -> SiteRule:
    if not path.is_file():  # nobody may ever write into a FIFO
        raise _BadRuleError("is not a file: remove it")
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise _BadRuleError(f"cannot be read as TOML: {printable(str(error))}") from error
    if "name" in table:
        raise _BadRuleError("name: a rule has the name of its file; remove this key")
    try:
        rule = _RULE.validate_python({"name": path.stem, **table})
    except ValidationError as error:
        wrong = error.errors(include_url=False)
        raise _BadRuleError(*(_describe(problem) for problem in wrong)) from error
    if problems := [*_problems(rule)]:
        raise _BadRuleError(*problems)
    return rule


def _describe(problem: ErrorDetails) -> str:
    key = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "unexpected_keyword_argument":
        near = difflib.get_close_matches(key, _KEYS, n=1, cutoff=0.5) or [
            each for each in _KEYS if each.rsplit(".", 1)[-1] == key.rsplit(".", 1)[-1]
        ]
        if near:
            return f"unknown key {printable(key)}; did you mean {near[0]}?"
        return f"unknown key {printable(key)}; the keys are {', '.join(_KEYS)}"
    return f"{printable(key)}: {explain_value(problem)}"


def _problems(rule: SiteRule) -> Iterator[str]:
    """Errors that types do not show: invalid selectors, patterns, hosts and zones."""
    for key, selectors in _lists(rule.page):
        yield from _bad_selectors(f"page.{key}", selectors, of_body=False)
    for key in ("remove", "bold", "caption"):
        yield from _bad_selectors(f"body.{key}", getattr(rule.body, key), of_body=True)
    yield from _bad_patterns("body.editor", rule.body.editor, groups=1)
    yield from _bad_patterns("body.author", rule.body.author, groups=1)
    yield from _bad_patterns("body.drop_text", rule.body.drop_text, groups=0)
    for key in ("hosts", "image_hosts"):
        for host in getattr(rule.match, key):
            if not re.fullmatch(r"[\w-]+(\.[\w-]+)+", host):
                yield f"match.{key}: {printable(host)} is not a host: write it like sina.com.cn"
    for prefix, part in (("", rule), ("match.", rule.match), ("body.", rule.body)):
        for key, texts in _lists(part):
            if not all(text.strip() for text in texts):
                yield f"{prefix}{key}: an empty text would match everything"
    try:
        ZoneInfo(rule.time_zone or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        shown = printable(rule.time_zone or "")
        yield f"time_zone: {shown} is not an IANA name such as Asia/Shanghai"


def _bad_selectors(key: str, selectors: Iterable[str], *, of_body: bool) -> Iterator[str]:
    """Selectors of pages are for soupsieve; those of bodies for turbohtml, too."""
    for selector in selectors:
        try:
            soupsieve.compile(selector)
            if of_body:
                Element("p").select(selector)
        except (soupsieve.SelectorSyntaxError, SelectorSyntaxError, RecursionError) as error:
            why = printable(str(error).split("\n", 1)[0])
            yield f"{key}: {printable(selector)} is not a CSS selector ({why})"


def _bad_patterns(key: str, patterns: Iterable[str], *, groups: int) -> Iterator[str]:
    for pattern in patterns:
        try:
            if re.compile(pattern).groups < groups:
                yield f"{key}: {printable(pattern)} needs a group for the name: (…)"
        except (re.error, OverflowError, RecursionError) as error:
            yield f"{key}: {printable(pattern)} is not a regular expression ({error})"


def _lists(part: Any) -> Iterator[tuple[str, tuple[str, ...]]]:
    for item in fields(part):
        value = getattr(part, item.name)
        if isinstance(value, tuple):
            yield item.name, value


def _with_default(rule: SiteRule, default: SiteRule) -> SiteRule:
    if rule.name == DEFAULT:
        return rule
    body = {key: (*texts, *getattr(rule.body, key)) for key, texts in _lists(default.body)}
    remove = (*default.page.remove, *rule.page.remove)
    return replace(rule, body=replace(rule.body, **body), page=replace(rule.page, remove=remove))


def _keys(part: type, prefix: str = "") -> Iterator[str]:
    for item in fields(part):
        if isinstance(item.type, type) and is_dataclass(item.type):
            yield from _keys(item.type, f"{prefix}{item.name}.")
        elif prefix or item.name != "name":
            yield prefix + item.name


_RULE = TypeAdapter(SiteRule)
_KEYS = tuple(_keys(SiteRule))


logger = get_logger(__name__)

_RULES = TypeAdapter(tuple[SiteRule, ...])


class SitesReader:
    """Loads the site rules, checks all of them, and replaces those in force only if all are valid.

    Files with an error are logged once and recorded in the state directory, where `status` finds
    it; the rules in force stay. So they do in a process that starts meanwhile: the record has them.
    """

    def __init__(self, settings: Settings, now: Callable[[], datetime]) -> None:
        self._settings = settings
        self._now = now
        self._sites: Sites | None = None
        self._problem = ""

    def current(self) -> Sites:
        """Costs one `stat` a file if nothing has changed and no file has an error.

        Raises ConfigError if a file has an error and no rules are in force.
        """
        try:
            sites, problem = open_sites(self._settings), ""
        except ConfigError as error:
            in_force = self._sites or _recorded(read_rules_record(self._settings.state_dir))
            if in_force is None:
                raise
            sites, problem = in_force, str(error)
        if sites is not self._sites or problem != self._problem:
            self._record(sites, problem)
            self._sites, self._problem = sites, problem
        return sites

    def _record(self, sites: Sites, problem: str) -> None:
        record = read_rules_record(self._settings.state_dir)
        if problem:
            logger.error("the site rules have errors and stay as they were", error=problem)
        elif record and record.revision != sites.revision:
            logger.info("site rules changed", revision=sites.revision, rules=len(sites.rules))
        if record and (record.revision, record.problem) == (sites.revision, problem):
            return
        if record is None or record.revision != sites.revision:
            rules = _RULES.dump_json(sites.rules).decode()
            since = rfc3339(self._now())
            record = RulesRecord(sites.revision, since, len(sites.rules), rules=rules)
        with suppress(OSError):  # read-only or full: status shows what was recorded last
            write_rules_record(self._settings.state_dir, replace(record, problem=problem))


def _recorded(record: RulesRecord | None) -> Sites | None:
    try:
        return Sites(_RULES.validate_json(record.rules)) if record else None
    except ValidationError:  # of another version of newsdrop
        return None
