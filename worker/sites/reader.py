"""The current site rules: their files are read again when they change."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from pydantic import TypeAdapter, ValidationError

from worker.errors import ConfigError
from worker.logs import get_logger
from worker.model.times import rfc3339
from worker.settings import Settings
from worker.sites.load import load_sites, rule_folders, rules_version
from worker.sites.rules import SiteRule, Sites
from worker.spool.rules_record import RulesRecord, read_rules_record, write_rules_record

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
        self._version: object = None
        self._sites: Sites | None = None

    def current(self) -> Sites:
        """Costs one `stat` a file if nothing has changed.

        Raises ConfigError if a file has an error and no rules are in force.
        """
        version = rules_version(rule_folders(self._settings))
        if version != self._version or self._sites is None:
            self._sites = self._load()
            self._version = version
        return self._sites

    def _load(self) -> Sites:
        record = read_rules_record(self._settings.state_dir)
        try:
            sites = load_sites(rule_folders(self._settings))
        except ConfigError as error:
            in_force = self._sites or _recorded(record)
            if in_force is None:
                raise
            sites = in_force
            problem = str(error)
            logger.error("the site rules have errors and stay as they were", error=problem)
        else:
            problem = ""
            if record and record.revision != sites.revision:
                logger.info("site rules changed", revision=sites.revision, rules=len(sites.rules))
        self._record(record, sites, problem)
        return sites

    def _record(self, record: RulesRecord | None, sites: Sites, problem: str) -> None:
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
