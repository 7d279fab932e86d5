"""How long 100,000 names take, beside joining the same values without any care.

Prints a table; exits with 1 if a name is illegal, two are alike, or a limit is passed.
"""

from __future__ import annotations

import itertools
import statistics
import sys
import time
from collections.abc import Callable, Sequence

from tg.common.delivery.naming import DOCKER_TAG, PYTHON_MODULE, SAGEMAKER_JOB, Target
from tg.common.delivery.sagemaker.autonamer import Autonamer

LIMIT_SECONDS = 2.0
REPEATS = 5

SHORT = {
    "learning_rate": [number / 10_000 for number in range(1, 101)],
    "batch_size": list(range(16, 116)),
    "optimizer": ["adam", "sgd", "RMSprop", None, "ada_grad"],
    "network_size": [[10], [10, 5]],
}
LONG = {**SHORT, "network_size": [list(range(20)), list(range(21))]}
CASES: list[tuple[str, dict[str, list[object]], str | None, Target]] = [
    ("SageMaker job", SHORT, None, SAGEMAKER_JOB),
    ("SageMaker job, all shortened", LONG, "titanic-survival", SAGEMAKER_JOB),
    ("Docker tag", SHORT, None, DOCKER_TAG),
    ("Python module", SHORT, None, PYTHON_MODULE),
]


def timed(
    call: Callable[..., Sequence[str]], *args: object, **grid: object
) -> tuple[float, Sequence[str]]:
    start = time.perf_counter()
    result = call(*args, **grid)
    return time.perf_counter() - start, result


def careless(grid: dict[str, list[object]]) -> list[str]:
    return [
        f"LR{rate}-BS{batch}-O{optimizer}-NS{'-'.join(map(str, sizes))}"
        for rate, batch, optimizer, sizes in itertools.product(*grid.values())
    ]


def build(**parameters: object) -> None:
    raise RuntimeError(f"naming must not build: {parameters}")


def main() -> int:
    failed = False
    print(f"{'100,000 names':30} {'seconds':>8} {'f-string':>9} {'ratio':>6}  unique  legal")
    for title, grid, prefix, target in CASES:
        namer = Autonamer(build, prefix=prefix, target=target)
        # interleaved, so that a busy machine slows both
        pairs = [(timed(namer.names, **grid), timed(careless, grid)) for _ in range(REPEATS)]
        names = pairs[0][0][1]
        seconds = statistics.median(ours for (ours, _), _ in pairs)
        plain = statistics.median(theirs for _, (theirs, _) in pairs)
        unique = len({name.lower() for name in names}) == len(names) == 100_000
        legal = all(target.is_legal(name) for name in names)
        failed |= not (unique and legal and seconds <= LIMIT_SECONDS)
        print(
            f"{title:30} {seconds:8.3f} {plain:9.3f} {seconds / plain:6.2f}"
            f"  {unique!s:6}  {legal!s:6}"
        )
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
