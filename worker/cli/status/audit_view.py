"""How the audit is shown to people: a sum that must come out."""

from rich.table import Table
from rich.text import Text

from worker.cli.output import console, counted, number
from worker.queries.audit import Audit

_NAMED = 20


def show(audit: Audit) -> None:
    """The sum, and the batches of which files are missing."""
    sums = Table.grid(padding=(0, 2))
    sums.add_column(no_wrap=True)
    sums.add_column(justify="right", no_wrap=True, min_width=9)
    sums.add_column(style="dim")
    sums.add_row(Text("files accepted", "bold"), Text(number(audit.accepted), "bold"), "")
    for name, count, about in (
        ("published", audit.published, "at least one article of it"),
        ("duplicate", audit.duplicate, "everything in it was known"),
        ("read", audit.read, "feeds without news, or whose pages come as files of their own"),
        ("quarantined", audit.quarantined, "refused, with a reason"),
        ("waiting", audit.waiting, "in the spool, or being worked on"),
    ):
        sums.add_row(f"  {name}", number(count), about)
    style = "green" if audit.balanced else "bold red"
    sums.add_row(Text("unaccounted for", style), Text(number(audit.unaccounted), style), "")
    console().print(sums)
    console().print()
    if audit.pages_wanted:
        console().print(f"{counted(audit.pages_wanted, 'page')} of new articles to be fetched yet.")
    if audit.balanced:
        done = "is accounted for" if audit.waiting else "has its one outcome"
        console().print(f"Every accepted file {done}.")
        return
    for missing in audit.missing[:_NAMED]:
        console().print(
            f"batch {missing.batch}: {number(missing.accounted)} of {number(missing.accepted)} "
            "files are accounted for"
        )
    if len(audit.missing) > _NAMED:
        console().print(f"… and {number(len(audit.missing) - _NAMED)} more batches")
    console().print(
        "Was the archive or a spool folder removed by hand, or restored from an older copy?"
    )
