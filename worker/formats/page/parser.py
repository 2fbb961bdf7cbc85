"""A whole HTML page: its article found by the site's rule, else by the page's own metadata.

One lxml tree serves all; Beautiful Soup reads the page where a rule's selectors apply. A rule's
answers come first, then JSON-LD, meta elements, microdata and visible text. Titles keep the
suffixes of a site's rule, and authors may be outlets: the normalizer sorts that out.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

from worker.escape import printable
from worker.formats.body import text_to_html
from worker.formats.context import ParseContext, Parsed
from worker.formats.page.body import Extract, check_content, cut_out, extract_article, is_index
from worker.formats.page.bylines import without_sites
from worker.formats.page.credits import by_classes, by_credits, with_coauthors
from worker.formats.page.date_search import search_date
from worker.formats.page.headline import title_of, titles_of
from worker.formats.page.json_ld import by_json_ld
from worker.formats.page.links import (
    base_of,
    host_of,
    is_address_of,
    is_front_page,
    is_inner_page,
    is_other_page,
    next_page,
    resolve_link,
)
from worker.formats.page.media import players
from worker.formats.page.metadata import (
    PageMetadata,
    by_address,
    by_card,
    by_meta,
    by_microdata,
    declared_addresses,
    merge_metadata,
    meta_table,
)
from worker.formats.page.passages import Passages, Run
from worker.formats.page.published import CHANGED, dates_shown
from worker.formats.page.site_names import outlet_behind
from worker.formats.page.site_rule import body_by_rule, by_rule, choose_rule, page_soup
from worker.formats.page.surroundings import correct_passages
from worker.formats.page.tree import Element, page_tree, squeezed_length, text_content
from worker.model import DateText, Document, Publisher, RawArticle
from worker.model.warning import RecordWarning, WarningKind, warn
from worker.normalize.people import is_outlet
from worker.settings import Limits
from worker.sites import SiteRule

PARSER = "page"


@dataclass(frozen=True, slots=True)
class Page:
    """The article of a page, and the address of its next page."""

    article: RawArticle
    next_page: str | None


def parse_page(text: str, document: Document, context: ParseContext) -> Parsed:
    """The one article of the page `text`. Raises Rejected as `read_page` does."""
    page = read_page(text, document, context)
    link = page.next_page
    yield with_next_page_warning(page.article, link) if link else page.article


def with_next_page_warning(article: RawArticle, link: str) -> RawArticle:
    """The article with a warning that it continues at `link`."""
    warning = warn(WarningKind.INCOMPLETE, f"the article continues at {printable(link)}")
    return replace(article, warnings=(*article.warnings, warning))


def read_page(text: str, document: Document, context: ParseContext) -> Page:
    """The article of the page `text`, and its next page.

    Raises Rejected: `too_deep` and `too_large` before anything costly is done, `no_content` for
    a page without an article.
    """
    tree = page_tree(text, context.limits)
    meta = by_meta(tree)
    visible = _visible_titles(tree)
    ld = by_json_ld(tree, meta.url or document.url, visible)
    url, canonical_url = _page_url(document, meta, ld), _canonical_url(tree, document, ld, visible)
    rule = choose_rule(tree, url, meta, context)
    base = base_of(tree, document.url or url)
    selection = _select(text, rule, base) if rule else _Selection()
    extract = extract_article(tree, selection.html)
    micro = by_microdata(tree, extract.first_element)
    titles = titles_of(tree, extract.passages, ld, meta, url)
    title = selection.data.title or title_of(titles)
    summaries = filter(None, (ld.summary, meta.summary))
    passages = correct_passages(extract.passages, title, summaries)
    extract = replace(extract, passages=passages)
    credit = by_credits(passages, title)
    declared = [ld, meta, micro, by_address(url), credit, by_card(tree)]
    names = [person.name for source in declared for person in source.authors]
    outlets = [name for name in names if is_outlet(name)]
    declared += [PageMetadata(publisher=Publisher(outlet)) for outlet in outlets]
    logo = [run.line for run in passages.runs[:_LOGO] if not _is_section(run)]
    if outlet := outlet_behind(title or "", titles.page, host_of(url), logo):
        declared.append(PageMetadata(publisher=Publisher(outlet)))
    sites = [*titles.sites, *(source.publisher.name for source in declared if source.publisher)]
    persons = [replace(source, authors=without_sites(source.authors, sites)) for source in declared]
    data = replace(merge_metadata(selection.data, *persons), title=title)
    authors = with_coauthors(data.authors, credit.authors)
    authors = authors or without_sites(by_classes(passages, title), sites)
    data = replace(data, authors=authors, url=url)
    shown = tuple(dates_shown(passages, title, context.profile.date_order))
    dates = tuple(_dates(tree, url, data.dates, shown, passages))
    html, warnings = _body(extract, rule, selection.html, data, _bylines(data, shown))
    publisher = data.publisher.name if data.publisher else None
    article = RawArticle(
        parser=PARSER,
        html=html,
        title=title,
        dates=dates,
        modified=data.modified,
        authors=tuple(author for author in data.authors if author.name != publisher),
        publisher=data.publisher,
        editor=data.editor,
        tags=tuple(tag for tag in data.tags if tag != title),
        language=data.language,
        url=url if url and is_inner_page(url) else None,
        canonical_url=canonical_url,
        base_url=base,
        summary=data.summary if data.summary != title else None,
        image=resolve_link(base, data.image),
        attachments=players(html, base),
        warnings=warnings,
        site=rule.name if rule else None,
    )
    return Page(article, selection.next_page)


def linked_page(text: str, url: str, selectors: tuple[str, ...], limits: Limits) -> str | None:
    """The next page, on the same host, of the page `text` at `url`, by a rule's selectors.

    Raises Rejected as `read_page` does.
    """
    tree = page_tree(text, limits)
    link = next_page(page_soup(text), selectors, base_of(tree, url))
    return link if is_other_page(url, link) else None


def first_match(text: str, selectors: tuple[str, ...], limits: Limits) -> str | None:
    """The first of `selectors` that finds an element of the page `text`, if any.

    Raises Rejected as `read_page` does.
    """
    page_tree(text, limits)
    soup = page_soup(text)
    return next((selector for selector in selectors if soup.select_one(selector)), None)


_EDITORS = (
    *("责任编辑", "（责任编辑", "(责任编辑", "【责任编辑", "责编", "（责编", "(责编", "（编辑"),
    *("責任編輯", "（責任編輯", "責編"),
    *("【纠错】", "校对：", "校对 "),
)
_LOGO = 3  # lines, within which a page has the name of its site
_TEASER = 1.7  # the page's data have as much more text than it shows
_BYLINES = (
    *("By ", "by ", "BY ", "Von ", "von ", "Par ", "Por "),
    *("作者：", "记者 ", "記者 ", "文/", "文／"),
)


@dataclass(frozen=True, slots=True)
class _Selection:
    """What the selectors of a site's rule find on a page."""

    data: PageMetadata = field(default_factory=PageMetadata)
    next_page: str | None = None
    html: str | None = None


