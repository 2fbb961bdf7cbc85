"""Heads of posts in the dialects of many programs, and headings with markup."""

from typing import Any

import pytest

_BODY = "\nThe harbour is calm.\n"


@pytest.mark.parametrize(
    "head",
    [
        "Title: Tide: high\nDate: 2021-11-26 20:26\nTags: sea, wind\nAuthors: Mo Hale, Jo\n",
        "title: Tide: high\r\ndate: 2021-11-26 20:26\r\n"
        "tags: sea, wind\r\nauthors: Mo Hale, Jo\r\n",
        "<!--\n.. title: Tide: high\n.. slug: t\n.. date: 2021-11-26 20:26\n.. tags: sea, wind\n"
        ".. authors: Mo Hale, Jo\n.. link: \n-->\n",
        ".. title: Tide: high\n.. date: 2021-11-26 20:26\n.. tags: sea, wind\n"
        ".. authors: Mo Hale, Jo\n",
        "#+TITLE: Tide: high\n#+DATE: 2021-11-26 20:26\n"
        "#+TAGS: sea, wind\n#+AUTHORS: Mo Hale, Jo\n",
        "---\n标题: 'Tide: high'\n日期: 2021-11-26 20:26\n"
        "标签: [sea, wind]\n作者: [Mo Hale, Jo]\n---\n",
        "---\ntitle: 'Tide: high'\ndate:\n  created: 2021-11-26 20:26\ntags: [sea, wind]\n"
        "authors: [Mo Hale, Jo]\n---\n",
        "---\ntitle: 'Tide: high'\ndate: 2021-11-26 20:26\ntags: '#sea #wind'\nauthor:\n"
        '  - "[[Mo Hale]]"\n  - "[[people/Jo|Jo]]"\n---\n',
        '+++\ntitle = "Tide: high"\ndate = "2021-11-26 20:26"\n[taxonomies]\n'
        'tags = ["sea", "wind"]\n[extra]\nauthors = ["Mo Hale", "Jo"]\n+++\n',
    ],
)
def test_a_head_of_any_dialect(head: str, read_one: Any) -> None:
    """Pelican's, Nikola's, Org's, MkDocs', Obsidian's and Zola's heads give what Hexo's gives."""
    found = read_one((head + _BODY).encode())
    assert (found.title, found.dates[0].text) == ("Tide: high", "2021-11-26 20:26")
    assert (list(found.tags), [one.name for one in found.authors]) == (
        ["sea", "wind"],
        ["Mo Hale", "Jo"],
    )
    assert "calm" in found.html
    assert "Tide" not in found.html


@pytest.mark.parametrize(
    "text",
    ["Title: Tide\nA line\n\n# Sea\n", "Title: Tide\n\n# Sea\n", "Note: a\nFrom: b\n\n# Sea\n"],
)
def test_lines_that_only_look_like_a_head(text: str, read_one: Any) -> None:
    """One key, or keys without a title, are the beginning of a text."""
    assert read_one(text.encode()).parser == "markdown"


def test_lists_as_people_write_them(read_one: Any) -> None:
    """A hashtag in a list is no comment, two kinds of commas part names, and reporters are named
    behind their role; what is behind a quoted value, or one with a key, is a comment."""
    head = (
        "---\ntags:\n - #潮汐\n - 港口\nkeywords: 航运、公告, 天气\nauthor: 本报记者 林晚照、周海\n"
    )
    found = read_one(f"{head}---\n{_BODY}".encode())
    assert found.tags == ("#潮汐", "港口", "航运", "公告", "天气")
    assert [one.name for one in found.authors] == ["林晚照", "周海"]
    head = "---\ntitle:  'High tide' # one\nauthors:\n  - name: Ann Vera #lead\n    url: /ann\n"
    found = read_one(f"{head}tags:\n  -  'ebb' #two\n---\n{_BODY}".encode())
    assert ([person.name for person in found.authors], found.tags) == (["Ann Vera"], ("ebb",))
    assert not found.warnings


def test_a_heading_with_markup_is_a_title_in_text(read_one: Any) -> None:
    """Emphasis, code and links of a heading leave no marks in the title."""
    found = read_one(b"# Tide *high* at `08:05`, [again](https://a.example/) #\n\nCalm.\n")
    assert found.title == "Tide high at 08:05, again"


def test_the_dates_of_an_astro_theme(read_one: Any) -> None:
    """AstroPaper's `pubDatetime` and `modDatetime` are the dates of a post."""
    head = "---\ntitle: Tide\npubDatetime: 2021-11-26T20:26:00Z\nmodDatetime: 2021-11-27\n---\n"
    found = read_one((head + _BODY).encode())
    assert (found.dates[0].text, found.modified[0].text) == ("2021-11-26T20:26:00Z", "2021-11-27")
