"""Training jobs, each created once, whatever is lost on the way."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from typing import Any

from ..._core.errors import AwsError
from .aws import AwsClients
from .aws_errors import is_transient, translated
from .submission import check_same_training

__all__ = ["create_job"]

_TOKEN = "TG_SUBMISSION"  # noqa: S105 - the name of a variable, and no secret in it
_TOKEN_BYTES = 8


def create_job(
    clients: AwsClients,
    request: Mapping[str, Any],
    describe: Callable[[], Mapping[str, Any]],
) -> Mapping[str, Any] | None:
    """Create a job, or find the one that has its name.

    A token among the job's variables tells whether this very call has made it: boto3 sends a
    request again whose answer was lost, and the second one is refused.

    Parameters
    ----------
    clients
        The connections.
    request
        The arguments of ``create_training_job``.
    describe
        Gives what ``DescribeTrainingJob`` says of the job of that name.

    Returns
    -------
    Mapping or None
        ``None`` if this call has made it; what SageMaker says of the job that was there before.

    Raises
    ------
    NamingError
        The job that was there is another training.
    AwsQuotaError
        As many run as may.
    AwsError
        SageMaker refused it, or does not answer.
    """
    token = secrets.token_hex(_TOKEN_BYTES)
    marked = {**request, "Environment": {**request.get("Environment", {}), _TOKEN: token}}
    try:
        with translated("sagemaker.CreateTrainingJob"):
            clients.client("sagemaker").create_training_job(**marked)
        return None
    except AwsError as exc:
        if is_transient(exc):
            raise _uncertain(exc, request["TrainingJobName"]) from exc
        if exc.code != "ResourceInUse":
            raise
    described = describe()
    if (described.get("Environment") or {}).get(_TOKEN) == token:
        return None
    check_same_training(described, request)
    return described


def _uncertain(error: AwsError, name: str) -> AwsError:
    return error.reworded(
        f"whether the training job {name!r} was created is not known: {error.what}",
        hint=f"{error.hint} If it was, the same submission finds it, and makes no second one.",
    )
