"""Sweeps over a place that is nothing but a folder."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

HERE = str(Path(__file__).parent)
if HERE not in sys.path:
    # the folder's batch is found by its module's name, also by the processes of the tests
    sys.path.append(HERE)


@pytest.fixture
def place(project: Path) -> Path:
    folder = project / "place"
    folder.mkdir()
    return folder
