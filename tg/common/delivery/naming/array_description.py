"""The description of numpy's scalars and arrays, without importing numpy."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from ..._core.errors import NamingError
from .node import Node

__all__ = ["describe_array"]

# longer arrays are shown by their type and shape
_SHOWN_ELEMENTS = 8
_ARRAYS = ("ndarray", "matrix", "memmap")


def describe_array(value: Any, path: str, describe: Callable[[object, str], Node]) -> Node:
    """Describe a numpy scalar or array.

    Parameters
    ----------
    value
        A scalar or an array of any shape and dtype.
    path
        The parameter's name, for the error message.
    describe
        What describes the elements of an object array.

    Returns
    -------
    Node
        The dtype is part of it: ``np.float32(0.1)`` is not ``0.1``.

    Raises
    ------
    NamingError
        If it is an array of a kind that carries more than data, such as a masked one.
    """
    cls = type(value).__name__
    if value.shape == () and cls != "ndarray":
        label = _number(value) if value.dtype.kind in "biuf" else Node(kind="str", text=str(value))
        return Node(kind=f"numpy.{value.dtype.str}", text=str(value), label=label, exact=True)
    if cls not in _ARRAYS:
        raise NamingError(
            f"the value of {path} is a numpy {cls}, of which only the data would enter the name",
            hint="Give a plain array or a list.",
        )
    kind = f"numpy.{cls}[{value.dtype.str}]"
    shape = "x".join(map(str, value.shape))
    if value.dtype.hasobject:
        return Node(
            kind=kind,
            text=shape,
            parts=(describe(value.tolist(), path),),
            label=Node(kind="str", text=f"array{shape}"),
        )
    if value.ndim == 1 and 0 < value.size <= _SHOWN_ELEMENTS and value.dtype.kind in "biuf":
        elements = tuple(_number(element) for element in value)
        text = " ".join(element.text for element in elements)
        label = Node(kind="list", parts=elements)
        return Node(kind=kind, text=text, label=label, exact=True)
    return Node(
        kind=kind,
        text=f"{shape} {_content(value)}",
        label=Node(kind="str", text=f"{value.dtype.name}x{shape}"),
    )


def _content(value: Any) -> str:
    if value.dtype.char in "gG":
        # long doubles carry padding bytes of no meaning
        data = " ".join(str(element) for element in value.ravel()).encode()
    else:
        data = value.tobytes()
    return hashlib.sha256(data).hexdigest()


def _number(value: Any) -> Node:
    # numpy's str is the shortest text that reads back as the same number of this dtype
    text = str(value)
    if value.dtype.kind == "b":
        return Node(kind="bool", text=text.lower())
    return Node(kind="int" if value.dtype.kind in "iu" else "float", text=text)
