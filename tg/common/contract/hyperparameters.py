"""Hyperparameters that reach a task as text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["apply_hyperparameters"]


def apply_hyperparameters(target: object, values: Mapping[str, Any]) -> dict[str, Any]:
    """Set fields of `target` from ``path.to.field:type`` keys."""
    raise NotImplementedError
