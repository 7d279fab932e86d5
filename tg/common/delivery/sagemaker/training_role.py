"""The role that a training takes."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from ..._core.errors import ConfigError
from ..._core.loc import Loc

__all__ = ["SAGEMAKER_SERVICE", "RoleArn", "configured_role", "lets_take"]

SAGEMAKER_SERVICE = "sagemaker.amazonaws.com"
_ARN = re.compile(r"arn:aws[a-z-]*:iam::(\d{12}):role/(?:[\w+=,.@/-]*/)?([\w+=,.@-]+)\Z")
_LINE = re.compile(r"^\s*(?:export\s+)?AWS_ROLE\s*=\s*(['\"]?)(.*?)\1\s*$", re.MULTILINE)
_TAKE = "sts:AssumeRole"


@dataclass(frozen=True, kw_only=True)
class RoleArn:
    """The address of a role.

    Attributes
    ----------
    account
        The twelve digits of its account.
    name
        What it is called there, without a path.
    """

    account: str
    name: str

    @classmethod
    def parse(cls, arn: str | None) -> RoleArn:
        """Read it.

        Raises
        ------
        ConfigError
            It is none.

        Example
        -------
        >>> RoleArn.parse("arn:aws:iam::123456789012:role/service-role/training").name
        'training'
        """
        found = _ARN.match(arn or "")
        if found is None:
            raise ConfigError(
                f"the role is {arn!r}",
                hint="Give the ARN of a role that SageMaker may take: in SagemakerOptions, or as "
                "AWS_ROLE in environment.env: arn:aws:iam::ACCOUNT:role/NAME.",
            )
        return cls(account=found.group(1), name=found.group(2))


def configured_role() -> str | None:
    """Look for the role in the environment, then in the project's ``environment.env``."""
    if os.environ.get("AWS_ROLE"):
        return os.environ["AWS_ROLE"]
    try:
        text = (Loc.root_path / "environment.env").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    found = _LINE.search(text)
    return found.group(2) if found else None


def lets_take(trust: Mapping[str, Any], service: str = SAGEMAKER_SERVICE) -> bool:
    """Whether a role's trust policy lets a service take the role.

    After "IAM JSON policy elements" of the IAM user guide, without conditions.

    Example
    -------
    >>> allow = {"Effect": "Allow", "Action": "sts:AssumeRole"}
    >>> lets_take({"Statement": {**allow, "Principal": {"Service": "sagemaker.amazonaws.com"}}})
    True
    >>> lets_take({"Statement": [{**allow, "Principal": {"Service": "ec2.amazonaws.com"}}]})
    False
    """
    return any(
        statement.get("Effect") == "Allow"
        and _names(statement.get("Principal"), service)
        and any(
            fnmatchcase(_TAKE.lower(), str(action).lower())
            for action in _listed(statement.get("Action"))
        )
        for statement in _listed(trust.get("Statement"))
    )


def _names(principal: object, service: str) -> bool:
    if isinstance(principal, Mapping):
        return service in _listed(principal.get("Service"))
    return principal == "*"


def _listed(value: Any) -> list[Any]:
    """Give what stands alone or in a list."""
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]
