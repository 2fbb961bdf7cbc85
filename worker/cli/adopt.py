"""`adopt`: take over what a service that is gone left in a drop folder."""

from pathlib import Path
from typing import Annotated

import typer

from worker.cli.formatting import pluralize
from worker.cli.options import Json, argument, settings_of
from worker.cli.output import print_result
from worker.escape import printable

Folder = Annotated[Path, argument("DIR", "The drop folder.", exists=True, file_okay=False)]


def adopt(context: typer.Context, folder: Folder, json: Json = False) -> None:
    """Take over the accepted batches that a lost state directory left in a drop folder.

    Refused while the service of that state directory runs. The audit of both balances.
    """
    from worker.actions.adopt import adopt as adopt_folder

    done = adopt_folder(settings_of(context), folder)
    count = pluralize(len(done.batches), "batch")
    when = "processed" if done.is_watched else "processed after the next start of the service"
    text = f"{printable(folder)}: {count} adopted" + (f"; {when}." if done.batches else ".")
    print_result(done, text, json=json)
