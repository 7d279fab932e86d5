"""What the container executor and its images cost, beside the engine's own commands."""

from __future__ import annotations

import contextlib
import io
import os
import re
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.ratios import compare, report, seconds_of
from tg.common.delivery.delivery.build_secrets import BuildSecrets
from tg.common.delivery.docker import DockerEngine, ImageStore
from tg.common.delivery.sagemaker import DOCKERFILE_TEMPLATE, SagemakerRoutine

TASKS = """
import pandas as pd
from sklearn.linear_model import LinearRegression
from tg.common.contract import TrainingTask

VERSION = 0


class Trivial(TrainingTask):
    def run_with_environment(self, data, env):
        frame = pd.read_parquet(data)
        model = LinearRegression().fit(frame[["x"]], frame["y"])
        env.store_artifact(["runs", 0], "model", model)
        env.output_metric("score", float(model.score(frame[["x"]], frame["y"])))
"""
IMPORT = (
    "import time; began = time.perf_counter(); import pandas, sklearn.linear_model; "
    "print(time.perf_counter() - began)"
)
PIP_IMAGE = "training-grounds-benchmark-pip:latest"
PIP_DOCKERFILE = """
FROM {base}
{bust}
COPY requirements.txt ca.pem /tmp/
RUN python3 -m venv /opt/venv
RUN {exports} /opt/venv/bin/pip install --no-cache-dir --no-deps -r /tmp/requirements.txt
ENV PATH=/opt/venv/bin:$PATH
"""


class Project:
    """A user's project with one trivial task, and its image."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.engine = DockerEngine()
        self.made: list[str] = []
        os.environ["TG_ROOT"] = str(folder)
        (folder / "pyproject.toml").touch()
        self.tasks = folder / "trivial_tasks.py"
        self.tasks.write_text(TASKS)
        sys.path.insert(0, str(folder))
        data = folder / "datasets" / "p" / "d.parquet"
        data.parent.mkdir(parents=True)
        pd.DataFrame({"x": range(100), "y": range(100)}).to_parquet(data)
        import trivial_tasks

        self.routine = SagemakerRoutine(
            trivial_tasks.Trivial(), "d.parquet", "p", datasets_folder=folder / "datasets"
        )
        self.containering = self.routine.config.containering
        self.containering.silent = True

    def edit(self) -> None:
        """Change one line."""
        text = re.sub(r"VERSION = .*", f"VERSION = {uuid.uuid4().int}", self.tasks.read_text())
        self.tasks.write_text(text)

    def build(self) -> float:
        return seconds_of(self.containering.make_container)

    def build_cold(self) -> float:
        """Build with no layer and no download of an earlier build."""
        self.containering.dockerfile_template = DOCKERFILE_TEMPLATE.replace(
            "USER root", f"USER root\nENV TG_BENCHMARK={uuid.uuid4().hex} UV_NO_CACHE=1"
        )
        try:
            seconds = self.build()
            self.made.append(self.containering.make_container().dependencies)
            return seconds
        finally:
            self.containering.dockerfile_template = DOCKERFILE_TEMPLATE

    def remove_images(self) -> None:
        """Remove what was made for the benchmark alone."""
        name = self.containering.image_name
        args = ["image", "ls", "--format", "{{.Repository}}:{{.Tag}}"]
        ours = [line for line in self.engine.lines([*args, name]) if line.startswith(name)]
        found = [*ours, *self.engine.lines([*args, PIP_IMAGE]), *self.made]
        if found:
            self.engine.call(["image", "rm", *found])

    def build_with_pip(self) -> float:
        """Install the same lock with pip, in a step of the classic builder."""
        lock = self.routine.config.packaging.make_package().manifest.lock
        given = BuildSecrets.of(lock=lock)
        with tempfile.TemporaryDirectory() as temporary:
            context = Path(temporary)
            (context / "requirements.txt").write_text("".join(f"{line}\n" for line in lock))
            certificates = given.files.get("ca.pem", b"")
            (context / "ca.pem").write_bytes(certificates)
            text = PIP_DOCKERFILE.format(
                base=os.environ["TG_PIP_BASE_IMAGE"],
                bust=f"ENV TG_BENCHMARK={uuid.uuid4().hex}",
                exports="PIP_CERT=/tmp/ca.pem" if certificates else "",
            )
            (context / "Dockerfile").write_text(text)
            return seconds_of(
                lambda: self.engine.call(
                    ["build", "--force-rm", "--tag", PIP_IMAGE, str(context)],
                    env={"DOCKER_BUILDKIT": "0"},
                    timeout_seconds=1_800,
                )
            )

    def run_bare(self, image: str) -> Callable[[], float]:
        """Give the engine's own command: the same mounts, the same image, folders made before."""

        def call() -> float:
            with tempfile.TemporaryDirectory() as temporary:
                base = Path(temporary)
                for name in (
                    "input/config",
                    "input/data/training",
                    "model",
                    "output",
                    "checkpoints",
                ):
                    (base / name).mkdir(parents=True)
                (base / "input/config/hyperparameters.json").write_text("{}")
                data = self.folder / "datasets/p/d.parquet"
                (base / "input/data/training/d.parquet").touch()
                mounts = [
                    f"{base / n}:/opt/ml/{n}" for n in ("input", "model", "output", "checkpoints")
                ]
                mounts.append(f"{data}:/opt/ml/input/data/training/d.parquet:ro")
                options = [part for mount in mounts for part in ("--volume", mount)]
                user = f"{os.getuid()}:{os.getgid()}"
                command = ["docker", "run", "--rm", "--user", user, *options, image, "train"]
                return seconds_of(
                    lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
                )

        return call


