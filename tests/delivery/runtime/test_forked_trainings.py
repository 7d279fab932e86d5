"""What a user would lose: how a training has ended, where it could not say so itself."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest

from tg.common.delivery.runtime import forked_trainings
from tg.common.delivery.runtime.forked_trainings import ForkedTrainings
from tg.common.delivery.runtime.told_number import EXIT_CODE, tell_number

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")


def forked(what: Callable[[], object]) -> int:
    pid = os.fork()
    if pid == 0:
        try:
            what()
        finally:
            os._exit(5)
    return pid


def reaped(trainings: ForkedTrainings) -> bool:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if trainings.reap():
            return True
        if not trainings:
            return False
        time.sleep(0.01)
    raise AssertionError("it has not ended")


def test_one_that_was_killed_is_spoken_for(tmp_path: Path) -> None:
    trainings = ForkedTrainings()
    trainings.add(forked(lambda: os.kill(os.getpid(), signal.SIGKILL)), tmp_path)
    assert reaped(trainings)
    assert (tmp_path / EXIT_CODE).read_text() == "-9"
    assert not trainings


def test_one_that_has_spoken_is_believed(tmp_path: Path) -> None:
    trainings = ForkedTrainings()
    trainings.add(forked(lambda: tell_number(tmp_path, EXIT_CODE, 0)), tmp_path)
    assert not reaped(trainings)
    assert (tmp_path / EXIT_CODE).read_text() == "0"


def test_one_that_was_given_up_says_nothing_of_its_successor(tmp_path: Path) -> None:
    trainings = ForkedTrainings()
    (tmp_path / EXIT_CODE).write_text("-9")  # of one before
    trainings.expect(tmp_path)
    first = forked(lambda: time.sleep(600))
    trainings.add(first, tmp_path)
    os.kill(first, signal.SIGKILL)
    trainings.expect(tmp_path)
    second = forked(lambda: time.sleep(600))
    trainings.add(second, tmp_path)
    deadline = time.monotonic() + 60
    while len(trainings) > 1:
        assert time.monotonic() < deadline
        assert not trainings.reap()
    assert not (tmp_path / EXIT_CODE).exists()
    os.kill(second, signal.SIGTERM)
    assert reaped(trainings)
    assert (tmp_path / EXIT_CODE).read_text() == "-15"


def test_an_exit_code_waits_for_room_on_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> NoReturn:
        raise OSError(28, "No space left on device")

    trainings = ForkedTrainings()
    trainings.add(forked(lambda: None), tmp_path)
    monkeypatch.setattr(forked_trainings, "tell_number", full)
    while not trainings.are_untold:
        assert not trainings.reap()
    assert trainings
    monkeypatch.undo()
    assert trainings.reap()
    assert (tmp_path / EXIT_CODE).read_text() == "5"


def test_a_run_that_was_removed_is_forgotten(tmp_path: Path) -> None:
    trainings = ForkedTrainings()
    trainings.add(forked(lambda: None), tmp_path / "gone")
    reaped(trainings)
    assert not trainings
