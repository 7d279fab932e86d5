"""Where the user's project is."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["Loc", "ProjectLocations"]

_MARKERS = ("environment.env", "pyproject.toml", "setup.py", "setup.cfg", ".git")


class ProjectLocations:
    """The folders of the user's project, looked up at each access.

    The root is ``TG_ROOT`` where that is set; else the nearest folder, from the working directory
    upwards, that holds an ``environment.env``, a ``pyproject.toml``, a ``setup.py``, a
    ``setup.cfg`` or a ``.git``; else the working directory. No folder is made here.

    Example
    -------
    >>> Loc.temp_path == Loc.root_path / "temp"
    True
    """

    @property
    def root_path(self) -> Path:
        """The root of the user's project."""
        configured = os.environ.get("TG_ROOT")
        if configured:
            return Path(configured).expanduser().resolve()
        here = Path.cwd()
        for folder in (here, *here.parents):
            if any((folder / marker).exists() for marker in _MARKERS):
                return folder
        return here

    @property
    def temp_path(self) -> Path:
        """Files that may be deleted at any time."""
        return self.root_path / "temp"

    @property
    def data_cache_path(self) -> Path:
        """Packages, results and downloaded data of this project."""
        return self.root_path / "data-cache"

    @property
    def user_cache_path(self) -> Path:
        """What all projects of this user share: environments and unpacked packages.

        ``TG_CACHE`` where that is set, else ``training-grounds`` in ``XDG_CACHE_HOME`` or
        ``~/.cache`` (XDG Base Directory Specification 0.8).
        """
        configured = os.environ.get("TG_CACHE")
        if configured:
            return Path(configured).expanduser().resolve()
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        return Path(base) / "training-grounds"

    def __repr__(self) -> str:
        return f"<Loc {self.root_path}>"


Loc = ProjectLocations()
