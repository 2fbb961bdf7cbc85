"""`doctor` and `healthcheck`: checks for a person, and an exit code for containers and scripts."""

from typing import Annotated

import typer
from rich.text import Text

from worker.cli.options import FAILED, UNAVAILABLE, Json, JsonLines, option, settings_of
from worker.cli.output import console, make_table, print_json, print_json_lines, safe_text
from worker.translation import message as translate
from worker.translation import punctuate

MARKS = {"ok": ("✓", "green"), "note": ("·", "dim"), "warn": ("!", "yellow"), "fail": ("✗", "red")}
"""Level of a finding or problem -> its sign and colour."""

_PARTS = ("all", "worker", "beat", "web", "redis")


def doctor(context: typer.Context, json: JsonLines = False) -> None:
    """Check server, durability, disk, folders, clock and workers; say what to do about problems.

    Exits 1 if a check fails without which the service cannot work or cannot keep its promises.
    """
    from worker.service.doctor import checks

    findings = checks(settings_of(context))
    if json:
        print_json_lines(findings)
    else:
        table = make_table("", "check", "result", flexible=("result",))
        for finding in findings:
            result = safe_text(translate(finding.message), limit=1000)
            if finding.advice:
                result.append("\n").append_text(safe_text(translate(finding.advice), "dim", 1000))
            table.add_row(Text(*MARKS[finding.level]), translate(finding.name), result)
        console().print(table)
    if any(finding.level == "fail" for finding in findings):
        raise typer.Exit(FAILED)


def _check_part(part: str) -> str:
    if part not in _PARTS:
        raise typer.BadParameter(f"choose one of {', '.join(_PARTS)}")
    return part


def healthcheck(
    context: typer.Context,
    part: Annotated[
        str,
        option("PART", "all, worker (of this machine), beat, web or redis.", callback=_check_part),
    ] = "all",
    json: Json = False,
) -> None:
    """Check Redis, workers, scheduler, disks and folders, and answer with an exit code.

    Prints what fails, and warnings. Exits 0 if nothing fails, 3 if Redis does not answer, 1 for any
    other failure.
    For Docker's HEALTHCHECK: `newsdrop healthcheck --part worker` in the worker's container.
    """
    from worker.queries.health import ServicePart, check_health
    from worker.settings.clock import utc_now

    result = check_health(settings_of(context), utc_now(), ServicePart(part))
    if json:
        print_json(result)
    else:
        for check in result.checks:
            if check.level != "ok":
                parts = map(translate, (check.name, check.message, check.advice))
                line = punctuate(": ").join(parts)
                typer.echo(translate(f"warning: {line}") if check.level == "warn" else line)
        if result.ready:
            names = ", ".join(translate(one.name) for one in result.checks if one.level == "ok")
            typer.echo(translate(f"healthy: {punctuate(names)}"))
    if result.away:
        raise typer.Exit(UNAVAILABLE)
    if not result.ready:
        raise typer.Exit(FAILED)
