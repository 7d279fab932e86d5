"""Source trees to be packed: real code, with the imports of a user's own package."""

from __future__ import annotations

import os
from pathlib import Path

FILES = 200
BYTES = 2_000_000
FOLDERS = 10
HEAD = """import {name}.part{folder}.module{number}
from {name}.part{folder} import module{number} as neighbour
from {name} import part{folder}

"""


def write_tree(parent: Path, name: str) -> Path:
    """Write a package of 200 modules and about 2 MB: the standard library's own source.

    Each module imports three times of its own package, absolutely, before what it imports anyway.
    The modules are there to be read and packed, not to be run.
    """
    root = parent / name
    for number, text in enumerate(sources()):
        folder = root / f"part{number % FOLDERS}"
        folder.mkdir(parents=True, exist_ok=True)
        other = (number + 1) % FILES
        head = HEAD.format(name=name, folder=other % FOLDERS, number=other)
        (folder / f"module{number}.py").write_text(head + text, encoding="utf-8")
    (root / "job.py").write_text("class Job:\n    def run(self):\n        return 42\n")
    for folder in (root, *root.glob("part*")):
        (folder / "__init__.py").write_text("")
    return root


def sources() -> list[str]:
    """Choose real files whose sizes add up."""
    library = Path(os.__file__).parent
    files = [*library.glob("*.py"), *library.glob("[a-z]*/*.py"), *library.glob("[a-z]*/*/*.py")]
    mean = BYTES // FILES
    near = sorted(
        (path for path in files if "site-packages" not in path.parts and "test" not in str(path)),
        key=lambda path: (abs(path.stat().st_size - mean), path),
    )
    return [path.read_text(encoding="utf-8", errors="ignore") for path in near[:FILES]]
