"""The tables of the report: counts, nodes and sources."""

from collections.abc import Iterator
from itertools import zip_longest

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from worker.cli.formatting import (
    format_age,
    format_count,
    format_duration,
    format_until,
    outcome_word,
)
from worker.cli.nodes import STATES as NODE_STATES
from worker.cli.output import console, count_text, make_table, safe_text
from worker.model import DECISIONS
from worker.queries.status.service import Status
from worker.queries.status.sources import ArticleCounts, SourceStatus
from worker.settings import POLLED
from worker.translation import count_noun, gettext

ACCENT = "cyan"
"""The colour of what is in progress; red and yellow are for problems."""


_COUNT_STYLES = {"refused": "red", "quarantined": "red", "waiting": ACCENT, "processing": ACCENT}


_WIDE = 110
"""Columns from which on there is room for the folders beside the numbers."""


INDENT = 12
"""Columns of the names on the left, and the space after them."""


def named_grid() -> Table:
    """A grid of names on the left and what belongs to them."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True, min_width=INDENT - 2)
    grid.add_column(overflow="fold")
    return grid


def render_nodes(status: Status) -> Iterator[RenderableType]:
    """One line a node, where there are several."""
    nodes = status.nodes or ()
    if len(nodes) < 2:
        return
    grid = named_grid()
    for node in nodes:
        silence = format_duration(node.silent_seconds)
        state = gettext(NODE_STATES[node.state])
        if node.state != "working":
            state = gettext("{state} for {time}").format(state=state, time=silence)
        style = "" if node.state == "working" else "yellow"
        line = safe_text(node.name).append(f"  {state}", style)
        form = gettext("{files} in {batches}, {pages} to fetch, {count} processes")
        work = form.format(
            files=count_noun(node.files, "file"),
            batches=count_noun(node.batches, "batch"),
            pages=count_noun(node.pages, "page"),
            count=node.processes,
        )
        grid.add_row(gettext("nodes") if node is nodes[0] else "", line.append(f"  {work}", "dim"))
    yield from (grid, Text())


def more_line(count: int) -> Text:
    return Text(gettext("… and {count} more").format(count=format_count(count)), "dim")


def render_counts(status: Status) -> Table:
    """Articles by outcome beside files by place, with aligned numbers."""
    files = status.files
    places = {
        "waiting": files.waiting,
        "processing": files.working,
        "archived": files.archived,
        "quarantined": files.quarantined,
        **({"on other nodes": files.elsewhere} if len(status.nodes or ()) > 1 else {}),
    }
    grid = Table.grid(padding=(0, 2))
    for _ in range(2):
        grid.add_column(no_wrap=True)
        grid.add_column(justify="right", no_wrap=True, min_width=11)
    decided = status.articles.decision_count if status.articles else None
    accepted = (gettext("files accepted"), format_count(files.accepted))
    heads = (gettext("articles"), format_count(decided), *accepted)
    grid.add_row(*(Text(head, "bold") for head in heads))
    outcome_rows, place_rows = (
        [(f"  {gettext(n)}", count_text(c, _COUNT_STYLES.get(n, ""))) for n, c in counts]
        for counts in (
            ((outcome_word(it.value), _sum(status.articles, it)) for it in DECISIONS),
            places.items(),
        )
    )
    for left, right in zip_longest(outcome_rows, place_rows, fillvalue=("", "")):
        grid.add_row(*left, *right)
    return grid


def _sum(articles: ArticleCounts | None, *outcomes: str) -> int | None:
    """The sum of some outcomes; None where Redis did not answer."""
    return None if articles is None else sum(getattr(articles, name) for name in outcomes)


def render_sources(status: Status, max_sources: int | None) -> RenderableType:
    """One line per source; where the terminal is narrow, the folders follow beneath."""
    is_wide = console().width >= _WIDE
    sources = status.sources[:max_sources]
    has_next = any(source.next_turn for source in sources)
    counts = ("waiting", "published", "duplicate", "refused")
    names = ["source", *counts, "last success", *["next"] * has_next, *["folder"] * is_wide]
    table = make_table(*names, right=counts, flexible=("folder",))
    for source in sources:
        articles = source.articles
        cells = [
            _name(source),
            count_text(source.waiting, ACCENT),
            count_text(_sum(articles, "published", "revised")),
            count_text(_sum(articles, "duplicate")),
            count_text(_sum(articles, "rejected"), "red"),
            Text(format_age(source.last_success, status.at)),
        ]
        if has_next:
            cells.append(Text(format_until(source.next_turn, status.at)))
        table.add_row(*cells, *[_folder(source)] * is_wide)
    parts: list[RenderableType] = [table]
    if not is_wide:
        for source in sources:
            if source.folder:
                parts.append(Text.assemble((f"{source.name}: ", "dim"), _folder(source)))
    if len(status.sources) > len(sources):
        parts.append(more_line(len(status.sources) - len(sources)))
    return Group(*parts)


def _name(source: SourceStatus) -> Text:
    name = safe_text(source.name, "bold")
    if source.paused:
        name.append(f" {gettext('paused')}", "yellow")
    elif source.failing:
        name.append(f" {gettext('failing')}", "yellow")
    return name


def _folder(source: SourceStatus) -> Text:
    if source.folder is None:
        is_polled = source.name == POLLED or source.next_turn
        return Text(gettext("(polled)") if is_polled else gettext("(by hand)"), "dim")
    folder = Text(source.folder)
    if source.in_place:
        folder.append(f"  {gettext('in place')}", "dim")
    if source.schedule:
        folder.append(f"  {gettext('at {cron}').format(cron=source.schedule)}", "dim")
    return folder
