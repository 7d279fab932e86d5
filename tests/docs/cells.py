"""Cells of a document, run in a fresh interpreter as a notebook runs them.

As a program, ``python cells.py CELLS OUTPUTS``, it reads a JSON list of sources and writes a JSON
list of outputs.
"""

from __future__ import annotations

import ast
import contextlib
import io
import json
import linecache
import os
import subprocess
import sys
import traceback
import types
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Output:
    """What a cell left: what it printed, the value of its last line, and what it raised."""

    printed: str
    value: str
    error: str
    traceback: str

    @property
    def shown(self) -> str:
        """All of it, as a page shows it."""
        return "".join(
            f"{part.rstrip()}\n" for part in (self.printed, self.value, self.error) if part
        )


def run_in_fresh_interpreter(cells: Sequence[str], folder: Path) -> list[Output]:
    """Run cells one after another; warnings are errors, as a reader would see them."""
    sources, outputs = folder / ".cells.json", folder / ".outputs.json"
    sources.write_text(json.dumps(list(cells)), encoding="utf-8")
    command = [sys.executable, "-W", "error", __file__, sources.name, outputs.name]
    env = {name: value for name, value in os.environ.items() if name != "TG_ROOT"}
    env["DO_NOT_TRACK"] = "true"  # MLflow calls home
    done = subprocess.run(
        command, cwd=folder, env=env, capture_output=True, text=True, check=False, timeout=1800
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return [Output(**values) for values in json.loads(outputs.read_text(encoding="utf-8"))]


def run_cell(source: str, name: str, namespace: dict[str, Any]) -> Output:
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    printed, value, error, trace = io.StringIO(), "", "", ""
    with contextlib.redirect_stdout(printed):
        try:
            tree = ast.parse(source, name)
            last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
            exec(compile(tree, name, "exec"), namespace)
            if last is not None:
                result = eval(compile(ast.Expression(last.value), name, "eval"), namespace)
                value = "" if result is None else repr(result)
        except Exception as exc:
            error, trace = f"{type(exc).__name__}: {exc}", traceback.format_exc()
    return Output(printed=printed.getvalue(), value=value, error=error, traceback=trace)


def main(sources: str, outputs: str) -> None:
    # a namespace of its own: what cells define stands in __main__, as in a notebook
    module = types.ModuleType("__main__")
    sys.modules["__main__"] = module
    sys.path[0] = ""
    target = Path(outputs).absolute()  # a cell may go to another folder
    cells = json.loads(Path(sources).read_text(encoding="utf-8"))
    done = [
        run_cell(source, f"<cell {number}>", vars(module)) for number, source in enumerate(cells)
    ]
    target.write_text(json.dumps([asdict(output) for output in done]), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
