"""`tg` as a program: what a script gives it and gets from it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def tg(
    *args: str, env: Mapping[str, str] | None = None, cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run it to its end, whatever its exit code; nobody answers what it asks."""
    return subprocess.run(
        [sys.executable, "-m", "tg.cli.main", *args],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "COLUMNS": "200", **(env or {})},
        cwd=cwd,
        check=False,
    )


def text_of(*args: str, code: int = 0, cwd: Path | None = None) -> str:
    """Give what it prints; of a command that fails, its complaints as well."""
    done = tg(*args, cwd=cwd)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout if code == 0 else done.stdout + done.stderr


def document_of(*args: str, code: int = 0, cwd: Path | None = None) -> dict[str, Any]:
    """Give what it prints for programs."""
    done = tg(*args, "--json", cwd=cwd)
    assert done.returncode == code, done.stdout + done.stderr
    return json.loads(done.stdout)  # type: ignore[no-any-return]
