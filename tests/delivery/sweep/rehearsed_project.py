"""A user's project for sweeps over places with containers, whose image needs no library.

As a program it drives such a sweep in a process of its own, which can be killed::

    python rehearsed_project.py SETTINGS

where ``SETTINGS`` is the JSON of `sweep_of`'s arguments.
"""

from __future__ import annotations

import importlib
import json
import sys
import textwrap
from pathlib import Path
from typing import Any

from tg.common._core.errors import SweepNotFoundError
from tg.common.delivery.sagemaker import Autonamer, RemoteOptions, SagemakerRoutine
from tg.common.delivery.sweep import Pace, Sweep

__all__ = ["PACE", "TYPES", "lay_out_project", "routine_of", "sweep_of", "tasks_of"]

# the rehearsal answers sooner than a cloud would, and nobody wants to wait
PACE = Pace(longest_poll_seconds=0.5, metric_seconds=0.3, first_pause_seconds=0.2, probe_seconds=1)
TYPES = {"instance_type": "ml.m5.large", "fallback_instance_types": ["ml.m5.xlarge"]}

_TASKS = """
    import random
    import time

    from tg.common.contract import TrainingTask


    class Walk(TrainingTask):
        '''Walks at random, a checkpoint a step; where it comes to depends on its rate alone.'''

        def __init__(
            self,
            rate=0.0,
            case="",
            fails_at=None,
            lags_at=None,
            seconds=0.0,
            spot=False,
            speaks=0,
            rests_at=None,
        ):
            super().__init__()
            self.rate = rate
            self.case = case
            self.fails_at = fails_at
            self.lags_at = lags_at
            self.seconds = seconds
            self.spot = spot
            self.speaks = speaks
            self.rests_at = rests_at

        def run_with_environment(self, data, env):
            if self.rate == self.fails_at:
                raise ValueError(f"the rate {self.rate} is broken")
            if self.rate == self.lags_at:
                for step in range(6000):
                    env.output_metric("height", -1000.0)
                    time.sleep(0.2)
            for step in range(self.speaks):
                env.output_metric("step", step)
            walked = env.load_checkpoint("walk") or []
            is_fresh = not walked
            for step in range(len(walked), 4):
                if is_fresh and step == self.rests_at:
                    time.sleep(3600)
                if self.seconds:
                    time.sleep(self.seconds)
                at = walked[-1] if walked else float(data.read_text())
                walked = [*walked, at + self.rate * random.Random(step).gauss(0.1, 0.3)]
                env.save_checkpoint("walk", walked)
                env.output_metric("height", walked[-1])
            env.store_artifact(["runs", 0], "walk", walked)


    def build(**fields):
        return Walk(**fields)
"""


def lay_out_project(root: Path) -> None:
    """Write the project, and its data."""
    (root / "strolls").mkdir(parents=True, exist_ok=True)
    (root / "strolls" / "__init__.py").touch()
    (root / "strolls" / "walks.py").write_text(textwrap.dedent(_TASKS))
    data = root / "datasets" / "p" / "number.txt"
    data.parent.mkdir(parents=True, exist_ok=True)
    data.write_text("0.1")
    (root / "pyproject.toml").touch()


def tasks_of(count: int, case: str, **fields: Any) -> list[Any]:
    """Give tasks that no other case has."""
    build = importlib.import_module("strolls.walks").build
    rates = [1 + number for number in range(count)]
    return Autonamer(build).build_tasks(
        rate=rates, case=[case], **{key: [value] for key, value in fields.items()}
    )


def routine_of(task: Any, root: Path | str, bucket: str = "", role: str = "") -> SagemakerRoutine:
    """Give what runs them."""
    routine = SagemakerRoutine(
        task,
        "number.txt",
        "p",
        datasets_folder=Path(root) / "datasets",
        bucket=bucket or None,
        role=role or None,
    )
    routine.config.containering.silent = True
    return routine


def sweep_of(
    root: Path | str,
    bucket: str,
    role: str,
    case: str,
    count: int,
    *,
    fields: dict[str, Any] | None = None,
    options: dict[str, Any] | None = None,
    **settings: Any,
) -> Sweep:
    """Give a sweep over the rehearsal."""
    tasks = tasks_of(count, case, **(fields or {}))
    remote = routine_of(tasks[0], root, bucket, role).remote(
        RemoteOptions(**{"max_runtime_seconds": 3_600, **TYPES, **(options or {})})
    )
    return Sweep(tasks, remote, **{"name": case, "pace": PACE, **settings})


def main() -> None:
    """Drive a sweep, or go on with it."""
    settings = json.loads(sys.argv[1])
    sys.path.insert(0, settings["root"])
    sys.stdout.write("driving\n")
    sys.stdout.flush()
    try:
        sweep = Sweep.open(settings["case"])
    except SweepNotFoundError:
        sweep = sweep_of(**settings)
    sys.stdout.write(f"{sweep.run()!r}\n")


if __name__ == "__main__":
    main()
