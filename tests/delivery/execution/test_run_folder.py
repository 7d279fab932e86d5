"""What a user would lose: the id of the run they have just started."""

from pathlib import Path

import pytest

from tg.common._core.errors import RunNotFoundError
from tg.common.delivery.execution.run_folder import RunFolder


def test_a_wrong_id_is_answered_with_the_latest_runs_of_whichever_task(tmp_path: Path) -> None:
    newest, older, oldest = (
        "abalone-2026-02-01-10-00-00-0a1b2c3d",
        "two-words-2026-01-15-10-00-00-0a1b2c3d",
        "titanic-2026-01-01-10-00-00-0a1b2c3d",
    )
    for run_id in (older, "titanic-2025-12-31-10-00-00-ffffffff", newest, oldest):
        (tmp_path / run_id).mkdir()
    with pytest.raises(RunNotFoundError) as caught:
        RunFolder.find(tmp_path, "titanic")
    assert f"The latest are: {newest}, {older}, {oldest}." in str(caught.value)
