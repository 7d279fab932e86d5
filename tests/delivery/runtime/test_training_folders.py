"""What a user would lose: the very words that say why a training failed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tg.common.delivery.runtime.folders import TrainingFolders


@pytest.mark.parametrize("line", ["    a line of a traceback", "    eine Zeile mit ä, ö und ü"])
def test_the_end_of_a_long_traceback_is_within_what_sagemaker_keeps(
    line: str, tmp_path: Path
) -> None:
    folders = TrainingFolders(tmp_path)
    folders.write_failure("\n".join([*[line] * 200, "ValueError: the rate is 3"]))
    reason = f"AlgorithmError: {folders.failure_file.read_text()}, exit code: 255"
    assert "ValueError: the rate is 3, exit code" in reason[:1_024]
    assert len(folders.failure_file.read_bytes()) > 900
