"""Classes that records name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from tg.common._core.errors import FormatError
from tg.common.delivery.execution.local_run import LocalRun
from tg.common.delivery.execution.recorded_kind import recorded_class
from tg.common.delivery.execution.task_batch import TaskBatch

Write = Callable[[Mapping[str, str]], None]


def test_the_record_of_a_run_imports_nobody_elses_code(project: Path, write_files: Write) -> None:
    # records lie in folders that others may write to, and are read to list runs
    marker = project / "imported"
    write_files({"trap.py": f"open({str(marker)!r}, 'w').close()\nclass Trap: pass\n"})
    with pytest.raises(FormatError, match="trap:Trap"):
        recorded_class("trap:Trap", LocalRun)
    assert not marker.exists()


def test_a_users_own_kind_of_batch_is_found(write_files: Write) -> None:
    write_files(
        {
            "own_place.py": """
                from tg.common.delivery.execution import TaskBatch

                class OwnBatch(TaskBatch):
                    pass
            """
        }
    )
    assert issubclass(recorded_class("own_place:OwnBatch", TaskBatch, of_users=True), TaskBatch)
    with pytest.raises(FormatError, match="own_place:OwnBatch"):
        recorded_class("own_place:OwnBatch", LocalRun, of_users=True)
