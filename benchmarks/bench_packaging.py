"""``make_package`` beside tar and gzip of the same tree, and beside setuptools' sdist."""

from __future__ import annotations

import importlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from benchmarks.ratios import report, seconds_of
from benchmarks.trees import write_tree
from tg.common.delivery.delivery import Packaging

ROUNDS = 7

FIRST_IN_A_PROCESS = """
import importlib, json, sys, time
sys.path.insert(0, sys.argv[1])
from tg.common.delivery.delivery import Packaging
job = importlib.import_module(sys.argv[2] + ".job").Job()
packaging = Packaging("Bench", None, {"job": job})
packaging.silent = True
start = time.perf_counter()
packaging.make_package()
print(json.dumps(time.perf_counter() - start))
"""


def tar_and_gzip(tree: Path, target: Path) -> None:
    with tarfile.open(target, "w:gz", compresslevel=6) as archive:
        for folder, _, files in os.walk(tree):
            for name in sorted(files):
                archive.add(Path(folder) / name)


def setuptools_sdist(parent: Path, name: str) -> float:
    project = parent / f"{name}-project"
    shutil.copytree(parent / name, project / name)
    (project / "setup.py").write_text(
        "from setuptools import find_namespace_packages, setup\n"
        f"setup(name={name!r}, version='0', packages=find_namespace_packages())\n"
    )
    command = [sys.executable, "setup.py", "-q", "sdist"]
    return seconds_of(lambda: subprocess.run(command, cwd=project, check=True, capture_output=True))


def main() -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        os.environ["TG_ROOT"] = os.environ["TG_CACHE"] = str(folder)
        sys.path.insert(0, str(folder))
        tar, first, second, sdist, cold = [], [], [], [], []
        for number in range(ROUNDS):
            name = f"bench_tree_{number}"
            tree = write_tree(folder, name)
            job = importlib.import_module(f"{name}.job").Job()
            packaging = Packaging("Bench", None, {"job": job})
            packaging.silent = True
            tar.append(seconds_of(lambda t=tree: tar_and_gzip(t, folder / "plain.tar.gz")))
            first.append(seconds_of(packaging.make_package))
            second.append(seconds_of(packaging.make_package))
            sdist.append(setuptools_sdist(folder, name))
            fresh = [sys.executable, "-c", FIRST_IN_A_PROCESS, str(folder), name]
            cold.append(json.loads(subprocess.run(fresh, check=True, capture_output=True).stdout))
        files = list(tree.rglob("*.py"))
        size = sum(path.stat().st_size for path in files)
        print(f"a tree of {len(files)} files, {size / 1e6:.2f} MB; medians of {ROUNDS} trees")
        # the very first call of a process loads libraries and is left out here: see the next line
        report("a fresh tree / tar and gzip -6", first[1:], tar[1:], target="<= 1.5")
        report("a fresh tree, first in its process / tar and gzip -6", cold, tar, target="-")
        report("a second call / the first", second[1:], first[1:], target="<= 0.2")
        report("setuptools' sdist / a fresh tree", sdist[1:], first[1:], target=">= 8")
        ratio = statistics.median(a / b for a, b in zip(sdist, cold, strict=True))
        print(f"{'the same, first in its process':62} {'':27} {ratio:8.3f}  (target -)")


if __name__ == "__main__":
    main()
