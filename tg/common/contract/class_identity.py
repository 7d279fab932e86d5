"""Classes that travel by value, by the identity they travel under."""

from __future__ import annotations

import weakref

__all__ = ["class_of", "register_class"]

# What comes back is an object of the very class that was sent, as far as this process still has it.
_CLASSES: weakref.WeakValueDictionary[str, type] = weakref.WeakValueDictionary()


def register_class(identity: str, cls: type) -> None:
    """Have objects that arrive under `identity` be objects of `cls`."""
    _CLASSES[identity] = cls


def class_of(identity: str) -> type | None:
    """Give the class that was registered and is still alive."""
    return _CLASSES.get(identity)
