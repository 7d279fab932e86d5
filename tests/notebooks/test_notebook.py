"""The notebooks of the repository, executed in a real kernel."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NOTEBOOK = ROOT / "notebooks" / "sagemaker_delivery.ipynb"
SWEEP = ROOT / "notebooks" / "sweep.ipynb"
DOCUMENT = ROOT.parent / "shared" / "reference" / "sagemaker-delivery.md"
BESIDE = ROOT.parent / "shared" / "data" / "titanic.csv"
TITANIC = Path(os.environ.get("TG_TITANIC_CSV", BESIDE))

RUNNER = """
import sys
import warnings

warnings.simplefilter("ignore")  # the kernel's own
import nbclient
import nbformat
from traitlets.config import Config

config = Config()
config.KernelManager.transport = "ipc"  # no port, which another program may take meanwhile
book = nbformat.read(sys.argv[1], as_version=4)
nbclient.NotebookClient(book, timeout=900, startup_timeout=300, config=config).execute()
nbformat.write(book, "executed.ipynb")
"""


def code_cells(path: Path) -> list[dict]:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [cell for cell in cells if cell["cell_type"] == "code"]


def source(cell: dict) -> str:
    return "".join(cell["source"])


def executed(notebook: Path, folder: Path, **env: str) -> list[dict]:
    done = subprocess.run(
        [sys.executable, "-c", RUNNER, str(notebook)],
        cwd=folder,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return code_cells(folder / "executed.ipynb")


@pytest.mark.parametrize("notebook", [NOTEBOOK, SWEEP], ids=lambda path: path.stem)
def test_a_notebook_is_kept_without_outputs(notebook: Path) -> None:
    # outputs would hold the folders of whoever ran it last
    for cell in code_cells(notebook):
        assert cell["outputs"] == []
        assert cell["execution_count"] is None


@pytest.mark.skipif(not DOCUMENT.is_file(), reason=f"{DOCUMENT} is not there")
def test_the_notebook_has_every_cell_of_the_document() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    documented = re.findall(r"^```python\n(.*?)\n```", text, re.DOTALL | re.MULTILINE)
    documented[0] = documented[0].replace("'titanic.csv'", "titanic_csv")
    cells = [source(cell) for cell in code_cells(NOTEBOOK)]
    assert [cell for cell in cells if cell in documented] == documented


@pytest.mark.docker
@pytest.mark.slow
@pytest.mark.skipif(
    not TITANIC.is_file(), reason=f"THE NOTEBOOK IS NOT EXECUTED: {TITANIC} is not there"
)
def test_the_notebook_runs_from_its_first_cell_to_its_last(tmp_path: Path) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    cells = executed(NOTEBOOK, folder, TG_TITANIC_CSV=str(TITANIC))
    shown = {source(cell).splitlines()[-1]: shown_by(cell) for cell in cells}
    assert shown["'AWS_ROLE' in os.environ"] == "True"
    assert "INFO: Completed stage 1/1" in shown["result['metrics']"]
    assert "INFO: DONE. Exiting Training Grounds." in shown["id = routine.local().execute()"]
    assert (
        "No module named 'SingleFrameTrainingTask__0'" in shown["    print(traceback.format_exc())"]
    )
    task = "tg.common.ml.single_frame_training.training_task.SingleFrameTrainingTask at 0x"
    today = shown["loader.unpickle('runs/0/training_task.pkl')"]
    packaged = shown["loader.unpickle('runs/0/training_task.pkl', code='package')"]
    assert today.startswith(f"<{task}")
    assert packaged.startswith(f"<SingleFrameTrainingTask__0.{task}")
    attached = "{" + shown["result['metrics']"].partition("{")[2]
    assert eval(shown["loader.metrics"]) == eval(attached)
    names = next(text for line, text in shown.items() if line.startswith("Autonamer(build)"))
    assert [task["info"]["name"] for task in eval(names)] == [
        *("LR1-NS10", "LR1-NS10-5", "LR2-NS10", "LR2-NS10-5")
    ]
    assert eval(shown["autonamer.parameters('LR2-NS10-5')"]) == {
        "learning_rate": 2,
        "network_size": [10, 5],
    }


@pytest.mark.slow
def test_the_sweep_of_the_notebook_outlives_its_driver(tmp_path: Path) -> None:
    cells = executed(SWEEP, tmp_path)
    shown = {source(cell).splitlines()[-1]: shown_by(cell) for cell in cells}
    killed = shown["Sweep.open('forests').status()"]
    assert not killed.startswith("<sweep forests: 12 of 12"), "it was not interrupted"
    assert int(re.search(r"(\d+) completed", killed)[1]) >= 3
    assert shown["sweep.run()"].endswith("<sweep forests: 12 of 12 done: 12 completed>")
    (runs,) = [text for line, text in shown.items() if line.startswith("len(runs)")]
    assert runs == "(12, True)"
    pictures = [
        output
        for cell in cells
        for output in cell["outputs"]
        if "image/png" in output.get("data", {})
    ]
    assert len(pictures) == 3
    (best,) = [text for line, text in shown.items() if line.startswith("task.info")]
    assert eval(best)[1]["roc_auc_score_test"] > 0.97
    (wider,) = [text for line, text in shown.items() if line.startswith("print(wider")]
    assert wider.endswith("12 completed> of which 8 are known")


def shown_by(cell: dict) -> str:
    texts = [
        "".join(output.get("text", "") or output.get("data", {}).get("text/plain", ""))
        for output in cell["outputs"]
        if output.get("name") != "stderr"
    ]
    return "".join(texts).strip()
