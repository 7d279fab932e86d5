"""Classes and functions that were written in a notebook, in a real kernel."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

import pytest

CELLS = [
    """
    from pathlib import Path
    import enum
    import numpy as np
    import pandas as pd
    from dataclasses import dataclass
    from tg.common.ml.training_core import FunctionTask
    from tg.common.delivery.sagemaker import SagemakerRoutine

    Path("ds/p").mkdir(parents=True, exist_ok=True)
    pd.DataFrame({"x": [1.0, 2.0, 3.0]}).to_parquet("ds/p/d.parquet")
    """,
    """
    class Kind(enum.Enum):
        MEAN = "mean"

    @dataclass
    class Model:
        value: float
        kind: Kind

        def predict(self):
            return self.value * 2

    def train(data, env, *, alpha=1.0):
        model = Model(float(np.mean(data["x"])) * alpha, Kind.MEAN)
        env.store_artifact(["runs", 0], "model", model)
        return {"mean": model.value}
    """,
    """
    routine = SagemakerRoutine(FunctionTask(train), "d.parquet", "p", datasets_folder="ds")
    result = routine.process().submit({"alpha:float": 3}).wait().result()
    print(">", "version", routine.config.packaging.make_package().manifest.version)
    print(">", result.metrics, type(result.model) is Model, result.model.kind is Kind.MEAN)
    print(">", result.model.predict(), routine.attached().execute()["metrics"])
    """,
    """
    @dataclass
    class Model:
        value: float
        kind: Kind

        def predict(self):
            return self.value * 100

    packed = result.unpickle("runs/0/model.pkl", code="package")
    print(">", result.model.predict(), packed.predict(), type(packed) is Model)
    print(">", "version", routine.config.packaging.make_package().manifest.version)
    """,
]

RUNNER = """
import sys
import warnings

warnings.simplefilter("ignore")  # the kernel's own
import nbclient
import nbformat.v4 as nbformat
from traitlets.config import Config

cells = [nbformat.new_code_cell(source) for source in sys.stdin.read().split("#---")]
book = nbformat.new_notebook(cells=cells)
# sockets in a folder: a port that was free when it was chosen may be another's when it is bound
config = Config({"KernelManager": {"transport": "ipc", "ip": sys.argv[1]}})
nbclient.NotebookClient(book, timeout=600, startup_timeout=600, config=config).execute()
for cell in book.cells:
    for output in cell.outputs:
        print(output.get("text", ""), end="")
"""


def run_notebook(folder: Path) -> list[str]:
    kernel = folder / "kernels" / "python3"
    kernel.mkdir(parents=True, exist_ok=True)
    argv = f'["{sys.executable}", "-m", "ipykernel_launcher", "-f", "{{connection_file}}"]'
    (kernel / "kernel.json").write_text(f'{{"argv": {argv}, "display_name": "here"}}')
    # the path of a socket has 107 characters at most
    with tempfile.TemporaryDirectory(prefix="tgk-", dir="/tmp") as sockets:
        done = subprocess.run(
            [sys.executable, "-c", RUNNER, f"{sockets}/kernel"],
            input="#---".join(textwrap.dedent(cell) for cell in CELLS),
            capture_output=True,
            text=True,
            cwd=folder,
            env={**os.environ, "JUPYTER_PATH": str(folder), "TG_ROOT": str(folder)},
            check=False,
        )
    assert done.returncode == 0, done.stderr
    return [line[2:] for line in done.stdout.splitlines() if line.startswith("> ")]


@pytest.mark.slow
def test_a_notebooks_classes_travel_come_back_and_can_be_edited(tmp_path: Path) -> None:
    first, metrics, attached, after_edit, second = run_notebook(tmp_path)
    assert metrics == "{'mean': 6.0} True True"
    assert attached == "12.0 {'mean': 2.0}"
    assert after_edit == "600.0 12.0 False"
    assert first != second
    # another kernel, another process id: the same cells are the same version
    assert run_notebook(tmp_path)[0] == first
