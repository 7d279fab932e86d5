"""The account that a rehearsal plays."""

from __future__ import annotations

__all__ = ["ACCOUNT", "account_of"]

# moto's own account (moto, Multi account support)
ACCOUNT = "123456789012"


def account_of(arn: str) -> str:
    """Give the account of an ARN.

    Example
    -------
    >>> account_of("arn:aws:iam::123456789012:role/trainer")
    '123456789012'
    """
    return arn.split(":")[4]
