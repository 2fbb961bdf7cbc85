"""Run worker or beat as the command `celery` does: `python -P -m worker.service.part worker …`.

The application is imported before Celery puts the working directory first on the path: there may
be another `worker.py` in that directory. The command `celery` itself imports all its subcommands,
their shell, and plugins such as Flower: 10 MB and a fifth of the start.
"""

import sys
from collections.abc import Sequence

from worker.health.check import exit_with_message
from worker.service.notify import notifier
from worker.settings import Settings

PYTHON = (sys.executable, "-P")
"""Python without the working directory on its path."""

_FLAGS = {
    # Gossip and mingle exchange state that these workers do not need; `fair` gives a task only to
    # a free process, and a task here is a second of work.
    "worker": ("--without-gossip", "--without-mingle", "-O", "fair"),
    "beat": (),
}


def part_words(part: str, settings: Settings, more: Sequence[str] = ()) -> tuple[str, ...]:
    """The words after `celery` that run `part`: `worker` or `beat`. `more` are Celery's options."""
    return (part, *_FLAGS[part], "--loglevel", settings.log.level, *more)


def part_command(part: str, settings: Settings, more: Sequence[str] = ()) -> tuple[str, ...]:
    return (*PYTHON, "-m", "worker.service.part", *part_words(part, settings, more))


def run_celery(words: Sequence[str]) -> None:
    """Run `celery <words>` in this process; it ends with SystemExit."""
    from celery import maybe_patch_concurrency
    from celery.bin import base, beat, worker

    with exit_with_message():
        from worker.app import app  # Celery finds it loaded

    part, *options = words
    if part == "beat":  # it sends tasks by their names; with them it takes 15 MB more
        app.conf.include = ()

    if (systemd := notifier()).is_connected:
        from worker.service.watchdog import MONITORS

        MONITORS[part](systemd)

    sys.argv = ["celery", "-A", "worker.app", *words]
    maybe_patch_concurrency()
    command = {"beat": beat.beat, "worker": worker.worker}[part]
    context = base.CLIContext(app=app, no_color=False, workdir=None)
    command.main(
        options, f"celery {part}", obj=context, auto_envvar_prefix=f"CELERY_{part.upper()}"
    )


if __name__ == "__main__":
    run_celery(sys.argv[1:])
