"""The document that users know, run letter for letter, cell by cell, in a fresh interpreter."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest
from cells import Output, run_in_fresh_interpreter

SHARED = Path(__file__).parents[2].parent / "shared"
DOCUMENT = SHARED / "reference" / "sagemaker-delivery.md"
TITANIC = Path(os.environ.get("TG_TITANIC_CSV", SHARED / "data" / "titanic.csv"))

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (DOCUMENT.is_file() and TITANIC.is_file()),
        reason=f"THE DOCUMENTED WALK IS NOT TESTED: {DOCUMENT} or {TITANIC} is not there",
    ),
]

# the first cell that runs in a container, and the first after it that needs nothing of that
LOCAL, NAMES = 4, 9
TEST, TRAIN = "roc_auc_score_test", "roc_auc_score_train"
DOCUMENTED = {TEST: 0.8538095238095237, TRAIN: 0.8600247283139194}
STAMP = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6} ")


def blocks(language: str) -> list[str]:
    """Python cells, or the indented blocks of what they printed."""
    text = DOCUMENT.read_text(encoding="utf-8")
    if language == "python":
        return re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    outside = re.sub(r"^```python\n.*?^```", "\0", text, flags=re.DOTALL | re.MULTILINE)
    printed = [re.findall(r"^    (.*)$", part, re.MULTILINE) for part in outside.split("\0")[1:]]
    return ["\n".join(lines) for lines in printed]


def prepare(folder: Path) -> Path:
    shutil.copy(TITANIC, folder / "titanic.csv")
    (folder / "environment.env").write_text("AWS_ROLE=arn:aws:iam::123456789012:role/training\n")
    dependencies = ["pandas", "pyarrow", "scikit-learn", "jsonpickle"]
    (folder / "dependencies.json").write_text(json.dumps(dependencies))
    return folder


def run_cells(cells: Sequence[str], folder: Path) -> list[Output]:
    outputs = run_in_fresh_interpreter(cells, prepare(folder))
    for number, output in enumerate(outputs):
        assert not output.error, f"cell {number}\n{output.traceback}"
    return outputs


@pytest.fixture(scope="module")
def walk(tmp_path_factory: pytest.TempPathFactory) -> list[Output]:
    """Every cell; the fifth trains in a container, and the next ones open what came of it."""
    return run_cells(blocks("python"), tmp_path_factory.mktemp("walk"))


@pytest.fixture(scope="module")
def attached_walk(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Output]:
    """The cells that need no engine, by their number in the document."""
    cells = dict(enumerate(blocks("python")))
    for number in range(LOCAL, NAMES):
        del cells[number]
    outputs = run_cells(list(cells.values()), tmp_path_factory.mktemp("attached"))
    return dict(zip(cells, outputs, strict=True))


def logged(text: str) -> list[str]:
    """Lines of our log, without what comes before them."""
    return [line.partition(" INFO: ")[2] for line in text.splitlines() if " INFO: " in line]


def test_the_role_comes_from_the_environment_file(attached_walk: dict[int, Output]) -> None:
    assert attached_walk[2].value == blocks("printed")[2].strip() == "True"


def test_the_attached_run_logs_and_returns_what_is_printed(
    attached_walk: dict[int, Output],
) -> None:
    for line in attached_walk[3].printed.splitlines():
        assert STAMP.match(line), line
    documented = logged(blocks("printed")[3])
    lines = logged(attached_walk[3].printed)
    assert lines[:2] == documented[:2] == ["Starting stage 1/1", "Completed stage 1/1"]
    assert [line.rpartition(":")[0] for line in lines] == [
        line.rpartition(":")[0] for line in documented
    ]
    metrics = eval(attached_walk[3].value)
    assert list(metrics) == list(DOCUMENTED)
    assert metrics == pytest.approx(DOCUMENTED, abs=2e-5)
    assert lines[2:] == [f"###{name}:{value}" for name, value in metrics.items()]


@pytest.mark.docker
def test_the_local_run_logs_what_is_printed_line_by_line(walk: list[Output]) -> None:
    documented = logged(blocks("printed")[4])
    lines = logged(walk[4].printed)
    assert documented[0] == lines[0] == "Welcome to Training Grounds!"
    assert documented[-1] == lines[-1] == "DONE. Exiting Training Grounds."
    assert [without_place(line) for line in lines] == [without_place(line) for line in documented]
    ours = [line for line in walk[4].printed.splitlines() if " INFO: " in line]
    prefixes = {line.partition(" | ")[0] for line in ours}
    assert len(prefixes) == 1  # every line says which run it is of
    assert prefixes.pop().startswith("singleframetrainingtask-")


def without_place(line: str) -> str:
    """Leave out where folders are, and the last digits of a metric."""
    line = re.sub(r'("resources_location": ")[^"]*(/SingleFrame)', r"\1\2", line)
    line = re.sub(r"(Saved artifact ).*/model/runs/", r"\1/opt/ml/model/runs/", line)
    return re.sub(r"(###METRIC###\w+:0\.\d{4})\d*(###)", r"\1\2", line)


@pytest.mark.docker
def test_the_result_lists_what_is_printed_and_our_two_files(walk: list[Output]) -> None:
    documented = blocks("printed")[5].splitlines()
    listing = walk[5].printed.splitlines()
    assert [name for name in listing if name in documented] == documented
    assert sorted(set(listing) - set(documented)) == ["manifest.json", "metrics.json"]


@pytest.mark.docker
def test_a_pickle_alone_does_not_open_as_is_printed(walk: list[Output]) -> None:
    last = blocks("printed")[7].strip().splitlines()[-1]
    assert last == "ModuleNotFoundError: No module named 'SingleFrameTrainingTask__0'"
    assert walk[7].printed.strip().splitlines()[-1] == last


@pytest.mark.docker
def test_the_loader_opens_the_task_as_todays_class(walk: list[Output]) -> None:
    documented = re.match(r"<([\w.]+) at 0x", blocks("printed")[8].strip())
    assert documented is not None
    # notebooks leave out the word `object`, which repr() has
    assert re.match(rf"<{re.escape(documented[1])}( object)? at 0x", walk[8].value)


def test_the_tasks_have_the_printed_names(attached_walk: dict[int, Output]) -> None:
    assert eval(attached_walk[10].value) == eval(blocks("printed")[10])
    assert [task["info"]["name"] for task in eval(attached_walk[10].value)] == [
        *("LR1-NS10", "LR1-NS10-5", "LR2-NS10", "LR2-NS10-5")
    ]


def with_a_fine_tolerance() -> list[str]:
    # scikit-learn 1.4 and later stop the solver earlier than the version of the document did
    cells = [
        cell.replace("max_iter = 1000", "max_iter = 1000, tol=1e-6") for cell in blocks("python")
    ]
    assert cells != blocks("python")
    return cells


def test_with_a_fine_tolerance_the_metrics_are_the_documented_ones(tmp_path: Path) -> None:
    outputs = run_cells(with_a_fine_tolerance()[:LOCAL], tmp_path)
    assert eval(outputs[3].value) == pytest.approx(DOCUMENTED, abs=1e-12, rel=0)


@pytest.mark.docker
def test_a_container_gives_the_documented_metrics_too_bit_for_bit(tmp_path: Path) -> None:
    outputs = run_cells([*with_a_fine_tolerance()[:6], "loader.metrics"], tmp_path)
    assert eval(outputs[6].value) == pytest.approx(DOCUMENTED, abs=1e-12, rel=0)
    assert eval(outputs[6].value) == eval(outputs[3].value)
