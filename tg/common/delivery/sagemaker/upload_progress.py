"""How far an upload is, for who waits for it."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Iterator
from typing import Any

__all__ = ["upload_progress"]

_LARGE_BYTES = 32 << 20  # some seconds; what takes less needs no bar


@contextlib.contextmanager
def upload_progress(
    *, silent: bool = False, large_bytes: int = _LARGE_BYTES
) -> Iterator[Callable[[int, int], None] | None]:
    """Give what shows a bar, once something large is really sent.

    Parameters
    ----------
    silent
        Whether to show nothing at all.
    large_bytes
        From how many bytes on a bar is shown.

    Example
    -------
    >>> with upload_progress(silent=True) as on_progress:
    ...     on_progress is None
    True
    """
    if silent:
        yield None
        return
    bar = _Bar(large_bytes)
    try:
        yield bar.show
    finally:
        bar.close()


class _Bar:
    def __init__(self, large_bytes: int) -> None:
        self._large_bytes = large_bytes
        self._bar: Any = None

    def show(self, sent: int, total: int) -> None:
        if total < self._large_bytes:
            return
        if self._bar is None:
            self._bar = _tqdm()(total=total, unit="B", unit_scale=True, desc="data to S3")
        self._bar.update(sent - self._bar.n)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()


def _tqdm() -> Any:
    with warnings.catch_warnings():
        # In a notebook without ipywidgets tqdm draws its bar as text, and warns that it does.
        warnings.simplefilter("ignore")
        from tqdm.auto import tqdm  # noqa: PLC0415 (few submissions send anything)
    return tqdm
