"""The way into a package that is importable here."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

from ..._core.errors import PythonVersionError, ResultError
from ...contract.manifest import PackageManifest
from .renaming import ModuleRenaming
from .unpickling import unpickle

__all__ = ["PAYLOAD_FILE", "EntryPoint"]

PAYLOAD_FILE = "payload.pkl"


class EntryPoint:
    """A package, found by the name of its root module.

    Parameters
    ----------
    module_name
        The root module as it is called here.
    any_python
        Open it also if another minor version of Python packed it: byte code in it will not run,
        classes from files will.

    Attributes
    ----------
    manifest
        What the package says of itself.
    module_name
        The root module as it is called here.

    Raises
    ------
    ImportError
        There is no such module.
    ProtocolError, FormatError
        It is not a package that this version reads.
    PythonVersionError
        Another minor version of Python packed it.
    """

    def __init__(self, module_name: str, *, any_python: bool = False) -> None:
        module = importlib.import_module(module_name)
        self.module_name = module_name
        self.resources_path = Path(module.__path__[0]) / "resources"
        manifest = self.resources_path / PackageManifest.FILE_NAME
        data = manifest.read_bytes() if manifest.is_file() else b""
        self.manifest = PackageManifest.from_json(data, where=str(manifest))
        here = f"{sys.version_info.major}.{sys.version_info.minor}"
        if self.manifest.python != here and not any_python:
            raise PythonVersionError(
                f"package {self.manifest.module_name} was made by Python {self.manifest.python}, "
                f"this is {here}",
                hint=f"Open it with Python {self.manifest.python}, or try any_python=True.",
            )

    @property
    def renaming(self) -> ModuleRenaming:
        """From names at packing time to names here."""
        old_root = self.manifest.module_name
        names = {name: f"{self.module_name}.{name}" for name in self.manifest.travellers}
        return ModuleRenaming({**names, old_root: self.module_name})

    @property
    def properties(self) -> dict[str, str]:
        """What is known of the package, in the documented words."""
        return self.manifest.properties(self.module_name, str(self.resources_path))

    def load_payload(self) -> dict[str, Any]:
        """Unpickle all that the package was made for."""
        data = (self.resources_path / PAYLOAD_FILE).read_bytes()
        payload: dict[str, Any] = unpickle(data, self.renaming, python=self.manifest.python)
        return payload

    def load_resource(self, key: str = "job") -> Any:
        """Unpickle one object of the payload.

        Raises
        ------
        ResultError
            The payload has no such key.
        """
        payload = self.load_payload()
        if key not in payload:
            raise ResultError(
                f"package {self.manifest.module_name} has no {key!r}",
                hint=f"It has: {', '.join(payload)}.",
            )
        return payload[key]

    def __repr__(self) -> str:
        return f"<EntryPoint {self.module_name}: {', '.join(self.manifest.payload_keys)}>"
