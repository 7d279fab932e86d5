"""What a sweep is called that was given no name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import takewhile

from ...contract.task import TrainingTask

__all__ = ["sweep_title"]

_WORD = re.compile(r"[^\W_]+")


def sweep_title(tasks: Mapping[str, TrainingTask]) -> str:
    """Give what the user would call tasks together, whatever their order.

    Parameters
    ----------
    tasks
        Name to task, one or more.

    Returns
    -------
    str
        The words that all names begin with, such as an autonamer's prefix; if there are none, what
        the tasks are: the function that they call, or else their class.

    Example
    -------
    >>> from tg.common.ml.training_core import FunctionTask
    >>> task = FunctionTask(lambda data, env: None)
    >>> sweep_title({"ridge-A0p1": task, "ridge-A0p01": task})
    'ridge'
    """
    columns = zip(*(_WORD.findall(name) for name in tasks), strict=False)
    shared = [words[0] for words in takewhile(lambda words: len(set(words)) == 1, columns)]
    return "-".join(shared) or min(_kind(task) for task in tasks.values())


def _kind(task: TrainingTask) -> str:
    # the class that wraps any function says nothing of it
    name = getattr(getattr(task, "function", None), "__name__", "")
    return name if name.isidentifier() else type(task).__name__
