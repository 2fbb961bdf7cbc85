"""Which language is chosen, and how finished messages are translated."""

import re
import time

import pytest

from worker import translation
from worker.store import errors
from worker.translation import from_environment, message, negotiate, use_language


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("zh-Hant-TW", "zh"),
        ("en-GB,en;q=0.9,zh;q=0.1", "en"),
        ("fr,de;q=0.7", "en"),
        ("en;q=0.3, zh;q=0.9", "zh"),
        ("zh;q=0, en", "en"),
        ("zh;q=nine", "en"),
        (";;,,", "en"),
        ("", "en"),
    ],
)
def test_the_browsers_weights_decide(header: str, language: str) -> None:
    """The supported language of the highest weight; English where none is supported."""
    assert negotiate(header) == language


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "LC_MESSAGES": "en_US.UTF-8"}, "en"),
        ({"LANG": "en_US.UTF-8", "LC_ALL": "zh_CN.UTF-8"}, "zh"),
        ({"LC_ALL": "", "LANG": "zh_TW"}, "zh"),
        ({"LC_ALL": "C", "LANG": "zh_CN.UTF-8"}, "en"),
        ({}, "en"),
    ],
)
def test_a_terminals_variables_decide(environment: dict[str, str], language: str) -> None:
    """LC_ALL before LC_MESSAGES before LANG, as POSIX has it."""
    assert from_environment(environment) == language


@pytest.mark.parametrize(
    ("text", "translated"),
    [
        ("the file is empty: drop it again when it is written", "文件为空：写完后请重新投放"),
        (
            "the file has 5,000,000 bytes, more than limits.file_mb allows: "
            "split it, or raise the limit",
            "文件有 5,000,000 字节，超过 limits.file_mb：请拆分，或调大该限制",
        ),
        ("12 files accepted. They are processed without this command.",
         "已接收 12 个文件。本命令退出后仍会继续处理。"),
        ("in.zip: the file is empty: drop it again when it is written",
         "in.zip：文件为空：写完后请重新投放"),
        ("cannot be had: {0} %s", "cannot be had: {0} %s"),
        ("", ""),
    ],
)  # fmt: skip
def test_a_finished_message_is_translated(text: str, translated: str) -> None:
    """Its values are put into the translated pattern; unknown text stays as it is."""
    with use_language("zh"):
        assert message(text) == translated
    assert message(text) == text


def test_a_noun_without_a_number_is_no_count() -> None:
    """`the address` stays in its sentence; `2 addresses` gets its measure word."""
    with use_language("zh"):
        assert message("cannot connect: see the address").endswith("see the address")
        assert message("2 addresses") == "2 个地址"


def test_values_are_not_read_as_patterns() -> None:
    """Braces in a file's name are text."""
    with use_language("zh"):
        shown = message("{time} {0.x} cannot be enqueued: no")
    assert shown == "无法提交 {time} {0.x}：no"


def test_a_form_is_no_pattern() -> None:
    """Words that code looks up before it has their values are found as they are."""
    foreign = "Anne lives in Paris, France"
    with use_language("zh"):
        assert translation.gettext("{time} in {zone}, {utc}") == "{zone} 时间 {time}，{utc}"
        assert translation.gettext("{time} ago") == "{time}前"
        assert [message(it) for it in (foreign, "long ago", "40 files/s")] == [
            foreign,
            "long ago",
            "40 files/s",
        ]


def test_a_word_in_a_message_is_a_name() -> None:
    """A file `files`, a group `next`: the catalogue has these words, but here they are names."""
    with use_language("zh"):
        assert message("next") == "下次"
        assert message("group next created, at 0") == "已创建消费组 next，位置 0"
        assert message("files: the file is empty: drop it again when it is written") == (
            "files：文件为空：写完后请重新投放"
        )


def test_a_long_message_takes_no_time() -> None:
    """Text made to fit a pattern's pieces a thousand times is matched in one pass."""
    text = "the site rules " + "(: " * 1300 + ")"
    begun = time.process_time()
    with use_language("zh"):
        message(text)
    assert time.process_time() - begun < 0.5


def test_languages_have_names() -> None:
    """Each language has a code for HTML; the default needs no catalogue."""
    assert translation.HTML_CODES.keys() == translation.LANGUAGES.keys()


@pytest.mark.parametrize("code", errors._BY_CODE)
def test_what_redis_refuses_is_translated(code: str) -> None:
    """Each refusal of Redis, whole: no pattern of another message takes words out of it."""
    _, text = errors._BY_CODE[code]
    with use_language("zh"):
        shown = message(text)
    assert shown != text
    names = {"Redis", "Cluster", "SCRIPT", "KILL"}
    rest = {word for word in re.findall(r"[A-Za-z._-]+", shown) if not re.search(r"[._-]", word)}
    assert rest <= names | {"maxmemory", "maxclients"}
