"""Drives a sweep over a folder until it is done or killed: a process of the tests."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from folder_place import FolderBatch, FolderExecutor, tasks

from tg.common._core.errors import SweepNotFoundError
from tg.common.delivery.sweep import Pace, Sweep


def main(name: str, place: str, count: int, seconds: float, kill_at: int) -> None:
    moments = 0

    def moment(*_: object) -> None:
        nonlocal moments
        moments += 1
        if moments == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    FolderBatch.moment = staticmethod(moment)
    sys.stdout.write("driving\n")
    sys.stdout.flush()
    try:
        sweep = Sweep.open(name)
    except SweepNotFoundError:
        planned = tasks(count, seconds=seconds)
        sweep = Sweep(
            planned,
            FolderExecutor(Path(place)),
            name=name,
            max_parallel=8,
            pace=Pace(start_threads=4),
        )
    sys.stdout.write(f"{sweep.run()!r}\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4]), int(sys.argv[5]))
