"""Entries of feeds that were edited: a known guid with another title or date.

Atom asks for the time of the last change only, and many sites move an RSS entry's date with each
edit. By title and date alone every edit was an article of its own.

Guids are also wrong: some feeds have one for all entries, or for the report of each day. Two
articles are worse taken for one than one for two. So a guid only says what to compare with, and an
entry is a later version only if its title is the same and its text is mostly the same, or its text
is the same and long. Entries that are in one document together are never versions of each other.

An article of another source, of which the feed had a copy, takes no other title or date from it.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from worker.model import IndexEntry
from worker.normalize.changes import Version
from worker.normalize.identity import SHORT_TEXT
from worker.normalize.stories.sketch import is_version
from worker.normalize.title import fold
from worker.pipeline.extract import ParsedArticle
from worker.pipeline.ports import ArticlePort
from worker.pipeline.revisions import find_first, find_newest, read_record, with_own_alias


def divide_by_guid(items: Sequence[ParsedArticle]) -> list[list[ParsedArticle]]:
    """`items` in groups: what has the guid of one in a group belongs to a later group, because that
    has to be in the index first. A guid that one document has twice identifies nothing."""
    counts = Counter((item.entry.number, item.guid) for item in items)
    groups, depths = [list[ParsedArticle]()], Counter[bytes | None]()
    for item in items:
        guid = None if counts[item.entry.number, item.guid] > 1 else item.guid
        depth = depths[guid] if guid else 0
        groups[depth:] = groups[depth:] or [[]]
        groups[depth].append(item if guid == item.guid else replace(item, guid=guid))
        depths[guid] += 1
    return groups


def find_edits(
    items: Sequence[ParsedArticle], exists: Sequence[bool], articles: ArticlePort
) -> list[tuple[ParsedArticle, bool]]:
    """Each of `items`, as the article of which it is a version, with whether the index has it."""
    pairs = list(zip(items, exists, strict=True))
    new = [at for at, item in enumerate(items) if item.guid and not (exists[at] or item.article)]
    entries = articles.find_guids([items[at].guid or b"" for at in new]) if new else []
    for at, earlier in zip(new, entries, strict=True):
        if earlier and (edit := _edit_of(items[at], earlier, articles)):
            pairs[at] = (edit, True)
    return pairs


def _edit_of(
    item: ParsedArticle, earlier: IndexEntry, articles: ArticlePort
) -> ParsedArticle | None:
    edit = replace(item, article=earlier.identity, is_edit=True)
    newest = find_newest(edit, articles)
    if newest is None:
        return None
    is_withdrawn = newest.index_entry.is_withdrawn
    record = read_record(find_first(earlier, articles)) if is_withdrawn else newest.record
    if record is None:
        return None
    try:
        article = item.normalized.article
    except Exception:  # a bug, which publishing meets, too, and refuses this article for
        return None
    old, new = Version.of(record), article.content_text
    has_same_title = fold(old.title or "") == fold(article.title)
    edit = with_own_alias(edit, newest.index_entry, articles)
    if old.content_text == new:
        is_title_new = edit.makes_alias and len(new) >= SHORT_TEXT
        return edit if has_same_title or is_title_new else None
    return edit if has_same_title and is_version(old.content_text, new) else None
