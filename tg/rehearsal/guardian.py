"""A process that outlives a rehearsal's own and removes what that could not."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from pathlib import Path

from ..common._core.child import Child, start
from ..common._core.errors import EngineError
from ..common.delivery.docker.engine import DockerEngine
from .ownership import is_abandoned, owner, remove_abandoned

__all__ = ["main", "start_guardian"]

_POLL_SECONDS = 0.3
_ROOT = Path(__file__).parents[2]


def start_guardian(engine: DockerEngine, log: Path) -> Child:
    """Start a guardian of this process; end it when the rehearsal has removed all by itself.

    Parameters
    ----------
    engine
        Where the containers are.
    log
        The file for what it says.
    """
    found = os.pathsep.join([str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    argv = [sys.executable, "-m", __name__, owner(), engine.program]
    return start(argv, env={"PYTHONPATH": found}, output_path=log)


def main(owner_text: str, program: str) -> None:
    """Wait until a process is no more, and remove what it left.

    Parameters
    ----------
    owner_text
        As `owner` names it.
    program
        The engine's client.
    """
    while not is_abandoned(owner_text):
        time.sleep(_POLL_SECONDS)
    with contextlib.suppress(EngineError):  # the next rehearsal tries again
        remove_abandoned(DockerEngine(program))


if __name__ == "__main__":
    main(*sys.argv[1:])
