"""Tasks that come later run the package of the first ones, whatever becomes of the source."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tg.common._core.errors import ConfigError
from tg.common.delivery.execution.package_batch import PackageBatch
from tg.common.delivery.execution.package_contents import PackageContents
from tg.common.delivery.execution.task_batch import open_batch
from tg.common.delivery.sagemaker import SagemakerRoutine

FILES = {
    "shop/__init__.py": "",
    "shop/price.py": "RATE = 2\n",
    "shop/tasks.py": """
        from shop.price import RATE
        from tg.common.contract import TrainingTask

        class Selling(TrainingTask):
            def __init__(self, count):
                super().__init__()
                self.count = count

            def run_with_environment(self, data, env):
                env.output_metric("earned", float(RATE * self.count))
    """,
    "rental.py": """
        from shop.tasks import Selling

        class Renting(Selling):
            pass
    """,
}


@pytest.fixture
def routine(project: Path, write_files: Callable[..., None]) -> Any:
    write_files(FILES)
    (project / "datasets" / "p").mkdir(parents=True)
    (project / "datasets" / "p" / "d.txt").write_text("1")
    return SagemakerRoutine(
        selling(0), "d.txt", "p", datasets_folder=project / "datasets", name="Shop"
    )


def selling(count: int) -> Any:
    return importlib.import_module("shop.tasks").Selling(count)


def recorded(batch: Any) -> Any:
    """Give the batch as another process has it."""
    return open_batch(json.loads(json.dumps(batch.record())))


def test_an_edit_changes_nothing_for_tasks_that_come_later(routine: Any, project: Path) -> None:
    first = routine.process().batch({"one": selling(1)})
    first.prepare()
    (project / "shop" / "price.py").write_text("RATE = 1000\n")
    for known in first, recorded(first):
        later = routine.process().batch({"three": selling(3)}).packed_as(known)
        run = later.start("three").wait(120)
        assert run.result().metrics == {"earned": 6.0}
        shared = [one.record()["shared"]["content_hash"] for one in (first, later)]
        assert shared[0] == shared[1]
        assert recorded(later).run_id("three") == run.id
    fresh = routine.process().batch({"three": selling(3)})
    assert fresh.fingerprint("three") != later.fingerprint("three")


def test_a_task_whose_code_was_not_packed_is_refused_before_it_is_started(routine: Any) -> None:
    # else it would fail in its run, with an import error, after a machine was paid for
    first = routine.attached().batch({"one": selling(1)})
    renting = importlib.import_module("rental").Renting(1)
    with pytest.raises(ConfigError, match=r"lacks .*: rental\. .*include_modules"):
        routine.attached().batch({"two": renting}).packed_as(first)
    routine.config.packaging.include_modules = ["rental"]
    first = routine.attached().batch({"one": selling(1)})
    later = routine.attached().batch({"two": renting}).packed_as(recorded(first))
    assert later.start("two").wait(60).result().metrics == {"earned": 2.0}


def test_a_task_that_needs_another_library_is_refused(routine: Any) -> None:
    first = routine.attached().batch({"one": selling(1)})
    task = selling(2)
    task.model = "sklearn.linear_model:Ridge"
    with pytest.raises(ConfigError, match="sklearn"):
        routine.attached().batch({"two": task}).packed_as(first)
    task.model = "no_such_library:Model"  # any text with a colon
    routine.attached().batch({"two": task}).packed_as(first)


def test_other_data_and_other_places_are_refused(routine: Any, project: Path) -> None:
    first = routine.attached().batch({"one": selling(1)})
    first.prepare()
    with pytest.raises(ConfigError, match="place"):
        routine.process().batch({"two": selling(2)}).packed_as(first)
    with pytest.raises(ConfigError, match="executor"):
        recorded(first).packed_as(first)
    (project / "datasets" / "p" / "d.txt").write_text("2")
    with pytest.raises(ConfigError, match="data"):
        routine.attached().batch({"two": selling(2)}).packed_as(first)


def test_a_package_knows_its_modules_and_libraries(routine: Any) -> None:
    batch = routine.attached().batch({"one": selling(1)})
    assert isinstance(batch, PackageBatch)
    contents = PackageContents(batch.source.package_path)
    assert contents.lacks(["shop", "shop.tasks", "json", "tg.common.contract", "nowhere.at"]) == []
    assert contents.lacks(["rental", "pytest"]) == ["pytest", "rental"]
    assert contents.lacks(["rental", "pytest"], libraries=False) == ["rental"]
    assert "rental" not in sys.modules  # nothing is imported for it
