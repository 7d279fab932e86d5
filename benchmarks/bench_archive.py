"""Reading one small artifact of a large result, beside ``tar -x`` of all of it, in one run.

    python benchmarks/bench_archive.py [--mebibytes 1024] [--folder DIR]

Both layouts hold the same files: one third random bytes, one third normally distributed float64,
one third float64 rounded to two digits as in a table of predictions, and a 9 KB artifact.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tg.common._core.archive_writer import Member, write_tar_gz

MIB = 1 << 20
FILES = 12
SMALL = "runs/0/metrics.pkl"
REPEATS = 2

READER = """
import json, sys, time
from pathlib import Path
from tg.common._core.archive_reader import ArchiveReader

started = time.perf_counter()
with ArchiveReader(Path(sys.argv[1])) as archive:
    size = len(archive.read(sys.argv[2])) if sys.argv[2] else len(archive.names())
seconds = time.perf_counter() - started
# not ru_maxrss, which begins with the size of the parent process
status = Path("/proc/self/status").read_text()
peak = int(status.partition("VmHWM:")[2].split()[0]) / 1024
print(json.dumps([seconds, peak, size]))
"""


def make_files(folder: Path, mebibytes: int) -> dict[str, Path]:
    rng = np.random.default_rng(0)
    makers: list[Callable[[], bytes]] = [
        lambda: rng.bytes(MIB),
        lambda: rng.standard_normal(MIB // 8).tobytes(),
        lambda: np.round(rng.standard_normal(MIB // 8), 2).tobytes(),
    ]
    files = {}
    for i in range(FILES):
        path = folder / f"part-{i}"
        with path.open("wb") as file:
            for _ in range(mebibytes // FILES):
                file.write(makers[i % len(makers)]())
        files[f"runs/{i}/model.pkl"] = path
    small = folder / "small"
    small.write_bytes(rng.bytes(9000))
    files[SMALL] = small
    return files


def make_foreign(target: Path, files: dict[str, Path], folder: Path) -> None:
    tree = folder / "tree"
    for name, path in files.items():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        os.link(path, tree / name)
    with target.open("wb") as file:
        command = ["tar", "-C", str(tree), "-c", *files]  # the small one in the last place
        with subprocess.Popen(command, stdout=subprocess.PIPE) as tar:
            subprocess.run(["gzip", "-1"], stdin=tar.stdout, stdout=file, check=True)
        if tar.returncode:
            raise SystemExit("tar failed")


def seconds_of_tar(archive: Path, folder: Path) -> float:
    def once() -> float:
        with tempfile.TemporaryDirectory(dir=folder) as target:
            started = time.perf_counter()
            subprocess.run(["tar", "-xzf", archive, "-C", target], check=True)
            return time.perf_counter() - started

    return statistics.median(once() for _ in range(REPEATS))


def read(archive: Path, name: str) -> tuple[float, float]:
    """Give the median of seconds, and the peak of MiB, in fresh processes."""
    runs = []
    for _ in range(REPEATS):
        run = subprocess.run(
            [sys.executable, "-c", READER, archive, name], capture_output=True, check=True
        )
        seconds, peak, size = json.loads(run.stdout)
        if name and size != 9000:
            raise SystemExit(f"{archive} gave {size} bytes of {name}")
        runs.append((seconds, peak))
    return statistics.median(s for s, _ in runs), max(p for _, p in runs)


def main() -> None:
    parser = argparse.ArgumentParser(description="One artifact of a large result, as ratios.")
    parser.add_argument("--mebibytes", type=int, default=1024)
    parser.add_argument("--folder", type=Path, default=None, help="where to put the files for now")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        files = make_files(folder, options.mebibytes)
        ours, foreign = folder / "ours.tar.gz", folder / "foreign.tar.gz"
        started = time.perf_counter()
        members = [Member(name=n, content=p) for n, p in files.items()]
        write_tar_gz(ours, members, small_first=True)
        writing = time.perf_counter() - started
        started = time.perf_counter()
        make_foreign(foreign, files, folder)
        gzipping = time.perf_counter() - started
        total = sum(path.stat().st_size for path in files.values()) / MIB
        print(f"result of {total:.0f} MiB, {ours.stat().st_size / MIB:.0f} MiB compressed")
        print(f"writing: {writing:.2f} s, {writing / gzipping:.2f} x of tar | gzip -1")
        print(f"{'':44}{'seconds':>9}{'x tar -x':>10}{'peak MiB':>10}")
        for title, archive in (("ours, small first", ours), ("foreign, small last", foreign)):
            everything = seconds_of_tar(archive, folder)
            print(f"{title + ': tar -x of everything':44}{everything:9.3f}{1:10.3f}")
            for what, wanted in (("one file of 9 KB", SMALL), ("the names of all files", "")):
                seconds, peak = read(archive, wanted)
                ratio = seconds / everything
                print(f"{title + ': ' + what:44}{seconds:9.3f}{ratio:10.3f}{peak:10.0f}")


if __name__ == "__main__":
    main()
