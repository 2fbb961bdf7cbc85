"""Real inputs: every file of the shared samples is published, or refused for a listed reason."""

import shutil
from pathlib import Path

import pytest

from tests.servers import Server
from tests.world import World

SAMPLES = Path(__file__).parent.parent.parent / "shared" / "samples"

pytestmark = pytest.mark.skipif(not SAMPLES.is_dir(), reason="the shared samples are not here")

FOLDERS = ("mirror", "heads", "dialects", "feeds", "encodings", "pages-zh")
"""What stands for the daily work; `pages` and `suites` are scored, not published."""

REFUSED = {
    # lists of expectations for tests, not articles
    "encodings/expected.json": {"unknown_format"},
    "heads/expected.json": {"unknown_format"},
    # entries without title and text; the feeds' other entries are published
    "feeds/incomplete-fields.atom": {"no_content"},
    "feeds/missing-fields.atom": {"no_content"},
    # no title, and a body cut short before its first word
    "heads/078.md": {"no_content"},
    # a feed cut off in its last entry; the entries before are published
    "feeds/osm-pl.xml": {"malformed"},
}
"""File → reasons."""


def test_every_sample_has_its_outcome(tmp_path: Path, redis_server: Server) -> None:
    """Published or a duplicate, or refused for its listed reason; counts agree."""
    world = World(tmp_path, redis_server.url)
    here = tmp_path / "samples"
    for name in FOLDERS:
        shutil.copytree(SAMPLES / name, here / name)
    shutil.copy(SAMPLES / "seed.md", here)
    files = [path for path in here.rglob("*") if path.is_file()]
    assert world.enqueue(here) == len(files)
    world.drain()
    refused: dict[str, set[str]] = {}
    for one in world.context.deps.quarantine:
        refused.setdefault(one.path, set()).add(str(one.reason))
    assert refused == REFUSED
    outcomes = world.journal()
    assert {one["path"].split("!")[0] for one in outcomes} == {
        str(path.relative_to(here)) for path in files
    }
    totals = world.totals()
    assert totals.archived + totals.quarantined == len(files)
    assert totals.published + totals.duplicate + totals.rejected == len(outcomes)
    assert totals.published == len(world.entries())


def test_the_mirror_is_deduplicated(tmp_path: Path, redis_server: Server) -> None:
    """Random covers make no new article; one title on two days makes two."""
    world = World(tmp_path, redis_server.url)
    world.enqueue(SAMPLES / "seed.md", SAMPLES / "mirror")
    world.drain()
    records = {entry["data"]["title"]: entry["data"] for entry in world.entries()}
    assert len(world.entries()) == 1 + 15 - 2
    assert world.totals().duplicate == 2
    seed = records["上海市人才工作会议上，李强书记划重点"]
    assert seed["id"].startswith("20211126-")
    assert seed["date_published"] == "2021-11-26T12:26:04Z"
    assert seed["publisher"]["name"] == "新浪财经"
    assert (seed["authors"], seed["editor"], seed["language"]) == ([], "李昂", "zh-Hans")
    assert seed["tags"] == ["金融", "新浪财经", "新浪财经－国內"]
    assert len(seed["images"]) == 3
    assert [(one["symbol"], one["origin"]) for one in seed["tickers"]] == [
        ("300959.SZ", "auto-link"),
        ("601328.SH", "auto-link"),
    ]
    assert len(seed["highlights"]) == 9
    assert "各类人才线上线下都能" in seed["content_text"]
    assert "　　" not in seed["content_text"]
    assert "APP" not in seed["content_text"]
    assert seed["warnings"] == []
    assert seed["extra"] == {"comments": "false"}
