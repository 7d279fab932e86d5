"""How many instances of a type an account may use."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..._core.errors import AwsError, AwsQuotaError, ConfigError
from ..._core.suggestions import did_you_mean
from .aws import AwsClients
from .aws_errors import translated
from .check import Finding

__all__ = ["InstanceQuota", "check_instance_type"]

_SERVICE = "sagemaker"


def check_instance_type(clients: AwsClients, instance_type: str) -> Finding:
    """Look whether SageMaker trains on such instances, as the installed boto3 knows it.

    Nothing is sent.

    Raises
    ------
    ConfigError
        It does not.
    """
    model = clients.client(_SERVICE).meta.service_model
    known = model.shape_for("TrainingInstanceType").enum
    if instance_type not in known:
        raise ConfigError(
            f"SageMaker has no instance type {instance_type!r} for trainings",
            hint=f"{did_you_mean(instance_type, known, what='instance types')} If it is newer than "
            "the boto3 that is installed here, upgrade that: pip install -U boto3.",
        )
    return Finding(text=instance_type)


class InstanceQuota:
    """Looks up the quota of trainings on one type of instances.

    Parameters
    ----------
    clients
        The connections.
    instance_type
        Such as ``"ml.m5.xlarge"``.
    is_spot
        Whether spot instances are asked for, which have a quota of their own.
    """

    def __init__(self, clients: AwsClients, instance_type: str, *, is_spot: bool) -> None:
        self._clients = clients
        self._name = f"{instance_type} for {'spot ' if is_spot else ''}training job usage"

    def look(self, count: int) -> Finding:
        """Look whether it allows for so many instances at once.

        What runs already is not counted.

        Raises
        ------
        AwsQuotaError
            It does not.
        """
        try:
            found = next(self._quotas(), None)
        except AwsError as exc:
            return Finding(
                text=f"the quota '{self._name}' could not be looked up: {exc.what}",
                doubt="Ask for servicequotas:ListServiceQuotas, or look in the console, Service "
                "Quotas, Amazon SageMaker.",
            )
        if found is None:
            return Finding(
                text=f"no quota is called '{self._name}'",
                doubt="Look in the console, Service Quotas, Amazon SageMaker.",
            )
        value = float(found["Value"])
        if value < count:
            raise AwsQuotaError(
                f"the quota '{self._name}' is {value:g}, and {count} are asked for",
                code="ResourceLimitExceeded",
                operation="service-quotas.ListServiceQuotas",
                hint="Choose another instance type, or ask for more: `aws service-quotas "
                f"request-service-quota-increase --service-code {_SERVICE} --quota-code "
                f"{found['QuotaCode']} --desired-value {count}`.",
            )
        return Finding(text=f"{value:g} for {self._name}")

    def _quotas(self) -> Iterator[dict[str, Any]]:
        """Find it in what applies to this account, else in what applies to all."""
        client = self._clients.client("service-quotas", is_patient=False)
        for operation in ("list_service_quotas", "list_aws_default_service_quotas"):
            with translated(f"service-quotas.{operation}"):
                for page in client.get_paginator(operation).paginate(ServiceCode=_SERVICE):
                    yield from (q for q in page["Quotas"] if q["QuotaName"] == self._name)
