"""The commands, by their groups."""

from __future__ import annotations

import importlib.metadata
from typing import Annotated

import typer

from .command import EXIT_CODES, share_switches
from .doctor import register_doctor
from .images import images
from .init import register_init
from .options import AsJson, Debug
from .packages import packages
from .rehearse import register_rehearse
from .results import results
from .run import register_run
from .runs import register_logs, runs
from .sweeps import sweeps

__all__ = ["app"]


def _show_version(asked: bool) -> None:
    if asked:
        typer.echo(importlib.metadata.version("training-grounds"))
        raise typer.Exit


Version = Annotated[
    bool,
    typer.Option(
        "--version", callback=_show_version, is_eager=True, help="Print the version and exit."
    ),
]

# a group of commands joins with one line here
app = typer.Typer(
    name="tg",
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # an error that is not ours is shown as Python shows it
    epilog=EXIT_CODES,
)
app.add_typer(images, name="images")
app.add_typer(packages, name="packages")
app.add_typer(packages, name="package", hidden=True)  # `tg package show` reads better
app.add_typer(results, name="result")
app.add_typer(runs, name="runs")
app.add_typer(sweeps, name="sweep")
register_logs(app)
register_doctor(app)
register_init(app)
register_run(app)
register_rehearse(app)


@app.callback()
def _tg(
    context: typer.Context,
    as_json: AsJson = False,
    debug: Debug = False,
    version: Version = False,  # noqa: ARG001 its callback does it
) -> None:
    """From a training task in a notebook to a machine, and its result back."""
    share_switches(context, as_json=as_json, debug=debug)
