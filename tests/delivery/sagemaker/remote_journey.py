"""The way of one training to SageMaker and back, for tests that disturb it.

As a program it goes that way in a process of its own, which can be killed::

    python remote_journey.py {train|watch|stop} SETTINGS

where ``SETTINGS`` is the JSON of `Journey`'s arguments. It prints the job's name as soon as it is
known, and at the end the metrics.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import textwrap
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tg.common._core.errors import RunCancelledError
from tg.common.delivery.sagemaker import RemoteOptions, SagemakerRoutine
from tg.common.delivery.sagemaker.aws import AwsClients
from tg.common.delivery.sagemaker.ecr_pusher import EcrPusher
from tg.common.delivery.sagemaker.remote_executor import SagemakerRemoteExecutor
from tg.common.delivery.sagemaker.remote_run import RemoteRun

__all__ = ["SPEED", "Journey", "lay_out_project"]

SPEED = 200  # how much faster than real time runs pace their requests

_TASKS = """
    import time

    from tg.common.contract import TrainingTask

    from .marker import MARKER


    class Steps(TrainingTask):
        '''Counts to three, a checkpoint a step; waits in the third if it began with the first.'''

        def __init__(self):
            super().__init__()
            self.case = ""
            self.waits = 0

        def run_with_environment(self, data, env):
            done = env.load_checkpoint("steps") or []
            is_fresh = not done
            env.log(f"starts with {done} {MARKER}")
            for step in range(len(done), 3):
                if step == 2 and is_fresh and self.waits:
                    env.log("waits")
                    time.sleep(self.waits)
                done = [*done, step]
                env.save_checkpoint("steps", done)
            env.output_metric("steps", len(done))
"""
_BIG_BYTES = 17 << 20  # sent in parts


def lay_out_project(root: Path) -> None:
    """Write a user's project, whose image needs no library."""
    (root / "far").mkdir(parents=True, exist_ok=True)
    (root / "far" / "__init__.py").touch()
    (root / "far" / "tasks.py").write_text(textwrap.dedent(_TASKS))
    (root / "far" / "marker.py").write_text("MARKER = 0\n")
    (root / "datasets" / "p").mkdir(parents=True, exist_ok=True)
    (root / "pyproject.toml").touch()


class Journey:
    """One training, which no other case shares.

    Parameters
    ----------
    project
        The user's project.
    bucket, role
        Of the rehearsal.
    case
        Makes it another training, with a dataset of its own.
    waits
        How many seconds it trains at least.
    is_big
        Whether the dataset is sent in parts.
    repository
        Where the image goes.
    attempts
        How often a request is sent.
    """

    def __init__(
        self,
        project: Path | str,
        bucket: str,
        role: str,
        case: str,
        *,
        waits: float = 0,
        is_big: bool = False,
        repository: str = "training-grounds",
        attempts: int = 2,
    ) -> None:
        self.project = Path(project)
        self.case = case
        self.waits = waits
        self.clients = AwsClients(attempts=attempts)
        dataset = self.project / "datasets" / "p" / f"{case}.bin"
        if not dataset.exists():
            dataset.write_bytes(case.encode())
            if is_big:
                os.truncate(dataset, _BIG_BYTES)
        routine = SagemakerRoutine(
            importlib.import_module("far.tasks").Steps(),
            dataset.name,
            "p",
            datasets_folder=self.project / "datasets",
            bucket=bucket,
            role=role,
        )
        routine.config.containering.silent = True
        self.executor = SagemakerRemoteExecutor(
            routine.config,
            RemoteOptions(metrics=["steps"]),
            clients=self.clients,
            pusher=EcrPusher(self.clients, repository),
        )

    @property
    def hyperparameters(self) -> Mapping[str, Any]:
        return {"case": self.case, "waits": self.waits}

    def submit(self) -> RemoteRun:
        """Submit it, and give a run for which time passes quickly."""
        return self.run(self.executor.submit(self.hyperparameters).id)

    def run(self, name: str) -> RemoteRun:
        folder = self.executor.config.runs_folder
        return RemoteRun(
            name,
            self.clients,
            folder,
            sleep=lambda seconds: time.sleep(seconds / SPEED),
            clock=lambda: time.monotonic() * SPEED,
        )

    def result_file(self, name: str) -> Path:
        return self.executor.config.runs_folder / name / "output" / "model.tar.gz"

    def bring_home(self, run: RemoteRun, timeout_seconds: float = 300) -> dict[str, float]:
        """Follow the log, wait for so many real seconds, and give the result's metrics."""
        for _ in run.logs():
            pass
        run.wait(timeout_seconds * SPEED)
        return dict(run.result().metrics)

    def stop(self, run: RemoteRun, timeout_seconds: float = 300) -> None:
        """Cancel it, and wait until it has been."""
        run.cancel()
        try:
            run.wait(timeout_seconds * SPEED)
        except RunCancelledError:
            return
        raise AssertionError(f"{run.id} was not stopped")


def main() -> None:
    """Go the way in this process."""
    what, settings = sys.argv[1], json.loads(sys.argv[2])
    sys.path.insert(0, settings["project"])
    name = settings.pop("name", "")
    journey = Journey(**settings)
    run = journey.run(name) if name else journey.submit()
    sys.stdout.write(f"{run.id}\n")
    sys.stdout.flush()
    if what == "stop":
        journey.stop(run)
    else:
        sys.stdout.write(f"{json.dumps(journey.bring_home(run))}\n")


if __name__ == "__main__":
    main()
