"""`tg rehearse`: a command that talks to a cloud of this machine."""

from __future__ import annotations

import json
import os
from typing import Annotated

import typer

from ..common._core.errors import ConfigError
from ..common._core.foreground import Foreground
from ..rehearsal.fault_text import FAULT_NAMES, ask_for_fault
from ..rehearsal.rehearsal import Rehearsal
from .command import command
from .output import Output, size_text

__all__ = ["register_rehearse"]

# what follows the command's name is the command's own
_SETTINGS = {"allow_interspersed_args": False}

Command = Annotated[
    list[str] | None,
    typer.Argument(metavar="COMMAND [ARGS]...", show_default=False, help="A shell if left out."),
]
Region = Annotated[str, typer.Option("--region", help="The region that is played.")]
Quotas = Annotated[
    list[str] | None,
    typer.Option(
        "--quota",
        metavar="TYPE=N",
        help="How many instances of a type may be in use at once, such as ml.m5.large=2; may be "
        "given several times. Unlimited if left out.",
    ),
]
FaultTexts = Annotated[
    list[str] | None,
    typer.Option(
        "--fault",
        metavar="KIND:TARGET",
        help="What is to go wrong, such as throttle:s3.PutObject,times=3 or "
        "interruption:my-job*,seconds=20; may be given several times. "
        f"Kinds: {', '.join(FAULT_NAMES)}.",
    ),
]
MaxParallel = Annotated[
    int, typer.Option("--max-parallel", min=1, metavar="N", help="How many jobs run at once.")
]
Grace = Annotated[
    float,
    typer.Option(
        "--grace", min=0, metavar="SECONDS", help="Between SIGTERM and SIGKILL of a stopped job."
    ),
]


def register_rehearse(app: typer.Typer) -> None:
    """Add ``rehearse`` to the commands."""

    @command(app, "rehearse", settings=_SETTINGS)
    def rehearse(
        output: Output,
        *,
        words: Command = None,
        region: Region = "us-east-1",
        quotas: Quotas = None,
        faults: FaultTexts = None,
        max_parallel: MaxParallel = 8,
        grace: Grace = 120.0,
    ) -> None:
        """Run a command, such as `python train.py`, with an offline cloud instead of Amazon's.

        Storage, image registry and training jobs are played on this machine, jobs as containers;
        nothing is paid, and nothing of it is left at the end. The command's exit code is this
        one's. What was done is told on standard error, with --json as a JSON document.
        """
        limits = dict(_quota(text) for text in quotas or ())
        cloud = Rehearsal(
            region=region, quotas=limits, max_parallel=max_parallel, grace_seconds=grace
        )
        for text in faults or ():
            ask_for_fault(cloud.faults, text)
        argv = words or [os.environ.get("SHELL") or "/bin/sh"]
        with Foreground() as foreground, cloud:
            code = foreground.run(argv, cloud.adopt)
            _tell(output, cloud, code)
        raise typer.Exit(code)


def _quota(text: str) -> tuple[str, int]:
    kind, _, number = text.partition("=")
    if not kind or not number.isdigit():
        raise ConfigError(f"there is no quota {text!r}", hint="Write TYPE=N: ml.m5.large=2.")
    return kind, int(number)


def _tell(output: Output, cloud: Rehearsal, code: int) -> None:
    """Say what was done, where it does not mix with what the command has printed."""
    stored = cloud.calls("s3.*").received_bytes
    pushed = cloud.calls("registry.*").received_bytes
    jobs, faults = cloud.job_count, cloud.faults.happened
    if output.as_json:
        values = {
            "exit_code": code,
            "job_count": jobs,
            "stored_bytes": stored,
            "pushed_bytes": pushed,
            "fault_count": faults,
        }
        output.say(json.dumps(values))
        return
    output.say(
        f"Rehearsed: {_counted(jobs, 'training job')}, {size_text(stored)} stored, "
        f"{size_text(pushed)} of images pushed, {_counted(faults, 'fault')}."
    )


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
