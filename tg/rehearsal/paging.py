"""Long answers, one page after the other."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any

from .service_error import ServiceError

__all__ = ["page"]

_MOST, _USUAL = 100, 10


def page(name: str, entries: Sequence[Any], request: Mapping[str, Any]) -> dict[str, Any]:
    """Give one page of a listing.

    Parameters
    ----------
    name
        What the entries are called in the answer.
    entries
        All of them, in order.
    request
        Has ``MaxResults`` and ``NextToken``.

    Raises
    ------
    ServiceError
        ``ValidationException``: the token is none.

    Example
    -------
    >>> first = page("Jobs", [1, 2, 3], {"MaxResults": 2})
    >>> first["Jobs"], page("Jobs", [1, 2, 3], {"NextToken": first["NextToken"]})
    ([1, 2], {'Jobs': [3]})
    """
    start = _start(request.get("NextToken"))
    end = start + min(int(request.get("MaxResults", _USUAL)), _MOST)
    answer: dict[str, Any] = {name: list(entries[start:end])}
    if end < len(entries):
        answer["NextToken"] = base64.b64encode(str(end).encode()).decode()
    return answer


def _start(token: str | None) -> int:
    try:
        return int(base64.b64decode(token, validate=True)) if token else 0
    except (ValueError, binascii.Error) as exc:
        raise ServiceError("ValidationException", "Invalid pagination token.") from exc
