"""What every command does the same way."""

from __future__ import annotations

import inspect
import logging
import shlex
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import typer
from typer.core import TyperGroup

from ..common._core.errors import TgError
from ..common._core.suggestions import nearest
from .options import AsJson, Debug
from .output import Output

__all__ = ["EXIT_CODES", "command", "group", "share_switches"]

EXIT_CODES = (
    "Exit codes: 0 done; 1 failed, the reason is on standard error; 2 wrong usage, an extra that "
    "is not installed, or a question that nobody could answer; 130 interrupted."
)
_SWITCHES = {"as_json": AsJson, "debug": Debug}


def command(
    app: typer.Typer, name: str, *, settings: Mapping[str, Any] | None = None
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Make a function a command, with ``--json``, ``--debug`` and errors shown as text.

    Parameters
    ----------
    app
        The group that it joins.
    name
        What it is called there.
    settings
        How its words are read, in click's terms.

    Returns
    -------
    Callable
        A decorator. The function's first parameter is the :class:`Output`; the others are options
        and arguments as typer reads them, and its docstring is the help.
    """

    def register(function: Callable[..., None]) -> Callable[..., None]:
        kept = dict(settings) if settings else None
        app.command(name, epilog=EXIT_CODES, context_settings=kept)(_with_switches(function))
        return function

    return register


class _Group(TyperGroup):
    """A group that knows what somebody means who names a thing and no command."""

    meant = ""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name = args[0]
        known = [key for key, one in self.commands.items() if not one.hidden]
        is_word = not name.startswith("-") and self.get_command(ctx, name) is None
        if self.meant and is_word and not ctx.resilient_parsing and not nearest(name, known):
            meant = self.meant.format(shlex.quote(name))
            ctx.fail(
                f"{name!r} is no command of {ctx.command_path}.\nYou may mean: {meant}\n"
                f"The commands are: {', '.join(known)}."
            )
        return super().resolve_command(ctx, args)


def group(
    default: Callable[..., None] | None = None, *, help_text: str, meant: str = ""
) -> typer.Typer:
    """Make a group of commands.

    Parameters
    ----------
    default
        What is run if no command of the group is named; it takes the :class:`Output` alone. The
        help is shown if ``None``.
    help_text
        What the group is for.
    meant
        What is meant where something else follows than a command; ``{}`` stands for that.
    """
    kind = type("Group", (_Group,), {"meant": meant})
    app = typer.Typer(cls=kind, help=help_text, epilog=EXIT_CODES, no_args_is_help=default is None)

    @app.callback(invoke_without_command=default is not None)
    def run(context: typer.Context, as_json: AsJson = False, debug: Debug = False) -> None:
        share_switches(context, as_json=as_json, debug=debug)
        if default is not None and context.invoked_subcommand is None:
            output = Output(**context.obj)
            with _reporting(output):
                default(output)

    return app


def share_switches(context: typer.Context, *, as_json: bool, debug: bool) -> None:
    """Have the commands below see what was switched on before their names."""
    above = context.obj or {}
    context.obj = {
        "as_json": as_json or above.get("as_json", False),
        "debug": debug or above.get("debug", False),
    }


def _with_switches(function: Callable[..., None]) -> Callable[..., None]:
    def run(context: typer.Context, as_json: bool, debug: bool, **values: Any) -> None:
        share_switches(context, as_json=as_json, debug=debug)
        output = Output(**context.obj)
        with _reporting(output):
            function(output, **values)

    parameters = list(inspect.signature(function, eval_str=True).parameters.values())[1:]
    kind = inspect.Parameter.KEYWORD_ONLY
    parameters = [parameter.replace(kind=kind) for parameter in parameters]
    parameters += [
        inspect.Parameter(name, kind, default=False, annotation=annotation)
        for name, annotation in _SWITCHES.items()
    ]
    parameters.append(inspect.Parameter("context", kind, annotation=typer.Context))
    # typer reads what a command takes from these
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    run.__doc__ = _unwrapped(inspect.getdoc(function) or "")
    run.__name__ = function.__name__
    return run


def _unwrapped(text: str) -> str:
    """Leave it to the terminal where lines end."""
    return "\n\n".join(" ".join(part.split()) for part in text.split("\n\n"))


@contextmanager
def _reporting(output: Output) -> Iterator[None]:
    """Show the log and our errors on standard error, within."""
    root = logging.getLogger(__name__.partition(".")[0])
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG if output.debug else logging.WARNING)
    try:
        yield
    except TgError as exc:
        if output.debug:
            output.say(traceback.format_exc().rstrip())
        output.error(exc)
        raise typer.Exit(1) from exc
    finally:
        root.setLevel(level)
        root.removeHandler(handler)
