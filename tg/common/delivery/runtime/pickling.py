"""Pickling of artifacts."""

from __future__ import annotations

from typing import Any, BinaryIO

import cloudpickle

from ...contract.by_value import reduce_specially, with_identity

__all__ = ["dump"]


def dump(value: object, file: BinaryIO) -> None:
    """Pickle `value`: classes and functions of ``__main__`` by value, all others by name."""
    _ArtifactPickler(file).dump(value)


class _ArtifactPickler(cloudpickle.Pickler):  # type: ignore[misc] # it ships no types
    """Adds to cloudpickle where a class stands in its module."""

    def reducer_override(self, obj: Any) -> Any:
        special = reduce_specially(obj)
        if special is not None:
            return special
        reduced = super().reducer_override(obj)
        return with_identity(obj, reduced, lambda tracked: f"{tracked.partition(':')[0]}")
