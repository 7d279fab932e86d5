from __future__ import annotations

import json
import re
import threading

import pytest

from tg.common import Logger
from tg.common._core.logger import TrainingLogger


def test_a_line_has_the_documented_form(capsys: pytest.CaptureFixture[str]) -> None:
    Logger.info("Starting stage 1/1")
    line = capsys.readouterr().out
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6} INFO: Starting stage 1/1\n", line)


def test_context_is_added_within_and_only_there(capsys: pytest.CaptureFixture[str]) -> None:
    log = TrainingLogger()
    with log.context(job="a"):
        with log.context(fold=1):
            log.error("x", step=2)
        log.debug("y")
    log.warning("z")
    lines = [line.split(" ", 2)[2] for line in capsys.readouterr().out.splitlines()]
    assert lines == ["ERROR: x [job=a fold=1 step=2]", "DEBUG: y [job=a]", "WARNING: z"]


def test_json_lines_can_be_read_whatever_is_in_them(capsys: pytest.CaptureFixture[str]) -> None:
    log = TrainingLogger()
    log.use_json()
    with log.context(path=object):
        log.info('a "quoted"\nline', value=1.5)
    (line,) = capsys.readouterr().out.splitlines()
    record = json.loads(line)
    assert record["message"] == 'a "quoted"\nline'
    assert (record["level"], record["value"]) == ("INFO", 1.5)
    log.use_text()
    log.info("text again")
    assert capsys.readouterr().out.endswith("INFO: text again\n")


def test_the_context_of_a_thread_is_its_own(capsys: pytest.CaptureFixture[str]) -> None:
    log = TrainingLogger()
    with log.context(where="main"):
        thread = threading.Thread(target=log.info, args=("from a thread",))
        thread.start()
        thread.join()
    assert "[where=main]" not in capsys.readouterr().out