def _select(text: str, rule: SiteRule, base: str | None) -> _Selection:
    soup = page_soup(text)
    following = next_page(soup, rule.page.next_page, base)
    return _Selection(by_rule(soup, rule), following, body_by_rule(soup, rule))


def _is_section(run: Run) -> bool:
    """Whether a line is in a link to a page of the site other than its front page."""
    around = (outer for element, _ in run.parts for outer in (element, *element.iterancestors("a")))
    links = (element.get("href") for element in around if element.tag == "a")
    addresses = (resolve_link("https://site.example/", link) for link in links)
    return any(address and not is_front_page(address) for address in addresses)


def _bylines(data: PageMetadata, dates: Iterable[DateText]) -> list[str]:
    """How lines begin that only repeat the record's dates, authors and editor."""
    starts = [date.text for date in dates]
    labels = [*_BYLINES, f"{data.publisher.name}记者 " if data.publisher else "本报记者"]
    starts += [label + author.name for author in data.authors for label in labels]
    return [*starts, *_EDITORS] if data.editor else starts


def _visible_titles(tree: Element) -> list[str]:
    elements = tree.iter("title", "h1", "h2")
    return [text for element in islice(elements, 20) if (text := text_content(element))]


def _dates(
    tree: Element,
    url: str | None,
    dates: Sequence[DateText],
    shown: Sequence[DateText],
    passages: Passages,
) -> Iterator[DateText]:
    """All dates, the most trusted first: declared ones, shown ones, the address's, htmldate's."""
    yield from (date for date in dates if date.origin != "url")
    yield from (date for date in shown if date.origin != CHANGED)
    yield from (date for date in dates if date.origin == "url")
    if all(date.origin == CHANGED for date in (*dates, *shown)):
        if day := search_date(tree, url, passages):
            yield day
        yield from shown


def _page_url(document: Document, *sources: PageMetadata) -> str | None:
    """The canonical address. A front page there is a mistake of the site's template: it only gives
    the host, where nothing else does."""
    links = [link for source in sources if (link := resolve_link(document.url, source.url))]
    return next(filter(is_inner_page, links), document.url or next(iter(links), None))


def _canonical_url(
    tree: Element, document: Document, ld: PageMetadata, titles: Sequence[str]
) -> str | None:
    """The first declared address that is plausible, else the one that the page was read from;
    None for a page without its own address, where nothing could be compared."""
    if document.url is None or not is_inner_page(document.url):
        return None
    declared = (*declared_addresses(tree, meta_table(tree)), ld.url)
    links = filter(None, (resolve_link(document.url, link) for link in declared))
    plausible = (link for link in links if is_address_of(link, document.url, titles))
    return next(plausible, document.url)


def _body(
    extract: Extract,
    rule: SiteRule | None,
    rule_html: str | None,
    data: PageMetadata,
    bylines: Sequence[str],
) -> tuple[str, tuple[RecordWarning, ...]]:
    """The body's HTML, and a warning where it may be wrong."""
    if rule_html:
        return rule_html, ()
    # A page that declares its date is an article, also one that only lists links.
    is_list = not data.dates and is_index(extract.passages, data.url)
    html = "" if is_list else cut_out(extract, data.title or "", bylines)
    # Some pages hold their text for search engines only and draw the rest by script.
    size = squeezed_length(extract.text)
    is_drawn = size * _TEASER < squeezed_length(data.body or "") or not extract.is_in_tree
    if data.body and is_drawn:
        warning = warn(WarningKind.BODY_SOURCE, "the body was read from JSON-LD")
        return text_to_html(data.body), (warning,)
    check_content(html, size, data.title or "", extract.body)
    if rule and rule.page.content:
        text = f"the site rule {rule.name} found no body: its selectors may be outdated"
        return html, (warn(WarningKind.SITE_RULE, text),)
    return html, ()
