"""Runs the benchmarks: ``python -m benchmarks [NAME ...]``; see README.md beside this file."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

NAMES = [
    "packaging",
    "imports",
    "loading",
    "archive",
    "autonamer",
    "remote",
    "process",
    "containers",
    "sdk",
    "scheduler",
    "sweep",
    "remote_sweep",
]


def main() -> int:
    wanted = sys.argv[1:] or NAMES
    unknown = [name for name in wanted if name not in NAMES]
    if unknown:
        print(f"no benchmark is called {', '.join(unknown)}; there are: {', '.join(NAMES)}")
        return 2
    failed = []
    for name in wanted:
        print(f"\n== {name}", flush=True)
        # each in a process of its own: none warms up the next
        command = [sys.executable, "-m", f"benchmarks.bench_{name}"]
        if subprocess.run(command, cwd=Path(__file__).parents[1], check=False).returncode:
            failed.append(name)
    if failed:
        print(f"\ncould not be run to the end: {', '.join(failed)}")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