def quietly(call: Callable[[], Any]) -> Callable[[], float]:
    def timed() -> float:
        with contextlib.redirect_stdout(io.StringIO()):
            return seconds_of(call)

    return timed


def import_seconds(engine: DockerEngine, image: str) -> tuple[float, float]:
    """Import the stack twice in one new container; each time in a new interpreter."""
    twice = f"python -c '{IMPORT}' && python -c '{IMPORT}'"
    output = engine.call(["run", "--rm", "--network", "none", image, "sh", "-c", twice]).output
    fresh, warm = map(float, output.split())
    return fresh, warm


def main() -> None:
    with tempfile.TemporaryDirectory() as temporary:
        project = Project(Path(temporary))
        engine, images = project.engine, ImageStore(project.engine)
        image = project.containering.make_container().id
        local = project.routine.local()
        quietly(local.execute)()
        compare(
            "local executor, warm image / bare docker run",
            quietly(local.execute),
            project.run_bare(image),
            rounds=7,
            target="<= 1.3",
        )
        pairs = [import_seconds(engine, image) for _ in range(5)]
        report(
            "import of pandas and scikit-learn, fresh / warm container",
            [fresh for fresh, _ in pairs],
            [warm for _, warm in pairs],
            target="<= 1.2",
        )
        cold = [project.build_cold() for _ in range(3)]
        edited = []
        for _ in range(3):
            project.edit()
            edited.append(project.build())
        report("rebuild after a one-line edit / cold build", edited, cold, target="<= 0.15")
        unchanged = [project.build() for _ in range(3)]
        report("unchanged code / cold build", unchanged, cold, target="below 200 ms")
        if "TG_PIP_BASE_IMAGE" in os.environ:
            pip = [project.build_with_pip() for _ in range(3)]
            report("cold build / pip and the classic builder", cold, pip, target="<= 0.6")
            ours, theirs = images.find(image), images.find(PIP_IMAGE)
            if ours and theirs:
                sizes = [each.size_bytes / 1e6 for each in (ours, theirs)]
                print(f"image size in MB, ours and with pip: {sizes[0]:.0f} and {sizes[1]:.0f}")
        else:
            print('the other side with pip is left out: eval "$(tests/engine/up --pip-base)" first')
        project.remove_images()


if __name__ == "__main__":
    main()
