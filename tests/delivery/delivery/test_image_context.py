"""The files that an image gets: readable for any user, ready to run."""

from __future__ import annotations

import importlib.util
import os
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tg.common.delivery.delivery import Packaging
from tg.common.delivery.delivery.image_context import write_image_files
from tg.common.delivery.delivery.packaging import Package


@pytest.fixture
def tight_umask() -> Iterator[None]:
    before = os.umask(0o077)
    yield
    os.umask(before)


@pytest.fixture
def package(write_files: Callable[..., None]) -> Package:
    broken = "def later():\n    return f'{1!r:{2}}' if True else match\n\nprint('x'\n"
    write_files({"shop/__init__.py": "", "shop/job.py": "class Job:\n    pass\n"})
    write_files({"shop/for_another_python.py": broken})
    import shop.job

    packaging = Packaging("Tea", "1", {"job": shop.job.Job()})
    packaging.silent = True
    return packaging.make_package()


@pytest.mark.usefixtures("tight_umask")
def test_any_user_of_the_image_can_read_it_whatever_the_umask_here(
    package: Package, tmp_path: Path
) -> None:
    folder = tmp_path / "image"
    folder.mkdir()
    write_image_files(folder, package, "start.py")
    for path in (folder, *folder.rglob("*")):
        if path.is_symlink():
            continue
        mode = stat.S_IMODE(path.stat().st_mode)
        runs = path.is_dir() or path.name == "start.py"
        assert mode == (0o755 if runs else 0o644), path
    assert {p.name for p in folder.iterdir()} == {"bin", "code", "start.py", package.path.name}
    assert (folder / "bin" / "train").readlink() == Path("../start.py")


def test_its_modules_are_compiled_for_where_they_will_be(package: Package, tmp_path: Path) -> None:
    folder = tmp_path / "image"
    folder.mkdir()
    write_image_files(folder, package, "train.py")
    module = folder / "code" / package.manifest.module_name / "shop" / "job.py"
    compiled = Path(importlib.util.cache_from_source(str(module)))
    code = (
        "import marshal, sys;print(marshal.loads(open(sys.argv[1], 'rb').read()[16:]).co_filename)"
    )
    where = subprocess.run(
        [sys.executable, "-c", code, str(compiled)], check=True, capture_output=True, text=True
    ).stdout.strip()
    assert where == f"/opt/tg/code/{package.manifest.module_name}/shop/job.py"
    # whoever lists times of files, as a copy into an image changes them, would compile again
    assert int.from_bytes(compiled.read_bytes()[4:8], "little") == 0b01
    # a module for another Python may travel, and does no harm
    assert (module.parent / "for_another_python.py").exists()
    assert not Path(
        importlib.util.cache_from_source(str(module.parent / "for_another_python.py"))
    ).exists()
