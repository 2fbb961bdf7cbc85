"""Rules that change while a service runs: read again, checked first, and reported."""

import os
from pathlib import Path
from unittest.mock import patch

import pytest

from tests.servers import Server
from tests.world import World
from worker.errors import ConfigError
from worker.pipeline.context import open_context
from worker.pipeline.feeds.poll import poll
from worker.queries.health import check_health
from worker.queries.status.overview import get_overview
from worker.settings.clock import utc_now
from worker.sites import SitesReader, load
from worker.spool.rules_record import NAME, read_rules_record


def test_a_changed_rule_is_used_by_the_next_batch(tmp_path: Path, redis_server: Server) -> None:
    """One with an error changes nothing, is reported, and new processes use the rules in force."""
    rules = tmp_path / "rules"
    rules.mkdir()
    world = World(tmp_path / "state", redis_server.url, sites_dir=str(rules))
    rule, number = rules / "harbour.toml", 0

    def title(world: World) -> str:
        nonlocal number
        number += 1
        world.put(
            f"{number}.md", f"---\ntitle: 潮汐表{number}_港口\nauthor: 港口报\n---\n今晨满潮。\n"
        )
        world.run()
        return str(world.entries()[-1]["data"]["title"])

    assert title(world) == "潮汐表1_港口"
    first = read_rules_record(world.settings.state_dir)
    assert first is not None

    rule.write_text('title_suffixes = ["_港口"]\n[match]\nauthors = ["港口报"]\n', "utf-8")
    assert title(world) == "潮汐表2"
    good = get_overview(world.settings, utc_now())
    assert good.status.site_rules is not None
    assert good.status.site_rules.revision != first.revision
    assert (good.status.site_rules.count, good.status.site_rules.problem) == (first.count + 1, "")
    assert "site rules" not in {one.name for one in good.problems}

    rule.write_text('title_sufixes = ["_港口"]\n', "utf-8")
    poll(world.context, notify=lambda: None)  # no article is needed to notice it
    bad = get_overview(world.settings, utc_now())
    (problem,) = [one for one in bad.problems if one.name == "site rules"]
    assert "did you mean title_suffixes" in problem.text
    assert problem.text.count("rules have errors") == 1
    assert bad.status.site_rules is not None
    assert bad.status.site_rules.revision == good.status.site_rules.revision
    checks = check_health(world.settings, utc_now()).checks
    assert [one.level for one in checks if one.name == "site rules"] == ["warn"]
    assert title(world) == "潮汐表3"
    world.context = open_context(world.settings)
    loads = patch.object(load, "load_sites", wraps=load.load_sites)
    with loads as loaded:
        assert title(world) == "潮汐表4"
        assert not loaded.called  # its errors are remembered, too
    with patch.object(Path, "read_text", side_effect=OSError("no descriptors")):
        os.utime(rule)
        with pytest.raises(ConfigError, match="no descriptors"):
            load.open_sites(world.settings)
    with pytest.raises(ConfigError, match="did you mean"):
        load.open_sites(world.settings)

    rule.unlink()
    assert title(world) == "潮汐表5_港口"
    now = read_rules_record(world.settings.state_dir)
    assert now is not None
    assert (now.revision, now.problem) == (first.revision, "")


def test_the_first_rules_must_be_valid(tmp_path: Path, redis_server: Server) -> None:
    """Without rules in force an error is refused, also if the record of them cannot be read."""
    (tmp_path / "port.toml").write_text("x = 1")
    world = World(tmp_path / "state", redis_server.url)
    settings = world.settings.model_copy(update={"sites_dir": tmp_path})
    (world.settings.state_dir / NAME).write_text('{"revision": "", "since": "", "count": "?"}')
    with pytest.raises(ConfigError, match="unknown key x"):
        SitesReader(settings, utc_now).current()
