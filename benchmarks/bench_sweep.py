"""A sweep of trainings that do nothing in processes, beside joblib doing the same jobs."""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.ratios import report, seconds_of
from tg.common.delivery.execution.environments import EnvironmentCache
from tg.common.delivery.runtime.package_archive import unpack_package
from tg.common.delivery.sagemaker import Autonamer, SagemakerRoutine
from tg.common.delivery.sweep import Sweep

TASKS = 200
WORKERS = 2
ROUNDS = 5

TRAINING = """
    from tg.common.ml.training_core import FunctionTask


    def train(data, env, number=0):
        import sklearn.linear_model  # what many trainings import

        return {"score": float(number)}


    def build(number):
        return FunctionTask(train, {"number": number}, name="noop")
"""

# the same jobs of the same package on the same data: each fills a model folder, which is archived
JOBLIB = """
    import contextlib
    import importlib
    import os
    import shutil
    import sys
    import tarfile
    from pathlib import Path

    from joblib import Parallel, delayed


    def train(root, base, channels):
        folders_module = importlib.import_module(f"{root}.tg.common.delivery.runtime.folders")
        point = importlib.import_module(f"{root}.tg.common.delivery.runtime.entry_point")
        folders = folders_module.TrainingFolders(Path(base))
        folders.create({}, channels=channels)
        for name, path in channels.items():
            (folders.input_data / name).mkdir(exist_ok=True)
            (folders.input_data / name / path.name).symlink_to(path)
        with open(f"{base}/log.txt", "w") as log, contextlib.redirect_stdout(log):
            entry_point = point.EntryPoint(root)
            entry_point.load_resource("job").run(entry_point=entry_point, folders=folders)
        with tarfile.open(f"{base}/model.tar.gz", "w:gz") as archive:
            archive.add(folders.model, ".")
        shutil.rmtree(folders.model)


    if __name__ == "__main__":
        root, out, data, *jobs = sys.argv[1:]
        Parallel(n_jobs=int(os.environ["WORKERS"]))(
            delayed(train)(root, f"{out}/{n}", {"training": Path(data), "tg-job": Path(job)})
            for n, job in enumerate(jobs)
        )
"""


def main() -> None:
    with tempfile.TemporaryDirectory() as temporary, contextlib.redirect_stdout(io.StringIO()):
        folder = Path(temporary)
        os.environ["TG_ROOT"] = temporary
        (folder / "noop.py").write_text(textwrap.dedent(TRAINING))
        (folder / "with_joblib.py").write_text(textwrap.dedent(JOBLIB))
        sys.path.insert(0, temporary)
        data = folder / "datasets" / "p" / "d.parquet"
        data.parent.mkdir(parents=True)
        pd.DataFrame({"x": range(100)}).to_parquet(data)
        tasks = Autonamer(importlib.import_module("noop").build).build_tasks(
            number=list(range(TASKS))
        )
        routine = SagemakerRoutine(tasks[0], "d.parquet", "p", datasets_folder=folder / "datasets")
        Sweep(tasks[:1], routine, name="first").run()  # makes the package and the environment
        ours, theirs = [], []
        for number in range(ROUNDS):
            # another executor, as in a new process: its interpreter is warmed up in the time
            sweep = Sweep(
                tasks, routine.process(), name=f"s{number}", max_parallel=WORKERS, rerun=True
            )
            ours.append(seconds_of(sweep.run))
            if sweep.status()["completed"] != TASKS:
                raise SystemExit(repr(sweep.status()))
            command = joblib_command(routine, tasks, folder / f"joblib-{number}", data)
            theirs.append(seconds_of(command))
    report(
        f"{TASKS} tasks that do nothing / joblib, {WORKERS} at once", ours, theirs, target="<= 1.5"
    )


def joblib_command(
    routine: SagemakerRoutine, tasks: list[Any], out: Path, data: Path
) -> Callable[[], object]:
    record = routine.process().batch({task.info["name"]: task for task in tasks}).record()
    launcher = record["shared"]["launcher"]
    python = EnvironmentCache().get(launcher["lock"], resolve=launcher["resolves"]).python
    jobs = [task["path"] for task in record["tasks"].values()]
    package = launcher["package_path"]
    variables = {
        **os.environ,
        "PYTHONPATH": str(unpack_package(package)),
        "TG_PACKAGE_FILE": package,
        "WORKERS": str(WORKERS),
    }
    words = [python, "with_joblib.py", launcher["root"], out, data, *jobs]
    return lambda: subprocess.run(words, env=variables, cwd=data.parents[2], check=True)


if __name__ == "__main__":
    main()
