"""Results, opened without unpacking them."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import html
import json
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ..._core.errors import ConfigError, FormatError, ResultError
from ..._core.files import atomic_folder
from ..._core.loc import Loc
from ...contract.manifest import MetricsManifest, ResultManifest
from ..runtime.entry_point import EntryPoint
from ..runtime.package_archive import load_package
from ..runtime.renaming import ModuleRenaming
from ..runtime.result_folder import PACKAGE_FILE
from ..runtime.unpickling import unpickle
from .result_source import LocalArchive, ResultFiles, ResultSource

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ResultLoader"]

_PACKAGE_FILES = (PACKAGE_FILE, "package.tar.gz")
_PROPERTIES = "package.json"
_FIRST = (*_PACKAGE_FILES, "task.json", _PROPERTIES, "manifest.json", "metrics.json")

Code = Literal["today", "package"]


class ResultLoader:
    """Opens the archive of a result, ``model.tar.gz``, one artifact at a time.

    Of a result far away only what is asked for is fetched, and the whole of it by `path`.

    Unpickling runs code that the result names: open only what you trust. Metrics, manifest and
    tables are plain data.

    Parameters
    ----------
    path
        The archive; or another place that a result is read from.
    any_python
        Whether to open pickles also if another minor version of Python wrote them.

    Raises
    ------
    ArchiveError
        The archive is not there, truncated or hostile.
    """

    def __init__(self, path: Path | str | ResultSource, *, any_python: bool = False) -> None:
        self._source = LocalArchive(Path(path)) if isinstance(path, (str, Path)) else path
        self._any_python = any_python
        _ = self._files  # one that is damaged or not there is told at once

    @property
    def path(self) -> Path:
        """The archive on this machine; of a result far away the whole is fetched, once."""
        return self._source.fetch()

    @property
    def _files(self) -> ResultFiles:
        return self._source.files()

    def __reduce__(self) -> tuple[object, ...]:
        return functools.partial(type(self), any_python=self._any_python), (self._source,)

    def list(self) -> list[str]:
        """Name everything in the result, folders with a slash at the end, as it is documented."""
        names: set[str] = set()
        for entry in self._files.entries():
            parts = entry.name.split("/")
            names.update("/".join(parts[:i]) + "/" for i in range(1, len(parts)))
            names.add(entry.name + "/" if entry.is_dir else entry.name)
        order = {name: number for number, name in enumerate(_FIRST)}
        return sorted(names, key=lambda name: (order.get(name, len(order)), name))

    def get_path(self, name: str) -> Path:
        """Unpack one file, or one folder with all that is in it, and give its path.

        Parameters
        ----------
        name
            As :meth:`list` has it.

        Raises
        ------
        ResultError
            The result has no such name.
        ArchiveError
            The archive is damaged.
        """
        name = name.rstrip("/")
        file = self._cache_folder / "files" / name
        if file.is_file():
            return file
        folder = self._cache_folder / "folders" / name.replace("/", "%")
        if folder.is_dir():
            return folder / name
        if not self._files.is_folder(name):
            return self._files.extract(name, self._cache_folder / "files")
        with atomic_folder(folder) as fresh:
            self._files.extract(name, fresh)
        return folder / name

    def unpickle(self, name: str, code: Code = "today") -> Any:
        """Read a pickled artifact, whatever its modules were called.

        Parameters
        ----------
        name
            The artifact, such as ``"runs/0/model.pkl"``.
        code
            ``"today"`` for the classes of this process, ``"package"`` for those that made the
            result, beside today's.

        Raises
        ------
        ResultError
            There is no such artifact, or its classes are not to be had.
        """
        if code not in ("today", "package"):
            raise ConfigError(f"code={code!r}", hint="Use code='today' or code='package'.")
        data = self._files.read(name)
        python = self._origin[1]
        return unpickle(data, self._renaming(code), live=code == "today", python=python)

    @cached_property
    def manifest(self) -> ResultManifest:
        """What the result says of itself.

        Raises
        ------
        ResultError
            The result has no manifest.
        ProtocolError
            A newer version of this library wrote it.
        """
        name = ResultManifest.FILE_NAME
        return ResultManifest.from_json(
            self._files.read(name), where=f"{self._source.label}/{name}"
        )

    @cached_property
    def metrics(self) -> dict[str, float]:
        """The metrics of the whole training, by name."""
        name = MetricsManifest.FILE_NAME
        data = self._files.read(name)
        return dict(MetricsManifest.from_json(data, where=f"{self._source.label}/{name}").metrics)

    @property
    def result_df(self) -> pd.DataFrame:
        """The table of the first run: true and predicted values."""
        return self.result_df_of(0)

    def result_df_of(self, run: int) -> pd.DataFrame:
        """Give the table of one run, that is of one fold."""
        import pandas  # noqa: PLC0415 listing a result or reading its metrics needs no pandas

        name = f"runs/{run}/result_df"
        try:
            path = self.get_path(f"{name}.parquet")
        except ResultError:
            if f"{name}.pkl" not in self.list():
                raise
            frame: pd.DataFrame = self.unpickle(f"{name}.pkl")  # parquet could not hold it
            return frame
        try:
            return pandas.read_parquet(path)
        except (OSError, ValueError) as exc:
            raise ResultError(
                f"{self._source.label}/{name}.parquet is no parquet file: {exc}",
                hint="The result is damaged, or was not made by this library.",
            ) from exc

    @property
    def model(self) -> Any:
        """The model of the first run, with today's code."""
        return self.unpickle("runs/0/model.pkl")

    @property
    def task(self) -> Any:
        """The task of the first run, with today's code."""
        return self.unpickle("runs/0/training_task.pkl")

    @cached_property
    def package(self) -> EntryPoint:
        """The package that made the result, importable beside today's code."""
        return load_package(self.package_path, any_python=self._any_python)

    @property
    def package_path(self) -> Path:
        """The archive of the package that made the result."""
        for name in _PACKAGE_FILES:
            with contextlib.suppress(ResultError):
                return self.get_path(name)
        raise ResultError(
            f"{self._source.label} does not hold the package that made it",
            hint="It can only be opened with today's code.",
        )

    def __repr__(self) -> str:
        return f"<ResultLoader {self._source.label}>"

    def _repr_html_(self) -> str:
        """Show metrics and names in a notebook."""
        rows = "".join(
            f"<tr><td>{html.escape(name)}</td><td>{value:.6g}</td></tr>"
            for name, value in self.metrics.items()
        )
        names = "\n".join(html.escape(name) for name in self.list())
        title = html.escape(str(self.manifest.package.get("module_name", "")))
        return (
            f"<b>{title}</b><table><tr><th>metric</th><th>value</th></tr>{rows}</table>"
            f"<details><summary>{html.escape(self._source.label)}</summary><pre>{names}</pre></details>"
        )

    def _renaming(self, code: Code) -> ModuleRenaming:
        if code == "package":
            return self.package.renaming
        return ModuleRenaming({self._origin[0]: ""})

    @cached_property
    def _origin(self) -> tuple[str, str | None]:
        """What the package was called where the training ran, and its Python if that is known."""
        try:
            return self.manifest.package_manifest.module_name, self.manifest.python
        except ResultError as exc:
            missing = exc
        # a training that did not come to its end: the manifest is written last
        try:
            properties = json.loads(self._files.read(_PROPERTIES))
            return str(properties["module_name"]), None
        except ResultError:
            raise missing from None
        except (ValueError, KeyError, TypeError) as exc:
            raise FormatError(
                f"{self._source.label}/{_PROPERTIES} cannot be read: {exc!r}",
                hint="The result is damaged, or was not made by this library.",
            ) from exc

    @cached_property
    def _cache_folder(self) -> Path:
        digest = hashlib.sha256(self._source.identity.encode()).hexdigest()[:32]
        return Loc.user_cache_path / "results" / digest
