"""Two sides of a benchmark, run in turn, and their ratio."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable


def seconds_of(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def compare(
    title: str,
    ours: Callable[[], float],
    theirs: Callable[[], float],
    *,
    rounds: int,
    target: str,
) -> float:
    """Run both in turn, so that a busy machine slows both, and print medians.

    Parameters
    ----------
    title
        What is compared with what.
    ours, theirs
        Each does its work once and gives the seconds that it took.
    rounds
        How often.
    target
        What the ratio ours / theirs should be, for the reader.
    """
    pairs = [(ours(), theirs()) for _ in range(rounds)]
    return report(title, [a for a, _ in pairs], [b for _, b in pairs], target=target)


def report(title: str, ours: list[float], theirs: list[float], *, target: str) -> float:
    """Print a line, and give the median of the ratios pair by pair."""
    ratio = statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
    sides = " ".join(f"{statistics.median(side) * 1e3:9.1f} ms" for side in (ours, theirs))
    print(f"{title:62} {sides} {ratio:8.3f}  (target {target})", flush=True)
    return ratio
