"""The line in a log that reports a metric."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

__all__ = ["METRIC_MARK", "metric_line", "metric_pattern", "metric_values", "reported_metrics"]

METRIC_MARK = "###METRIC###"
_END = "###"
# names may have colons, values have none
_METRIC = re.compile(f"{METRIC_MARK}(.+?):([^:]*?){_END}")


def metric_line(name: str, value: float) -> str:
    """Give what a training writes, as documented.

    Every place where a training runs on its own writes it; in memory, where nobody searches a log,
    the line is ``###NAME:VALUE``.

    Example
    -------
    >>> metric_line("loss", 0.5)
    '###METRIC###loss:0.5###'
    """
    return f"{METRIC_MARK}{name}:{value}{_END}"


def metric_pattern(name: str) -> str:
    """Give the regular expression that finds the values of one metric in a log.

    Example
    -------
    >>> re.findall(metric_pattern("loss"), "###METRIC###loss:0.5###")
    ['0.5']
    """
    return f"{METRIC_MARK}{re.escape(name)}:(.*?){_END}"


def reported_metrics(line: str) -> Iterator[tuple[str, float]]:
    """Find the metrics in a line, whatever stands around them.

    What is no number is passed over, as SageMaker does.

    Example
    -------
    >>> list(reported_metrics("2022-12-20 16:37:44.614647 INFO: ###METRIC###loss:0.5###"))
    [('loss', 0.5)]
    >>> list(reported_metrics("###METRIC###loss:low###"))
    []
    """
    for name, text in _METRIC.findall(line):
        try:
            yield name, float(text)
        except ValueError:
            continue


def metric_values(lines: Iterable[str]) -> dict[str, list[float]]:
    """Collect the values of each metric, in the order of the lines.

    Example
    -------
    >>> metric_values(["###METRIC###loss:0.5###", "warming up", "###METRIC###loss:0.25###"])
    {'loss': [0.5, 0.25]}
    """
    values: dict[str, list[float]] = {}
    for line in lines:
        for name, value in reported_metrics(line):
            values.setdefault(name, []).append(value)
    return values
