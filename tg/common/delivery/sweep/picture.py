"""A figure that notebooks show."""

from __future__ import annotations

import functools
import io
from typing import TYPE_CHECKING

from ..._core.errors import MissingDependencyError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["new_picture"]


def new_picture(width_inches: float, height_inches: float) -> Figure:
    """Make an empty figure that belongs to no window, and that a notebook shows as its value.

    Raises
    ------
    MissingDependencyError
        matplotlib is not installed.
    """
    size = (width_inches, height_inches)
    return _picture_class()(figsize=size, layout="constrained")


@functools.cache
def _picture_class() -> type[Figure]:
    try:
        from matplotlib.figure import Figure  # noqa: PLC0415 an optional library
    except ImportError as exc:
        raise MissingDependencyError(
            "plots need matplotlib, which is not installed",
            hint="Install it: pip install 'training-grounds[plot]'.",
        ) from exc

    class Picture(Figure):
        def _repr_png_(self) -> bytes:
            stream = io.BytesIO()
            self.savefig(stream, format="png")
            return stream.getvalue()

    return Picture
