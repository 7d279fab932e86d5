"""The metric by which the tasks of a sweep are compared."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..._core.errors import ConfigError
from ..._core.suggestions import did_you_mean
from .task_row import TaskRow

__all__ = ["chosen_metric", "metric_names", "train_and_test"]

# how train and test metrics of one kind differ, here and in the libraries that users know
_TRAIN, _TEST = "train", ("test", "valid", "validation", "val", "eval")


def metric_names(rows: Iterable[TaskRow]) -> list[str]:
    """Name all metrics, in the order in which the tasks first have them."""
    return list(dict.fromkeys(name for row in rows for name in row.metrics))


def chosen_metric(rows: Iterable[TaskRow], metric: str | None = None) -> str:
    """Give the metric that is meant.

    Parameters
    ----------
    rows
        The tasks.
    metric
        Its name. If ``None``, the only metric, or the only one on data not trained on, that has
        ``test`` or ``valid`` in its name.

    Raises
    ------
    ConfigError
        No task has such a metric, or there are several.

    Example
    -------
    >>> chosen_metric([TaskRow(number=0, name="a", metrics={"loss_train": 1, "loss_test": 2})])
    'loss_test'
    """
    names = metric_names(rows)
    if metric is not None:
        if metric not in names:
            raise ConfigError(
                f"no task has reported the metric {metric!r}",
                hint=did_you_mean(metric, names, what="metrics"),
            )
        return metric
    unseen = [name for name in names if any(_has_word(name, word) for word in _TEST)]
    for candidates in (names, unseen):
        if len(candidates) == 1:
            return candidates[0]
    raise ConfigError(
        f"there are {len(names) or 'no'} metrics to choose from",
        hint=f"Name one of them: {', '.join(names)}." if names else "No task has reported any yet.",
    )


def train_and_test(names: Iterable[str]) -> Mapping[str, tuple[str, str]]:
    """Find the metrics that are there for both train and test data.

    Returns
    -------
    Mapping
        What they have in common, to the two names.

    Example
    -------
    >>> dict(train_and_test(["r2_train", "r2_test", "seconds"]))
    {'r2': ('r2_train', 'r2_test')}
    """
    known = list(names)
    pairs: dict[str, tuple[str, str]] = {}
    for name in known:
        words = name.split("_")
        if _TRAIN not in words:
            continue
        place = words.index(_TRAIN)
        common = "_".join([*words[:place], *words[place + 1 :]])
        for test in _TEST:
            other = "_".join([*words[:place], test, *words[place + 1 :]])
            if other in known:
                pairs.setdefault(common or name, (name, other))
    return pairs


def _has_word(name: str, word: str) -> bool:
    return word in name.split("_")
