"""The rights that remote trainings need of an account, and no others."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from pathlib import Path

from ..._core.errors import ConfigError
from ..._core.files import atomic_write
from ..._core.templates import read_template, render
from .s3_layout import S3Layout

__all__ = ["Policies", "render_policies"]

_FOLDER = "sagemaker/policies"
_RULES = {
    "account": (re.compile(r"\d{12}\Z"), "Give its twelve digits."),
    "region": (re.compile(r"[a-z]{2}(?:-[a-z]+)+-\d\Z"), "Give one such as 'eu-central-1'."),
    # "CreateRole" of the IAM API reference
    "role_name": (re.compile(r"[\w+=,.@-]{1,64}\Z", re.ASCII), "Give its name without a path."),
    # "CreateRepository" of the ECR API reference
    "repository": (
        re.compile(r"(?=.{2,256}\Z)[a-z0-9]+(?:[._/-][a-z0-9]+)*\Z"),
        "Use lower-case letters and digits, with single dots, dashes, underscores or slashes.",
    ),
}
_PARTITIONS = {"cn": "aws-cn", "us-gov": "aws-us-gov"}


@dataclass(frozen=True, kw_only=True)
class Policies:
    """Policies of IAM, as JSON.

    Attributes
    ----------
    submitter
        What whoever submits trainings may do: attach it to that user or role.
    role
        What trainings may do: attach it to their role.
    trust
        Who may take that role: SageMaker, for this account.
    """

    submitter: str
    role: str
    trust: str

    def write(self, folder: Path | str) -> list[Path]:
        """Write them into a folder, as ``submitter.json``, ``role.json`` and ``trust.json``.

        Raises
        ------
        StorageError
            They cannot be written.
        """
        paths = []
        for field in fields(self):
            path = Path(folder) / f"{field.name}.json"
            atomic_write(path, getattr(self, field.name).encode())
            paths.append(path)
        return paths


def render_policies(
    *,
    account: str,
    region: str,
    bucket: str,
    project: str,
    role_name: str = "training-grounds",
    repository: str = "training-grounds",
) -> Policies:
    """Write the policies of a project.

    Parameters
    ----------
    account
        The twelve digits of the account.
    region
        Where trainings run.
    bucket, project
        Where data and results stand.
    role_name
        The role of the trainings.
    repository
        The repository of images in ECR.

    Raises
    ------
    ConfigError
        Something cannot be called so.

    Example
    -------
    >>> policies = render_policies(
    ...     account="123456789012", region="eu-central-1", bucket="tea-data", project="green"
    ... )
    >>> '"arn:aws:s3:::tea-data/sagemaker/green/*"' in policies.submitter
    True
    """
    values = {
        "account": account,
        "region": region,
        "role_name": role_name,
        "repository": repository,
    }
    for name, (rule, hint) in _RULES.items():
        if not rule.match(values[name]):
            raise ConfigError(f"{name} is {values[name]!r}", hint=hint)
    layout = S3Layout(bucket, project)
    partition = next(
        (p for begin, p in _PARTITIONS.items() if region.startswith(f"{begin}-")), "aws"
    )
    placeholders = {
        "partition": partition,
        "account": account,
        "region": region,
        "bucket": layout.bucket,
        "project": layout.project,
        "repository": repository,
        "role": f"arn:{partition}:iam::{account}:role/{role_name}",
    }
    return Policies(
        **{
            field.name: render(
                read_template(f"{_FOLDER}/{field.name}.json"), placeholders, name=field.name
            )
            for field in fields(Policies)
        }
    )
