"""A sweep in pictures."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from ..._core.errors import ConfigError
from ..._core.suggestions import did_you_mean
from .axis_scale import AxisScale, is_drawable
from .metric_choice import chosen_metric, metric_names, train_and_test
from .picture import new_picture
from .picture_text import picture_text
from .table import parameter_names
from .task_row import TaskRow

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.cm import ScalarMappable
    from matplotlib.figure import Figure

__all__ = ["KINDS", "Curves", "SweepPlots"]

KINDS = ("by_parameter", "parallel", "curves", "overfit")

# of a metric and some tasks: the values of each in the order in which they were reported
Curves = Callable[[str, Sequence[str]], Mapping[str, Sequence[float]]]

_COLORS = "viridis"
_MOST_CURVES = 50  # more cannot be told apart
_MOST_IN_LEGEND = 10
_PANEL_INCHES = (4.0, 3.2)
_IN_A_ROW = 3


class SweepPlots:
    """Draws what has come out so far; tasks without the metric are left out.

    Parameters
    ----------
    rows
        The tasks.
    curves
        Gives the values of a metric for each of some tasks, which are named.

    Raises
    ------
    MissingDependencyError
        matplotlib is not installed; raised when something is drawn.
    """

    def __init__(self, rows: Sequence[TaskRow], curves: Curves) -> None:
        self._rows = rows
        self._curves = curves

    def by_parameter(self, metric: str | None = None) -> Figure:
        """Draw a metric against each parameter that varies.

        Raises
        ------
        ConfigError
            No task has the metric, or no parameter varies.
        """
        name, rows = self._with(metric)
        varying = _varying(rows)
        figure, panels = _panels(len(varying))
        for panel, parameter in zip(panels, varying, strict=True):
            scale = AxisScale([row.parameters.get(parameter) for row in rows])
            places = [scale.place(row.parameters.get(parameter)) for row in rows]
            panel.scatter(places, [row.metrics[name] for row in rows], alpha=0.7)
            panel.set_xlabel(picture_text(parameter))
            panel.set_ylabel(picture_text(name))
            scale.label(panel)
        return figure

    def parallel(self, metric: str | None = None) -> Figure:
        """Draw a line a task through all parameters that vary; its color is the metric.

        Raises
        ------
        ConfigError
            No task has the metric, or no parameter varies.
        """
        name, rows = self._with(metric)
        varying = _varying(rows)
        values = [row.metrics[name] for row in rows]
        figure, (panel,) = _panels(1, width=2.0 + 1.5 * (len(varying) + 1))
        color = _color_of(values)
        scales = [AxisScale([row.parameters.get(one) for row in rows]) for one in varying]
        last = AxisScale(values)
        shares = [
            [scale.share(row.parameters.get(one)) for row in rows]
            for one, scale in zip(varying, scales, strict=True)
        ]
        lines = list(zip(*shares, map(last.share, values), strict=True))
        _add_lines(panel, lines, [color.cmap(last.share(value)) for value in values])
        panel.set_xticks(range(len(varying) + 1), [*map(picture_text, [*varying, name])])
        panel.set_yticks([])
        for place, scale in enumerate([*scales, last]):
            for height, text in scale.marks():
                panel.annotate(text, (place, height), fontsize="x-small", ha="center")
        figure.colorbar(color, ax=panel, label=picture_text(name))
        return figure

    def curves(self, metric: str | None = None) -> Figure:
        """Draw how a metric went, a line a task, for those that reported it more than once.

        Raises
        ------
        ConfigError
            No task has the metric.
        """
        name, rows = self._with(metric)
        tasks = [row.name for row in rows if row.run_id]
        shown = self._curves(name, tasks[:_MOST_CURVES])
        lines = {task: _drawable(line) for task, line in shown.items() if len(line) > 1}
        figure, (panel,) = _panels(1)
        for task, line in lines.items():
            panel.plot(range(1, len(line) + 1), line, label=picture_text(task))
        panel.set_xlabel("report")
        panel.set_ylabel(picture_text(name))
        if not lines:
            panel.set_title("no task has reported it more than once", fontsize="small")
        elif len(tasks) > _MOST_CURVES:
            panel.set_title(f"the first {_MOST_CURVES} of {len(tasks)} tasks", fontsize="small")
        elif len(lines) <= _MOST_IN_LEGEND:
            panel.legend(fontsize="x-small")
        return figure

    def overfit(self, metric: str | None = None) -> Figure:
        """Draw metrics on train data against those on test data: far from the line is overfit.

        Parameters
        ----------
        metric
            What the two have in common, such as ``"r2"`` for ``r2_train`` and ``r2_test``; all
            such pairs if ``None``.

        Raises
        ------
        ConfigError
            There is no such pair.
        """
        pairs = train_and_test(metric_names(self._rows))
        if metric is not None:
            pairs = {common: pair for common, pair in pairs.items() if metric in (common, *pair)}
        if not pairs:
            raise ConfigError(
                f"no metric{f' {metric!r}' if metric else ''} is there for train and test data",
                hint="Report both, as NAME_train and NAME_test.",
            )
        figure, panels = _panels(len(pairs))
        for panel, (train, test) in zip(panels, pairs.values(), strict=True):
            rows = [row for row in self._rows if _are_numbers(row, train, test)]
            seen = [row.metrics[train] for row in rows]
            unseen = [row.metrics[test] for row in rows]
            panel.scatter(seen, unseen, alpha=0.7)
            if rows:
                start = (min([*seen, *unseen]),) * 2
                panel.axline(start, slope=1, color="grey", linewidth=0.8)
            panel.set_xlabel(picture_text(train))
            panel.set_ylabel(picture_text(test))
        return figure

    def draw(self, kind: str, metric: str | None = None) -> Figure:
        """Draw a picture that is named.

        Parameters
        ----------
        kind
            The method of this class that draws it.
        metric
            What it is about.

        Raises
        ------
        ConfigError
            There is no such kind, or nothing to be drawn.
        """
        if kind not in KINDS:
            raise ConfigError(
                f"no picture of a sweep is called {kind!r}",
                hint=did_you_mean(kind, KINDS, what="pictures"),
            )
        draw: Callable[[str | None], Figure] = getattr(self, kind)
        return draw(metric)

    def all(self, metric: str | None = None) -> dict[str, Figure]:
        """Draw all that there is something to be seen in, by kind."""
        figures = {}
        for kind in KINDS:
            about = None if kind == "overfit" else metric
            with contextlib.suppress(ConfigError):
                figures[kind] = self.draw(kind, about)
        return figures

    def _with(self, metric: str | None) -> tuple[str, list[TaskRow]]:
        name = chosen_metric(self._rows, metric)
        return name, [row for row in self._rows if _are_numbers(row, name)]


def _panels(count: int, width: float | None = None) -> tuple[Figure, list[Axes]]:
    across = min(count, _IN_A_ROW)
    down = math.ceil(count / across)
    figure = new_picture(width or _PANEL_INCHES[0] * across, _PANEL_INCHES[1] * down)
    return figure, [figure.add_subplot(down, across, place + 1) for place in range(count)]


def _add_lines(
    panel: Axes, lines: Sequence[Sequence[float]], colors: Sequence[tuple[float, ...]]
) -> None:
    """Draw lines that all have as many points: at once, as there may be thousands."""
    from matplotlib.collections import LineCollection  # noqa: PLC0415

    panel.add_collection(LineCollection([list(enumerate(one)) for one in lines], colors=colors))
    panel.set_xlim(-0.1, len(lines[0]) - 0.9)
    panel.set_ylim(-0.05, 1.05)


def _color_of(values: Sequence[float]) -> ScalarMappable:
    from matplotlib import colormaps  # noqa: PLC0415
    from matplotlib.cm import ScalarMappable  # noqa: PLC0415
    from matplotlib.colors import Normalize  # noqa: PLC0415

    return ScalarMappable(Normalize(min(values), max(values)), colormaps[_COLORS])


def _varying(rows: Sequence[TaskRow]) -> list[str]:
    """Name the parameters that differ; it is an error if none does."""
    varying = [
        name
        for name in parameter_names(rows)
        if len({str(row.parameters.get(name)) for row in rows}) > 1
    ]
    if not varying:
        raise ConfigError(
            "no parameter differs between the tasks that have ended",
            hint="Wait for more of them, or vary one.",
        )
    return varying


def _are_numbers(row: TaskRow, *names: str) -> bool:
    return all(is_drawable(row.metrics.get(name, math.nan)) for name in names)


def _drawable(line: Sequence[float]) -> list[float]:
    return [value if is_drawable(value) else math.nan for value in line]
