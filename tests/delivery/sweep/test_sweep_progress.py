"""What people see while a sweep runs."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tg.common.delivery.sweep.progress import SweepProgress
from tg.common.delivery.sweep.status import SweepStatus
from tg.common.delivery.sweep.task_state import TaskState
from tg.common.delivery.sweep.teller import Teller


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def lines(screen: io.StringIO) -> str:
    return screen.getvalue().replace("\x1b[A", "")


def test_a_bar_for_all_and_a_line_for_each_state_that_there_was() -> None:
    screen = Terminal()
    with SweepProgress(screen) as progress:
        progress(SweepStatus(name="tea", counts={TaskState.WAITING: 3, TaskState.RUNNING: 1}))
        progress(SweepStatus(name="tea", counts={TaskState.RUNNING: 2, TaskState.COMPLETED: 2}))
        assert "2/4" in lines(screen)
        assert "running: 2" in lines(screen)
        progress(SweepStatus(name="tea", counts={TaskState.COMPLETED: 3, TaskState.FAILED: 1}))
    last = lines(screen).rsplit("\r", maxsplit=6)[1:]
    assert "sweep tea: 100%" in last[1]
    assert "4/4" in last[1]
    assert [line.split("  ")[-1].strip() for line in last[2:]] == [
        "waiting: 0",
        "running: 0",
        "completed: 3",
        "failed: 1",
    ]


def test_nothing_is_written_to_a_file_or_a_pipe() -> None:
    screen = io.StringIO()
    SweepProgress(screen)(SweepStatus(name="tea", counts={TaskState.RUNNING: 1}))
    assert screen.getvalue() == ""


NOTEBOOK = """
import json
import sys
import warnings

warnings.simplefilter("ignore")  # the kernel's own
import nbformat
from nbclient import NotebookClient
from traitlets.config import Config

cell = nbformat.v4.new_code_cell(sys.stdin.read())
book = nbformat.v4.new_notebook(cells=[cell])
# files, as a port that is free now may be another's when the kernel takes it
config = Config({"KernelManager": {"transport": "ipc", "ip": sys.argv[1]}})
NotebookClient(book, timeout=600, startup_timeout=600, config=config).execute()
print(json.dumps(cell.outputs))
"""
CELL = """
import sys
sys.modules["ipywidgets"] = None  # is not installed
from tg.common.delivery.sweep import SweepStatus, TaskState
from tg.common.delivery.sweep.progress import SweepProgress

with SweepProgress() as progress:
    progress(SweepStatus(name="tea", counts={TaskState.WAITING: 3, TaskState.RUNNING: 1}))
    progress(SweepStatus(name="tea", counts={TaskState.RUNNING: 2, TaskState.COMPLETED: 2}))
    progress(SweepStatus(name="tea", counts={TaskState.COMPLETED: 3, TaskState.FAILED: 1}))
"""


@pytest.mark.slow
def test_a_notebook_without_widgets_shows_one_text_and_no_escapes(tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory() as short:  # a socket's path has 100 letters at most
        done = subprocess.run(
            [sys.executable, "-c", NOTEBOOK, f"{short}/kernel"],
            input=CELL,
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
        )
    assert done.returncode == 0, done.stderr
    (shown,) = json.loads(done.stdout)
    bar, *states = shown["data"]["text/plain"].splitlines()
    assert bar.startswith("sweep tea: 100%")
    assert "4/4" in bar
    assert states == ["  waiting: 0", "  running: 0", "  completed: 3", "  failed: 1"]


def test_what_was_done_before_does_not_shorten_the_time_that_is_left() -> None:
    screen = Terminal()
    with SweepProgress(screen) as progress:
        progress(SweepStatus(name="tea", counts={TaskState.WAITING: 1, TaskState.COMPLETED: 99}))
        assert "99/100" in lines(screen)
        assert "<?" in lines(screen)


def test_the_end_is_shown_once() -> None:
    # the last task's end and the sweep's own are the same state of things
    seen: list[SweepStatus] = []
    teller = Teller(seen.append, clock=iter(range(10)).__next__)
    done = SweepStatus(name="tea", counts={TaskState.COMPLETED: 4})
    teller.tell(lambda: done)
    teller.tell(lambda: done, at_once=True)
    assert seen == [done]
