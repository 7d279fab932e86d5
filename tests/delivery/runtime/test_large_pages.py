"""What a user would lose: time at each of many short trainings."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

CODE = """
    import gc
    from pathlib import Path
    from tg.common.delivery.runtime import large_pages

    kept = [bytes(100) for _ in range(200_000)]
    total = sum(len(one) for one in kept)
    {before}
    large_pages.settle_memory()
    assert gc.get_freeze_count() > 1000
    assert sum(len(one) for one in kept) == total and not any(any(one) for one in kept)
    for line in Path("/proc/self/smaps_rollup").read_text().splitlines():
        if line.startswith("AnonHugePages"):
            print(line.split()[1])
"""


def settled(before: str = "") -> str:
    code = textwrap.dedent(CODE).replace("{before}", before)
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout


@pytest.mark.skipif(
    sys.platform != "linux" or tuple(map(int, os.uname().release.split(".")[:2])) < (6, 1),
    reason="this system collapses no pages",
)
def test_what_is_there_lies_in_large_pages() -> None:
    setting = Path("/sys/kernel/mm/transparent_hugepage/enabled")
    if not setting.exists() or "[never]" in setting.read_text():
        pytest.skip("this system has no large pages")
    assert int(settled()) > 2_000  # kB, of 26,000


def test_what_is_mostly_empty_is_not_filled() -> None:
    code = """
        import mmap
        from pathlib import Path
        from tg.common.delivery.runtime.large_pages import settle_memory

        sparse = mmap.mmap(-1, 256 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        for start in range(0, 256 << 20, 2 << 20):
            sparse[start] = 1
        settle_memory()
        words = Path("/proc/self/status").read_text().split()
        print(words[words.index("VmRSS:") + 1])
    """
    run = [sys.executable, "-c", textwrap.dedent(code)]
    printed = subprocess.run(run, capture_output=True, text=True, check=True).stdout
    assert int(printed) < 150_000


@pytest.mark.parametrize(
    "before",
    [
        "large_pages._COLLAPSE = 999",
        "large_pages.Path = lambda _: Path('/nowhere')",
        "large_pages.ctypes.CDLL = lambda _: None",
    ],
)
def test_where_the_system_has_none_nothing_happens(before: str) -> None:
    settled(before)
