"""A registry of images on this machine, with a login: the rehearsal's, with a known password."""

from __future__ import annotations

import re
from pathlib import Path
from types import TracebackType
from typing import Self

import pytest

from tg.common._core.errors import MissingDependencyError
from tg.rehearsal.registry import USER, ImageRegistry

__all__ = ["PASSWORD", "USER", "LocalRegistry"]

PASSWORD = "123456789012-auth-token"  # what the offline AWS gives out
_REQUEST = re.compile(r'"([A-Z]+) (/v2/\S*) HTTP/[\d.]+" (\d+)')


class LocalRegistry:
    """Runs a registry, as a context.

    Parameters
    ----------
    folder
        An empty folder.
    """

    def __init__(self, folder: Path) -> None:
        self._registry = ImageRegistry(folder, password=PASSWORD)

    def __enter__(self) -> Self:
        try:
            _ = self._registry.host
        except MissingDependencyError as exc:
            pytest.skip(str(exc))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._registry.stop()

    @property
    def host(self) -> str:
        """Its address."""
        return self._registry.host

    @property
    def log(self) -> str:
        """All that it wrote."""
        return self._registry.log

    def requests(self) -> list[tuple[str, str, int]]:
        """Give the method, the path and the status of all requests so far."""
        return [(m, path, int(status)) for m, path, status in _REQUEST.findall(self.log)]
