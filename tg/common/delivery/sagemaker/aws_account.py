"""What a training needs of an AWS account."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..._core.errors import (
    AwsConnectionError,
    AwsError,
    AwsNotFoundError,
    AwsPermissionError,
    AwsThrottledError,
    ConfigError,
)
from ..._core.suggestions import did_you_mean
from .aws import AwsClients
from .aws_errors import translated
from .check import Finding
from .s3_layout import checked_bucket
from .training_role import SAGEMAKER_SERVICE, RoleArn, lets_take

__all__ = ["AwsAccount"]

_UPGRADE = (
    "If it is newer than the boto3 that is installed here, upgrade that: pip install -U boto3."
)
_ROOT = "sagemaker/"  # in a bucket, all that trainings have to do with stands below it
_TRUST = (
    "Let it, under Trust relationships of the role in the IAM console: allow the action "
    f"sts:AssumeRole to the service {SAGEMAKER_SERVICE}."
)
# nothing is said of a thing by an answer such as these
_UNTOLD = (AwsConnectionError, AwsPermissionError, AwsThrottledError)


class AwsAccount:
    """Looks at an account; nothing is changed there.

    Each look gives what it found, or raises the error that a submission is refused with.

    Parameters
    ----------
    clients
        The connections.
    """

    def __init__(self, clients: AwsClients) -> None:
        self._clients = clients

    def region(self) -> Finding:
        """Look whether a region is set that there is.

        Raises
        ------
        ConfigError
            None is set, or none is called so.
        """
        region, known = self._clients.region, self._clients.known_regions()
        if region not in known:
            raise ConfigError(
                f"there is no AWS region {region!r}",
                hint=f"{did_you_mean(region, known, what='regions')} {_UPGRADE}",
            )
        return Finding(text=region)

    def identity(self, role_arn: str | None = None) -> Finding:
        """Look whose credentials these are.

        Parameters
        ----------
        role_arn
            A role that is to be of the same account.

        Raises
        ------
        AwsCredentialsError
            There are none, or they are wrong or have expired.
        ConfigError
            The role is of another account.
        """
        identity = self._clients.identity(is_patient=False)
        role = None if role_arn is None else RoleArn.parse(role_arn)
        if role is not None and role.account != identity.account:
            raise ConfigError(
                f"the role {role_arn} is of another account than these credentials, which are of "
                f"{identity.account}",
                hint=f"Log in to the account {role.account}, or name a role of {identity.account}.",
            )
        return Finding(text=f"{identity.arn} of the account {identity.account}")

    def role(self, arn: str | None) -> Finding:
        """Look whether there is such a role in this account, and SageMaker may take it.

        Raises
        ------
        ConfigError
            It is no address of a role.
        AwsNotFoundError
            There is no such role.
        AwsPermissionError
            SageMaker may not take it.
        """
        role = RoleArn.parse(arn)
        client = self._clients.client("iam", is_patient=False)
        try:
            with translated("iam.GetRole"):
                found = client.get_role(RoleName=role.name)["Role"]
        except AwsNotFoundError as exc:
            raise exc.reworded(
                f"there is no role {role.name!r} in the account {role.account}",
                hint="Create it, or name another: as AWS_ROLE in environment.env, or "
                "SagemakerRoutine(..., role=...).",
            ) from exc
        except _UNTOLD as exc:
            return Finding(
                text=f"{role.name} could not be looked at: {exc.what}",
                doubt="If SageMaker says that it cannot assume the role, ask whoever made it.",
            )
        if not lets_take(found.get("AssumeRolePolicyDocument") or {}):
            raise AwsPermissionError(
                f"the role {role.name!r} does not let SageMaker take it",
                operation="iam.GetRole",
                hint=_TRUST,
            )
        return Finding(text=f"{role.name} is there, and SageMaker may take it")

    def bucket(self, name: str, owner: str, project: str = "") -> Finding:
        """Look whether there is a bucket in this region, and who owns it.

        Parameters
        ----------
        name
            Its name.
        owner
            The account that is to own it.
        project
            Whose keys this identity has to list at least; those of all projects if empty.

        Raises
        ------
        AwsNotFoundError
            There is none.
        AwsPermissionError
            It is somebody else's, or this identity may not list it.
        ConfigError
            It is in another region.
        """
        region = self._clients.region
        client = self._clients.client("s3", is_patient=False)
        wanted = {"Bucket": checked_bucket(name), "ExpectedBucketOwner": owner}
        try:
            answer = _bucket_answer(client, wanted, f"{_ROOT}{project}/" if project else _ROOT)
        except AwsNotFoundError as exc:
            raise exc.reworded(
                f"there is no bucket {name!r}",
                hint=f"Create it, `aws s3 mb s3://{name} --region {region}`, or name another.",
            ) from exc
        except AwsPermissionError as exc:
            raise exc.reworded(
                f"the bucket {name!r} is not of the account {owner}, or this identity may not "
                "list it",
                hint=f"Name a bucket of the account {owner}, or ask for s3:ListBucket on "
                f"arn:aws:s3:::{name}. Of another account on purpose: "
                "RemoteOptions(bucket_account=...).",
            ) from exc
        headers = answer["ResponseMetadata"]["HTTPHeaders"]
        place = headers.get("x-amz-bucket-region", region)
        if place != region:
            raise ConfigError(
                f"the bucket {name!r} is in the region {place}, and trainings are to run in "
                f"{region}",
                hint=f"Set AWS_REGION={place}, or name a bucket in {region}: SageMaker reads and "
                "writes in its own region only.",
            )
        return Finding(text=f"{name} is in {place}, and of the account {owner}")

    def registry(self, repository: str) -> Finding:
        """Look whether the account's registry lets this identity in.

        Raises
        ------
        AwsPermissionError
            It does not.
        """
        client = self._clients.client("ecr", is_patient=False)
        with translated("ecr.GetAuthorizationToken"):
            client.get_authorization_token()
        try:
            with translated("ecr.DescribeRepositories"):
                client.describe_repositories(repositoryNames=[repository])
        except AwsNotFoundError:
            return Finding(text=f"logged in; the first push makes the repository {repository}")
        except AwsError as exc:
            return Finding(
                text=f"logged in, but the repository {repository} could not be looked at: "
                f"{exc.what}",
                doubt="Ask for ecr:DescribeRepositories and ecr:CreateRepository.",
            )
        return Finding(text=f"logged in; the repository {repository} is there")


def _bucket_answer(client: Any, wanted: Mapping[str, str], prefix: str) -> Any:
    """Ask for the bucket, or, where the right to list it is of some keys only, for those."""
    try:
        with translated("s3.HeadBucket"):
            return client.head_bucket(**wanted)
    except AwsPermissionError:
        with translated("s3.ListObjectsV2"):
            return client.list_objects_v2(**wanted, Prefix=prefix, MaxKeys=1)
