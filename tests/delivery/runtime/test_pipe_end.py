"""What a user would lose: a file of a training's own, with a line in it that nobody wrote."""

from __future__ import annotations

import os
from pathlib import Path

from tg.common.delivery.runtime.pipe_end import PipeEnd


def test_nothing_is_written_into_a_file_that_has_taken_its_number(tmp_path: Path) -> None:
    told, tell = os.pipe()
    end = PipeEnd(tell)
    os.close(tell)
    own = os.open(tmp_path / "own", os.O_WRONLY | os.O_CREAT)
    os.dup2(own, tell)
    end.tell(b"ended")
    end.close()
    os.write(tell, b"mine")
    assert (tmp_path / "own").read_text() == "mine"
    for handle in {told, tell, own}:
        os.close(handle)


def test_nobody_reads_any_more() -> None:
    told, tell = os.pipe()
    end = PipeEnd(tell)
    os.close(told)
    end.tell(b"ended")
    end.close()
    end.tell(b"ended")
