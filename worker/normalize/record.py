"""The sequence that makes a record of a raw article."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from worker.errors import Reason, Rejected
from worker.model import (
    SCHEMA_VERSION,
    Article,
    Attachment,
    Dedupe,
    Identity,
    Profile,
    Provenance,
    RawArticle,
)
from worker.model.warning import RecordWarning, WarningKind, warn
from worker.normalize.body import HTML_DEPTH, Body, Fragment, text_of
from worker.normalize.dates import article_date, modified_at
from worker.normalize.identity import content_hash, identify
from worker.normalize.images import is_ignored
from worker.normalize.language import language_of, word_count
from worker.normalize.people import people_of
from worker.normalize.related import without_related
from worker.normalize.strings import clean_text, json_value, one_line, one_line_or_none
from worker.normalize.tickers import tickers_of
from worker.normalize.title import fold, title_of, without_suffix
from worker.normalize.urls import web_address
from worker.sites import SiteRule, Sites

MAX_TAGS = 200
LONGEST_SUMMARY = 10_000
_NO_RULE = SiteRule("")


@dataclass(frozen=True)
class Normalized:
    """An article's identity, and its record, which is made on demand.

    Most of a record's cost (sanitised HTML, securities, counts) is not for its identity, and a
    duplicate needs nothing else.
    """

    identity: Identity
    title: str
    date: str | None
    warnings: tuple[str, ...]
    _record: Callable[[], Article]

    @cached_property
    def article(self) -> Article:
        """The record; its `ingested_at` is empty until it is published."""
        return self._record()


def normalize(
    raw: RawArticle,
    *,
    profile: Profile,
    sites: Sites,
    provenance: Provenance,
    first_seen_at: str,
    html_depth: int = HTML_DEPTH,
) -> Normalized:
    """The record of `raw`, by its source's `profile` and its site's rule.

    `first_seen_at` is RFC 3339, UTC. Raises Rejected: NO_CONTENT where there is neither a title
    nor a text, TOO_DEEP where the body is nested beyond `html_depth` and too large to flatten.
    """
    warnings = list(raw.warnings)
    fragment = Fragment(without_related(raw.html))
    rule = rule_of(raw, fragment, profile=profile, sites=sites)
    base_url = web_address(raw.base_url) or web_address(raw.url)
    body = fragment.clean(rule.body, base_url=base_url, ticker_hints=rule.tickers, depth=html_depth)
    written = title_of(raw.title, heading=body.heading, text=body.text, warnings=warnings)
    if not written:
        raise Rejected(
            Reason.NO_CONTENT, "there is neither a title nor a text; give the article a title"
        )
    zone = _zone(raw, rule, profile)
    date = article_date(
        raw.dates,
        zone=zone,
        key_zone=profile.key_zone,
        order=profile.date_order,
        trust_naive=profile.trust_naive_dates,
        is_run_time=raw.has_run_time,
        seen_at=first_seen_at,
        warnings=warnings,
    )
    url = web_address(raw.url)
    title = without_suffix(written, rule.title_suffixes)
    folded = fold(written, rule.title_suffixes)
    content = content_hash(body.text, _addresses(body))
    identity = identify(folded, date.date, content, profile=profile, url=url)
    tags = _tags((*raw.tags[: MAX_TAGS + 1 - len(profile.tags)], *profile.tags), warnings)
    all_warnings = tuple(map(clean_text, dict.fromkeys(warnings)))

    def record() -> Article:
        people = people_of(raw, rule, base_url=base_url, editor=body.editor)
        return Article(
            id=identity.id,
            schema_version=SCHEMA_VERSION,
            title=title,
            url=url,
            external_url=web_address(raw.external_url, base_url),
            summary=_summary(raw.summary),
            language=language_of(raw.language, profile.language, rule.language, text=body.text),
            content_html=body.html,
            content_text=body.text,
            highlights=body.highlights,
            date=date.date,
            date_published=date.published,
            date_modified=modified_at(raw.modified, zone=zone, order=profile.date_order),
            date_precision=date.precision,
            date_source=one_line_or_none(date.origin),
            authors=people.authors,
            editor=people.editor,
            publisher=people.publisher,
            tags=tags,
            image=_cover(raw, rule, base_url),
            images=body.images,
            links=body.links,
            attachments=_attachments(raw, base_url),
            tickers=tickers_of(body, raw.html if rule.tickers else ""),
            word_count=word_count(body.text),
            dedupe=Dedupe(identity.key.hex(), folded, profile.scope, content.hex()),
            provenance=replace(
                provenance,
                parser=provenance.parser or raw.parser,
                feed_url=provenance.feed_url or web_address(raw.feed_url),
            ),
            first_seen_at=first_seen_at,
            ingested_at="",
            warnings=all_warnings,
            extra=_extra(raw),
        )

    return Normalized(identity, title, date.date, all_warnings, record)


def _addresses(body: Body) -> Iterator[str]:
    """The addresses of the pictures, found only when the hash needs them."""
    for image in body.images:
        yield image.url


def rule_of(raw: RawArticle, fragment: Fragment, *, profile: Profile, sites: Sites) -> SiteRule:
    """The rule that the operator or the parser named, else the one that matches the input."""
    for name in (profile.site, raw.site):
        if name and (rule := sites.named(name)):
            return rule
    chosen = sites.choose(
        url=raw.url,
        publisher=raw.publisher.name if raw.publisher else None,
        authors=(author.name for author in raw.authors),
        tags=raw.tags,
        image_hosts=fragment.image_hosts(),
    )
    return chosen or _NO_RULE


def _zone(raw: RawArticle, rule: SiteRule, profile: Profile) -> ZoneInfo:
    """The zone of naive dates: the site's for its own pages, else the source's."""
    if raw.parser == "page" and rule.time_zone:
        return ZoneInfo(rule.time_zone)
    return profile.time_zone


def _tags(names: Sequence[str], warnings: list[RecordWarning]) -> tuple[str, ...]:
    tags = tuple(dict.fromkeys(filter(None, (one_line(tag, 200) for tag in names[: MAX_TAGS + 1]))))
    if len(tags) > MAX_TAGS:
        warnings.append(warn(WarningKind.CUT, f"only the first {MAX_TAGS} tags are used"))
    return tags[:MAX_TAGS]


def _summary(summary: str | None) -> str | None:
    if not summary:
        return None
    return one_line_or_none(text_of(summary[: 4 * LONGEST_SUMMARY]), LONGEST_SUMMARY)


def _cover(raw: RawArticle, rule: SiteRule, base_url: str | None) -> str | None:
    address = web_address(raw.image, base_url)
    return None if address is None or is_ignored(address, rule.body.ignore_images) else address


def _attachments(raw: RawArticle, base_url: str | None) -> tuple[Attachment, ...]:
    by_url: dict[str, Attachment] = {}
    for attachment in raw.attachments[:100]:
        if url := web_address(attachment.url, base_url):
            mime = one_line(attachment.mime_type, 100).lower() or None
            by_url.setdefault(url, Attachment(url, mime, one_line_or_none(attachment.title)))
    return tuple(by_url.values())


def _extra(raw: RawArticle) -> dict[str, Any]:
    return {clean_text(str(key)): json_value(value) for key, value in raw.extra.items()}
