"""What the text of an IAM policy allows and forbids."""

from __future__ import annotations

import json
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

__all__ = ["ALLOWED", "DENIED", "NEUTRAL", "verdict"]

ALLOWED, DENIED, NEUTRAL = "allowed", "explicitDeny", "implicitDeny"


def verdict(
    document: str, action: str, resource: str, context: Mapping[str, str] | None = None
) -> str:
    """Read one policy.

    After the IAM user guide, Policy evaluation logic and IAM JSON policy elements. Conditions of
    the kinds ``StringEquals`` and ``StringLike`` are understood; a statement with another one, or
    with one that `context` does not fulfil, does not count.

    Parameters
    ----------
    document
        The policy, as JSON.
    action
        Such as ``s3:PutObject``.
    resource
        What it would be done to.
    context
        Key to value, such as ``iam:PassedToService``.

    Returns
    -------
    str
        `ALLOWED`, `DENIED` or `NEUTRAL`.

    Example
    -------
    >>> statement = {"Effect": "Allow", "Action": "s3:Get*", "Resource": "arn:aws:s3:::mine/*"}
    >>> policy = json.dumps({"Statement": statement})
    >>> verdict(policy, "s3:GetObject", "arn:aws:s3:::mine/a")
    'allowed'
    >>> verdict(policy, "s3:PutObject", "arn:aws:s3:::mine/a")
    'implicitDeny'
    """
    found = {
        statement["Effect"]
        for statement in _listed(json.loads(document).get("Statement", []))
        if _concerns(statement, action, resource, context or {})
    }
    if "Deny" in found:
        return DENIED
    return ALLOWED if "Allow" in found else NEUTRAL


def _concerns(
    statement: Mapping[str, Any], action: str, resource: str, context: Mapping[str, str]
) -> bool:
    return (
        _fits(statement, "Action", action.lower(), is_folded=True)
        and _fits(statement, "Resource", resource)
        and all(
            _holds(kind, keys, context) for kind, keys in statement.get("Condition", {}).items()
        )
    )


def _fits(statement: Mapping[str, Any], key: str, value: str, *, is_folded: bool = False) -> bool:
    """Whether an element names a value, or its negation does not."""
    patterns = _listed(statement.get(key, statement.get(f"Not{key}", [])))
    is_named = any(_matches(each.lower() if is_folded else each, value) for each in patterns)
    return is_named if key in statement else not is_named


def _holds(kind: str, keys: Mapping[str, Any], context: Mapping[str, str]) -> bool:
    if kind not in ("StringEquals", "StringLike"):
        return False
    known = {key.lower(): value for key, value in context.items()}
    is_met = _matches if kind == "StringLike" else str.__eq__
    return all(
        any(is_met(wanted, known[key.lower()]) for wanted in _listed(values))
        if key.lower() in known
        else False
        for key, values in keys.items()
    )


def _matches(pattern: str, value: str) -> bool:
    # brackets mean nothing there
    return fnmatchcase(value, pattern.replace("[", "[[]"))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
