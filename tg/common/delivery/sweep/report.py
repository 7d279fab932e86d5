"""A sweep as one HTML file."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ..._core.errors import ConfigError
from ..._core.files import atomic_write
from ..._core.templates import read_template, render
from .best import best_rows
from .metric_choice import chosen_metric
from .plots import SweepPlots
from .status import SweepStatus
from .table import sweep_table
from .task_row import TaskRow

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

__all__ = ["write_report"]

_BEST = 10
_TEMPLATE = "sweep/report.html"
_TITLES = {
    "by_parameter": "By parameter",
    "parallel": "All parameters together",
    "curves": "Learning curves",
    "overfit": "Train against test",
}


def write_report(
    path: Path,
    status: SweepStatus,
    rows: Sequence[TaskRow],
    plots: SweepPlots,
    *,
    metric: str | None = None,
    higher_is_better: bool = True,
    now: datetime | None = None,
) -> Path:
    """Write a file that needs nothing else: no other file, no network.

    Parameters
    ----------
    path
        Where to; what is there is replaced, when the new one is whole.
    status
        How far the sweep is.
    rows
        Its tasks.
    plots
        Draws them.
    metric
        What they are compared by, see :func:`.metric_choice.chosen_metric`.
    higher_is_better
        Whether the best have the greatest values.
    now
        The time that it is given.

    Raises
    ------
    ConfigError
        No task has such a metric.
    StorageError
        The file cannot be written.
    MissingDependencyError
        matplotlib is not installed.
    """
    made = (now or datetime.now(UTC)).strftime("%Y-%m-%d %H:%M UTC")
    shown = str(status).removeprefix("<sweep ").removesuffix(">")
    values = {
        "title": html.escape(f"Sweep {status.name}"),
        "note": html.escape(f"{shown}. Written {made}."),
        "best": _best(rows, metric, higher_is_better),
        "plots": "\n".join(_figure(*pair) for pair in plots.all(metric).items())
        or "<p>There is nothing to be drawn yet.</p>",
        "table": _table(sweep_table(rows)),
    }
    text = render(read_template(_TEMPLATE), values, name=_TEMPLATE, required=values)
    atomic_write(path, text.encode())
    return path


def _best(rows: Sequence[TaskRow], metric: str | None, higher_is_better: bool) -> str:
    try:
        name = chosen_metric(rows, metric)
    except ConfigError:
        if metric is not None:
            raise
        return "<p>No metric was named, and there is not just one.</p>"
    found = best_rows(rows, name, count=_BEST, higher_is_better=higher_is_better)
    order = "highest" if higher_is_better else "lowest"
    return f"<p>By the {order} {html.escape(name)}:</p>\n{_table(sweep_table(found))}"


def _table(table: pd.DataFrame) -> str:
    shown = table.reset_index().dropna(axis="columns", how="all")
    shown = shown.loc[:, [name for name in shown if not (shown[name] == "").all()]]
    text: str = shown.to_html(index=False, border=0, na_rep="", float_format=_number, escape=True)
    return text


def _number(value: float) -> str:
    return f"{value:.6g}"


def _figure(name: str, figure: Figure) -> str:
    from matplotlib import rc_context  # noqa: PLC0415 - an extra, which drew the figure

    stream = io.BytesIO()
    # without a date and with ids that are no random ones: the same sweep and time, the same file
    with rc_context({"svg.hashsalt": name}):
        figure.savefig(stream, format="svg", metadata={"Date": None})
    data = base64.b64encode(stream.getvalue()).decode()
    title = html.escape(_TITLES[name])
    return (
        f'<figure id="{name}"><figcaption>{title}</figcaption>'
        f'<img alt="{title}" src="data:image/svg+xml;base64,{data}"></figure>'
    )
