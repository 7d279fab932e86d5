"""Trainings that may be about to begin, though whoever started them has died."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

from ..runtime.told_number import PID

__all__ = ["GIVEN_UP", "is_forestalled"]

GIVEN_UP = 0  # no process has this id, and the runtime does not train where it stands


def is_forestalled(folder: Path) -> bool:
    """Keep a training from beginning any more, unless it has begun.

    A training first makes the file of its process id; whoever makes that file has decided.

    Parameters
    ----------
    folder
        The run's.

    Returns
    -------
    bool
        Whether it does not begin any more; ``False`` also if that cannot be seen to.
    """
    claim = folder / f"{PID}.{secrets.token_hex(4)}"
    try:
        claim.write_text(str(GIVEN_UP), encoding="ascii")
        os.link(claim, folder / PID)  # whole or not at all, and never over another
    except OSError:
        return False
    finally:
        with contextlib.suppress(OSError):
            claim.unlink()
    return True
