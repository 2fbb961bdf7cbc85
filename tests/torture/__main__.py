"""`python -m tests.torture [--minutes 10] [--seed N] [--only NAME]`: faults, and one table.

The exit code is 1 if anything accepted waits for ever, is lost, doubled or unaccounted for, or if
a fault did not happen. With `--seed` the same choices are made again; what runs in parallel keeps
its own timing.
"""

import argparse
import os
import secrets
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.torture.faults import FAULTS, Fault
from tests.torture.report import Row, as_markdown, as_text, write
from tests.torture.round import Round, Unavailable
from tests.torture.without import MECHANISMS, VARIABLE, switch_off

MEMORY = Path("/dev/shm")


def main(arguments: Sequence[str]) -> int:
    """Run the chosen faults in turn; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10, help="for all faults together")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1_000_000))
    parser.add_argument("--only", metavar="WORDS", action="append", help="faults with these words")
    parser.add_argument("--rounds", type=int, default=0, help="at most so many of each fault")
    parser.add_argument("--patience", type=float, default=60, help="seconds for the work's end")
    parser.add_argument("--without", choices=MECHANISMS, help="switch it off: must turn red")
    parser.add_argument("--write", action="store_true", help="put the table into the documents")
    options = parser.parse_args(arguments)
    chosen = [
        fault for fault in FAULTS if not options.only or any(w in fault.name for w in options.only)
    ]
    if not chosen:
        parser.error("no such fault; there are: " + ", ".join(fault.name for fault in FAULTS))
    if options.without:
        os.environ[VARIABLE] = options.without
        switch_off(options.without)
    print(f"seed {options.seed}", flush=True)
    end = time.monotonic() + options.minutes * 60
    rows = []
    for at, fault in enumerate(chosen):
        part = fault.share / sum(other.share for other in chosen[at:])
        rows.append(_run(fault, options, (end - time.monotonic()) * part))
        print(as_text(rows[-1]), file=sys.stderr, flush=True)
    print(as_markdown(rows))
    is_good = all(row.is_good for row in rows)
    print(f"\nseed {options.seed}, " + ("all good" if is_good else "RED"))
    if options.write:
        minutes = sum(row.seconds for row in rows) / 60
        write(as_markdown(rows), options.seed, minutes, is_good=is_good)
    return 0 if is_good else 1


def _run(fault: Fault, options: argparse.Namespace, seconds: float) -> Row:
    """Rounds of one fault: at least one, then as many as fit into `seconds`."""
    row = Row(fault.name)
    began = time.monotonic()
    longest = 0.0
    while not row.rounds or time.monotonic() + longest < began + seconds:
        if options.rounds and row.rounds == options.rounds:
            break
        start = time.monotonic()
        memory = str(MEMORY) if fault.in_memory and MEMORY.is_dir() else None
        directory = Path(tempfile.mkdtemp(prefix="torture-", dir=memory))
        # Half of a round's time is for the start and the end of a service.
        left = (began + seconds - start) / (1.2 if fault.in_memory else 2)
        left = max(3.0, min(fault.seconds, left))
        round_ = Round(
            f"{options.seed}/{fault.name}/{row.rounds}", directory, left, options.patience
        )
        try:
            fault.run(round_)
        except Unavailable as error:
            row.skipped = str(error)
            break
        finally:
            shutil.rmtree(directory, ignore_errors=True)
        row.add(round_)
        longest = max(longest, time.monotonic() - start)
    row.seconds = time.monotonic() - began
    return row


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
