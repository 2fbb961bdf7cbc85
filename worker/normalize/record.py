"""The sequence that makes a record of a raw article."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property, partial
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
from worker.model.frozen import dataclass
from worker.model.warning import RecordWarning, WarningKind, warn
from worker.normalize.body.fragment import HTML_DEPTH, Body, Fragment, extract_text
from worker.normalize.body.images import is_ignored
from worker.normalize.dates.article_date import ArticleDate, article_date, modified_at
from worker.normalize.identity import content_hash, identify
from worker.normalize.language import language_of, word_count
from worker.normalize.people import find_people
from worker.normalize.related import without_related
from worker.normalize.strings import clean_text, json_value, one_line, one_line_or_none
from worker.normalize.tickers.find import find_tickers
from worker.normalize.title import choose_title, fold, without_suffix
from worker.normalize.urls import canonical_address, host_of, web_address
from worker.sites import SiteRule, Sites

MAX_TAGS = 200
LONGEST_SUMMARY = 10_000
_NO_RULE = SiteRule("")


@dataclass(frozen=True, slots=False)
class Normalized:
    """An article's identity, and its record, which is made on demand.

    Half of a record's cost (securities, counts, people) is not for its identity, and a duplicate
    needs nothing else.
    """

    identity: Identity
    title: str
    date: str | None
    warnings: tuple[str, ...]
    _record: Callable[[str], Article]

    def record(self, ingested_at: str) -> Article:
        """The record as it is published at `ingested_at` (RFC 3339, UTC)."""
        return self._record(ingested_at)

    @cached_property
    def article(self) -> Article:
        """The record; its `ingested_at` is empty until it is published."""
        return self._record("")


@dataclass(frozen=True, slots=True)
class _Parts:
    """The parts of a record that is not made yet."""

    raw: RawArticle
    rule: SiteRule
    profile: Profile
    provenance: Provenance
    body: Body
    base_url: str | None
    zone: ZoneInfo
    date: ArticleDate
    title: str
    folded_title: str
    link: str | None
    tags: tuple[str, ...]
    content: bytes
    identity: Identity
    first_seen_at: str
    warnings: tuple[str, ...]


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
    nor a text, TOO_DEEP where the formatting elements of the body would fill the memory.
    """
    warnings = list(raw.warnings)
    fragment = Fragment(without_related(raw.html))
    rule = find_rule(raw, fragment, profile=profile, sites=sites)
    base_url = web_address(raw.base_url) or web_address(raw.url)
    body = fragment.clean(rule.body, base_url=base_url, ticker_hints=rule.tickers, depth=html_depth)
    title = _title(raw, body, warnings)
    zone = _zone(raw, rule, profile)
    date = _date(raw, profile, zone, first_seen_at, warnings)
    # Scope `url` keeps the address as given in the key, so that no rule here changes an identity.
    folded, link = fold(title, rule.title_suffixes), web_address(raw.url)
    content = content_hash(body.text, (image.url for image in body.images))
    identity = identify(folded, date.date, content, profile=profile, url=link)
    parts = _Parts(
        raw=raw,
        rule=rule,
        profile=profile,
        provenance=provenance,
        body=body,
        base_url=base_url,
        zone=zone,
        date=date,
        title=without_suffix(title, rule.title_suffixes),
        folded_title=folded,
        link=link,
        tags=_tags((*raw.tags[: MAX_TAGS + 1 - len(profile.tags)], *profile.tags), warnings),
        content=content,
        identity=identity,
        first_seen_at=first_seen_at,
        warnings=tuple(map(clean_text, dict.fromkeys(warnings))),
    )
    return Normalized(identity, parts.title, date.date, parts.warnings, partial(_article, parts))


def _title(raw: RawArticle, body: Body, warnings: list[RecordWarning]) -> str:
    title = choose_title(raw.title, heading=body.heading, text=body.text, warnings=warnings)
    if not title:
        raise Rejected(
            Reason.NO_CONTENT, "there is neither a title nor a text; give the article a title"
        )
    return title


def _date(
    raw: RawArticle,
    profile: Profile,
    zone: ZoneInfo,
    first_seen_at: str,
    warnings: list[RecordWarning],
) -> ArticleDate:
    return article_date(
        raw.dates,
        zone=zone,
        key_zone=profile.key_zone,
        order=profile.date_order,
        trust_naive=profile.trust_naive_dates,
        is_run_time=raw.has_run_time,
        seen_at=first_seen_at,
        warnings=warnings,
    )


def _article(parts: _Parts, ingested_at: str) -> Article:
    raw, body, date = parts.raw, parts.body, parts.date
    rule, base_url = parts.rule, parts.base_url
    url = _canonical_url(parts)
    people = find_people(raw, rule, base_url=base_url, editor=body.editor)
    return Article(
        id=parts.identity.id,
        schema_version=SCHEMA_VERSION,
        title=parts.title,
        url=url,
        external_url=web_address(raw.external_url, base_url),
        summary=_summary(raw.summary),
        language=language_of(raw.language, parts.profile.language, rule.language, text=body.text),
        content_html=body.html,
        content_text=body.text,
        highlights=body.highlights,
        date=date.date,
        date_published=date.published,
        date_modified=modified_at(raw.modified, zone=parts.zone, order=parts.profile.date_order),
        date_precision=date.precision,
        date_source=one_line_or_none(date.origin),
        authors=people.authors,
        editor=people.editor,
        publisher=people.publisher,
        tags=parts.tags,
        image=_cover(raw, rule, base_url),
        images=body.images,
        links=body.links,
        attachments=_attachments(raw, base_url),
        tickers=find_tickers(body, raw.html if rule.tickers else ""),
        word_count=word_count(body.text),
        dedupe=_dedupe(parts),
        provenance=_provenance(parts, url),
        first_seen_at=parts.first_seen_at,
        ingested_at=ingested_at,
        warnings=parts.warnings,
        extra={clean_text(str(key)): json_value(value) for key, value in raw.extra.items()},
    )


def _dedupe(parts: _Parts) -> Dedupe:
    key = parts.identity.key.hex()
    return Dedupe(key, parts.folded_title, parts.profile.scope, parts.content.hex())


def _canonical_url(parts: _Parts) -> str | None:
    """The address that the article's page declares, else the given one, in canonical form."""
    url = web_address(parts.raw.canonical_url) or parts.link
    if url is None:
        return None
    urls = (parts.raw.canonical_url, parts.provenance.url, parts.provenance.feed_url)
    secure = {host_of(each) or "" for each in urls if each and each.startswith("https://")}
    return canonical_address(url, secure)


def _provenance(parts: _Parts, url: str | None) -> Provenance:
    provenance, raw = parts.provenance, parts.raw
    link = parts.link if parts.link != url else None
    feed_url = provenance.feed_url or web_address(raw.feed_url)
    if provenance.parser and (link, feed_url) == (provenance.link, provenance.feed_url):
        return provenance
    return replace(provenance, link=link, parser=provenance.parser or raw.parser, feed_url=feed_url)


def find_rule(raw: RawArticle, fragment: Fragment, *, profile: Profile, sites: Sites) -> SiteRule:
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
    return one_line_or_none(extract_text(summary[: 4 * LONGEST_SUMMARY]), LONGEST_SUMMARY)


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
