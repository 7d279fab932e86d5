"""Data as a task gets them: in memory, or as the path of a file or folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from ..._core.errors import DataError, DatasetNotFoundError

__all__ = ["read_data"]

_PARQUET = (".parquet", ".pq")
_CSV = (".csv", ".csv.gz")


def read_data(data: Any) -> Any:
    """Read a data frame where `data` is the path of one.

    Parameters
    ----------
    data
        A data frame, a path as ``pathlib.Path`` or text, or anything else.

    Returns
    -------
    DataFrame or object
        The frame of a ``.parquet`` or ``.csv`` file or of a folder with nothing but parquet files
        (hidden ones aside; in the order of their paths); any other path, as a
        ``pathlib.Path``, and any other object as it is.

    Raises
    ------
    DatasetNotFoundError
        There is nothing at the path.
    DataError
        The file cannot be read.

    Example
    -------
    >>> read_data(pd.DataFrame({"x": [1]}))
       x
    0  1
    >>> read_data("nowhere.csv")
    Traceback (most recent call last):
        ...
    tg.common._core.errors.DatasetNotFoundError: there is no dataset 'nowhere.csv'
    """
    if not isinstance(data, str | Path):
        return data
    path = Path(data)
    if not path.exists():
        beside = sorted(p.name for p in path.parent.glob("*")) if path.parent.is_dir() else []
        hint = f"Beside it there are: {', '.join(beside[:8])}." if beside and path.name else ""
        if path.parent == Path():
            hint = ""  # the working directory is not where datasets are listed
        raise DatasetNotFoundError(f"there is no dataset {str(data)!r}", hint=hint)
    try:
        if path.is_dir():
            return _read_folder(path)
        if path.name.endswith(_PARQUET):
            return pd.read_parquet(path)
        if path.name.endswith(_CSV):
            return pd.read_csv(path)
    except (OSError, ValueError) as exc:  # pyarrow's and pandas' errors are among these
        raise DataError(
            f"the dataset {str(path)!r} cannot be read: {exc}",
            hint="Is it whole, and of the format that its name says?",
        ) from exc
    return path


def _read_folder(path: Path) -> Any:
    files = [
        file
        for file in sorted(path.rglob("*"))
        if file.is_file()
        and not any(part.startswith((".", "_")) for part in file.relative_to(path).parts)
    ]
    if not files or not all(file.name.endswith(_PARQUET) for file in files):
        return path
    return pd.read_parquet(path)
