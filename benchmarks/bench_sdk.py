"""A training in a local container, by our executor and by the SageMaker SDK's local mode."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.ratios import compare, seconds_of
from tg.common.contract import TrainingEnvironment, TrainingTask
from tg.common.delivery.docker import DockerEngine
from tg.common.delivery.execution.environments import find_uv
from tg.common.delivery.sagemaker import SagemakerRoutine

ROOT = Path(__file__).parents[1]
ROUNDS = 7


class Trivial(TrainingTask):
    """Imports nothing: what is left is what running it costs."""

    def run_with_environment(self, data: Path, env: TrainingEnvironment) -> None:
        env.output_metric("size", data.stat().st_size)


def with_the_sdk() -> int:
    """Run this file again, in an environment that has the SDK."""
    uv = find_uv()
    if uv is None:
        print("left out: it needs the SageMaker SDK, or uv to get it: pip install uv")
        return 0
    options = ["--no-project", "--quiet", "--python", sys.executable]
    wanted = ["--with-editable", f"{ROOT}[sagemaker,test]"]
    command = [uv, "run", *options, *wanted, "python", "-m", "benchmarks.bench_sdk"]
    return subprocess.run(command, cwd=ROOT, check=False).returncode


def clean(root: Path) -> None:
    """Remove what the SDK leaves in the engine and on the disk."""
    engine = DockerEngine()
    label = f"label=com.docker.compose.project={root.name}"
    for container in engine.lines(["ps", "--all", "--quiet", "--filter", label]):
        engine.call(["rm", "--force", container])
    shutil.rmtree(root)


def main() -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        os.environ["TG_ROOT"] = temporary
        data = folder / "datasets" / "p" / "d.parquet"
        data.parent.mkdir(parents=True)
        data.write_bytes(bytes(1000))
        routine = SagemakerRoutine(Trivial(), "d.parquet", "p", datasets_folder=folder / "datasets")
        routine.config.containering.silent = True
        local = routine.local()

        def ours() -> float:
            with contextlib.redirect_stdout(io.StringIO()):
                return seconds_of(local.execute)

        def theirs() -> float:
            trainer = routine.config.model_trainer()
            with contextlib.redirect_stdout(io.StringIO()):
                seconds = seconds_of(trainer.train)
            clean(Path(trainer.local_container_root))
            return seconds

        ours(), theirs()  # the image is made, and the SDK imported
        title = "local executor / train() of the SDK's local mode, warm image"
        compare(title, ours, theirs, rounds=ROUNDS, target="<= 0.5")


if __name__ == "__main__":
    if importlib.util.find_spec("sagemaker") is None:
        sys.exit(with_the_sdk())
    main()
