"""A job out of a package: straight from the archive, beside pip install and import."""

from __future__ import annotations

import importlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.ratios import report, seconds_of
from benchmarks.trees import write_tree
from tg.common.delivery.delivery import Package, Packaging

ROUNDS = 3

LOAD = """
import json, sys, time
from tg.common.delivery.delivery import load_package
start = time.perf_counter()
assert load_package(sys.argv[1]).load_resource("job").run() == 42
print(json.dumps(time.perf_counter() - start))
"""
IMPORT = """
import sys
from tg.common.delivery.delivery import EntryPoint
sys.path.append(sys.argv[1])
assert EntryPoint(sys.argv[2]).load_resource("job").run() == 42
"""


def install_and_import(package: Package, target: str) -> float:
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", target]
    imported = [sys.executable, "-c", IMPORT, target, package.manifest.module_name]
    installing = seconds_of(
        lambda: subprocess.run([*pip, package.path], check=True, capture_output=True)
    )
    return installing + seconds_of(lambda: subprocess.run(imported, check=True))


def main() -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        os.environ["TG_ROOT"] = str(folder)
        os.environ["TG_CACHE"] = str(folder / "cache")
        sys.path.insert(0, str(folder))
        write_tree(folder, "bench_loading_tree")
        job = importlib.import_module("bench_loading_tree.job").Job()
        packaging = Packaging("Bench", "1", {"job": job})
        packaging.silent = True
        package = packaging.make_package()
        loading, installing = [], []
        for number in range(ROUNDS):
            shutil.rmtree(folder / "cache", ignore_errors=True)
            command = [sys.executable, "-c", LOAD, str(package.path)]
            done = subprocess.run(command, check=True, capture_output=True)
            loading.append(json.loads(done.stdout))
            target = str(folder / f"target-{number}")
            installing.append(install_and_import(package, target))
        report("pip install and import / load_package", installing, loading, target=">= 20")


if __name__ == "__main__":
    main()
