"""The files that an image gets."""

from __future__ import annotations

import contextlib
import py_compile
import shutil
from pathlib import Path

from ..._core.archive_reader import ArchiveReader
from ..._core.templates import read_template, render
from .packaging import Package

__all__ = ["write_image_files"]

_CODE = "code"
_PLACE = "/opt/tg"


def write_image_files(folder: Path, package: Package, run_file_name: str) -> None:
    """Lay out what stands in ``/opt/tg`` of an image.

    Parameters
    ----------
    folder
        An empty folder: it gets the package's code, compiled, its archive, the file that starts
        the training, and ``bin/train``, which leads to that.
    package
        The package.
    run_file_name
        What the file that starts the training is called.
    """
    unpacked = folder / "unpacked"
    ArchiveReader(package.path).extract_all(unpacked)
    module = package.manifest.module_name
    (root,) = unpacked.glob(f"*/{module}/")
    (folder / _CODE).mkdir()
    root.rename(folder / _CODE / module)
    shutil.rmtree(unpacked)
    _compile(folder / _CODE)
    shutil.copyfile(package.path, folder / package.path.name)
    run_file = folder / run_file_name
    run_file.write_text(render_run_file(module, run_file_name), encoding="utf-8")
    (folder / "bin").mkdir()
    (folder / "bin" / "train").symlink_to(Path("..", run_file_name))
    # readable for any user, whatever the umask of this process
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path == run_file else 0o644)


def render_run_file(module_name: str, run_file_name: str) -> str:
    """Give the script that starts the training of a package, by its root module."""
    text = read_template("sagemaker/train.py.template")
    return render(text, {"module": module_name}, name=run_file_name)


def _compile(code: Path) -> None:
    """Compile all modules, as every start of the training would have to otherwise."""
    for path in sorted(code.rglob("*.py")):
        place = f"{_PLACE}/{_CODE}/{path.relative_to(code).as_posix()}"
        # one that does not compile may be there for another version: importing it will tell
        with contextlib.suppress(py_compile.PyCompileError, ValueError):
            py_compile.compile(
                str(path),
                dfile=place,
                doraise=True,
                invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
            )
