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
from worker.sites.load import open_sites
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
