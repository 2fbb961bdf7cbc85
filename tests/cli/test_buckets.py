"""What people see of a bucket: status, problems, page, `config check` and `doctor`."""

from collections.abc import Iterator

import pytest

from tests.cli.conftest import home
from tests.home import Home, article
from tests.object_store import BUCKET, KEY, ObjectStore
from tests.web.served import served
from worker.pipeline.context import open_context
from worker.pipeline.feeds.poll import fetch, poll
from worker.settings import load
from worker.translation import use_language

__all__ = ["home"]

CONFIG = """
[fetch]
allow_networks = ["127.0.0.0/8"]
[worker]
tick_seconds = 0.2
[[buckets]]
name = "archive"
url = "s3://{bucket}/2021/"
endpoint = "{endpoint}"
"""


@pytest.fixture
def store(home: Home, monkeypatch: pytest.MonkeyPatch) -> Iterator[ObjectStore]:
    """A store whose bucket is in the settings of `home`."""
    with ObjectStore({"2021/a.md": article("一条新闻").encode()}) as store:
        config = home.put("mine.toml", CONFIG.format(bucket=BUCKET, endpoint=store.url))
        monkeypatch.setenv("NEWSDROP_CONFIG", str(config))
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a-secret-key")
        yield store


def work(home: Home) -> None:
    context = open_context(load())
    poll(context, notify=lambda: None)
    while (totals := fetch(context, notify=lambda: None)) and totals.turns:
        pass
    home.work()


def test_a_bucket_is_shown_as_a_folder_is(home: Home, store: ObjectStore) -> None:
    """Status and page have its address, its counts and its next list."""
    work(home)
    (source,) = [each for each in home.json("status")["sources"] if each["name"] == "archive"]
    assert source["folder"] == "s3://news/2021/"
    assert source["articles"]["published"] == 1
    assert source["listing"]["listed"] == 1
    assert source["next_turn"]
    assert "s3://news/2021/" in home.run("status").stdout
    home.run("pause", "archive")
    (source,) = [each for each in home.json("status")["sources"] if each["name"] == "archive"]
    assert source["paused"]
    home.run("resume", "archive")
    with served(home) as one:
        assert "s3://news/2021/" in one.client.get("/").text
        page = one.client.get("/sources/archive").text
        assert "1 new or changed so far, 0 of them not read yet" in page


def test_a_bucket_that_cannot_be_listed(
    home: Home, store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Status, page and doctor say why and what to do."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "OTHER")
    work(home)
    status = home.json("status")
    (problem,) = [each for each in status["problems"] if each["name"] == "bucket"]
    assert problem["text"].startswith("The bucket archive: it answers 403 (InvalidAccessKeyId)")
    assert "correct the credentials" in problem["text"]
    (check,) = [each for each in home.lines("doctor") if each["name"] == "bucket archive"]
    assert (check["level"], check["advice"]) == ("warn", "correct the credentials")
    with served(home) as one:
        assert "correct the credentials" in one.client.get("/sources/archive").text
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    (check,) = [each for each in home.lines("doctor") if each["name"] == "bucket archive"]
    assert (check["level"], check["message"]) == ("ok", "s3://news/2021/ can be listed")


def test_a_store_that_is_unavailable(home: Home, store: ObjectStore) -> None:
    """The problem names the bucket, in both languages."""
    home.put("mine.toml", CONFIG.format(bucket=BUCKET, endpoint="http://127.0.0.1:9"))
    work(home)
    assert (
        "The bucket archive is not read now: 127.0.0.1 does not accept" in home.run("status").stdout
    )
    with use_language("en"):
        chinese = home.run("--lang", "zh", "status").stdout
    assert "存储桶 archive 目前无法读取：127.0.0.1 在 127.0.0.1 端口 9 上拒绝连接" in chinese


def test_config_check_reads_the_credentials(
    home: Home, store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Missing credentials, and wrong addresses, are found before the start."""
    assert home.json("config", "check")["sources"] == ["drop", "archive"]
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    result = home.run("config", "check")
    assert result.exit_code == 2
    assert "the bucket archive has no credentials: set AWS_ACCESS_KEY_ID" in result.stderr
    file = home.put("credentials", "[a]\naws_access_key_id = a\n")
    config = CONFIG.format(bucket=BUCKET, endpoint=store.url)
    home.put("mine.toml", f'{config}credentials_file = "{file}"\n')
    assert "has no aws_access_key_id with its aws_secret" in home.run("config", "check").stderr
    home.put("mine.toml", config.replace("s3://", "ftp://"))
    assert "write it as s3://BUCKET/PREFIX" in home.run("config", "check").stderr


def test_a_bucket_that_is_only_enqueued_is_not_watched(
    home: Home, store: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The overview and the bucket's page say "watching" of folders only."""
    config = CONFIG.format(bucket=BUCKET, endpoint=store.url) + "interval_seconds = 0\n"
    monkeypatch.setenv("NEWSDROP_CONFIG", str(home.put("enqueued.toml", config)))
    with served(home) as one:
        assert one.client.get("/").text.count(">watching<") == 1, "the drop folder"
        page = one.client.get("/sources/archive").text
        assert "2021/" in page
        assert ">watching<" not in page
