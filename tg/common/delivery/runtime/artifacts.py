"""Artifacts and checkpoints as files."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

from ..._core.errors import ConfigError
from ..._core.files import atomic_write
from .pickling import dump
from .renaming import ModuleRenaming
from .unpickling import unpickle

__all__ = ["ArtifactFolder", "CheckpointFolder"]

_PART = re.compile(r"[A-Za-z0-9_=+,@ -][A-Za-z0-9._=+,@ -]*\Z")


class ArtifactFolder:
    """Keeps values as files: data frames as parquet, everything else pickled.

    A frame that parquet cannot hold, with objects or mixed types in its cells, is pickled as well.

    Parameters
    ----------
    root
        The folder.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def store(self, path: Sequence[str | int], name: str, value: Any) -> Path:
        """Write a value, whole or not at all.

        Parameters
        ----------
        path
            Folders below the root.
        name
            The file's name without extension.
        value
            A ``pandas.DataFrame`` or any picklable object.

        Returns
        -------
        pathlib.Path
            The file without its extension.

        Raises
        ------
        ConfigError
            A part of the path cannot be the name of a file.
        """
        parts = [str(part) for part in (*path, name)]
        for part in parts:
            if not _PART.match(part):
                raise ConfigError(
                    f"the artifact {'/'.join(parts)!r} has {part!r} in its path",
                    hint="Use letters, digits, dots, dashes and underscores, and no leading dot.",
                )
        target = self.root.joinpath(*parts)
        target.parent.mkdir(parents=True, exist_ok=True)
        table = _as_parquet(value) if _is_data_frame(value) else None
        pickled, tabular = (target.with_name(name + suffix) for suffix in (".pkl", ".parquet"))
        if table is not None:
            atomic_write(tabular, table)
            pickled.unlink(missing_ok=True)  # what was stored under the name before
        else:
            atomic_write(pickled, lambda file: dump(value, file))
            tabular.unlink(missing_ok=True)
        return target


class CheckpointFolder:
    """Keeps what a restarted training needs.

    Parameters
    ----------
    root
        A folder that survives the training.
    renaming
        How modules are called here.
    """

    def __init__(self, root: Path, renaming: ModuleRenaming | None = None) -> None:
        self.root = root
        self._renaming = renaming

    def save(self, key: str, value: Any) -> None:
        """Write `value`, whole or not at all."""
        self.root.mkdir(parents=True, exist_ok=True)
        atomic_write(self._path(key), lambda file: dump(value, file))

    def load(self, key: str) -> Any | None:
        """Read what was saved, or give ``None``."""
        path = self._path(key)
        if not path.exists():
            return None
        return unpickle(path.read_bytes(), self._renaming)

    def _path(self, key: str) -> Path:
        if not _PART.match(key):
            raise ConfigError(
                f"the checkpoint key {key!r} cannot be the name of a file",
                hint="Use letters, digits, dots, dashes and underscores, and no leading dot.",
            )
        return self.root / f"{key}.pkl"


def _is_data_frame(value: object) -> bool:
    # whoever has a data frame has imported pandas: no other image needs it
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(value, pandas.DataFrame)


def _as_parquet(frame: Any) -> bytes | None:
    buffer = BytesIO()
    try:
        frame.to_parquet(buffer)
    except Exception:  # noqa: BLE001 whatever parquet or pandas objects to, pickle may hold
        return None
    return buffer.getvalue()
