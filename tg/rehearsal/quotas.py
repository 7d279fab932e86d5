"""The quotas of the account, as the service that tells them knows them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from .account import ACCOUNT
from .gateway import Operation
from .service_error import ServiceError

__all__ = ["QuotaService"]

_TARGET = "ServiceQuotasV20190624."
_SERVICE = "sagemaker"
# two quotas for each instance type: what runs on demand, and what runs on spot instances
_USAGES = ("training job usage", "spot training job usage")


class QuotaService:
    """Tells the quotas of training jobs.

    Parameters
    ----------
    quotas
        Instance type to how many instances of it may be in use at once.
    region
        The region that it plays.
    """

    def __init__(self, quotas: Mapping[str, int], region: str) -> None:
        self._quotas = quotas
        self._region = region

    @property
    def operations(self) -> dict[str, Operation]:
        """The operations, by their targets."""
        return {
            f"{_TARGET}ListServiceQuotas": self._list,
            f"{_TARGET}ListAWSDefaultServiceQuotas": self._list,
            f"{_TARGET}GetServiceQuota": self._get,
            f"{_TARGET}GetAWSDefaultServiceQuota": self._get,
        }

    def _list(self, request: Mapping[str, Any]) -> Mapping[str, Any] | None:
        if request.get("ServiceCode") != _SERVICE:
            return None
        first, most = int(request.get("NextToken") or 0), int(request.get("MaxResults", 100))
        entries = self._entries()
        answer: dict[str, Any] = {"Quotas": entries[first : first + most]}
        if first + most < len(entries):
            answer["NextToken"] = str(first + most)
        return answer

    def _get(self, request: Mapping[str, Any]) -> Mapping[str, Any] | None:
        if request.get("ServiceCode") != _SERVICE:
            return None
        for entry in self._entries():
            if entry["QuotaCode"] == request.get("QuotaCode"):
                return {"Quota": entry}
        raise ServiceError(
            "NoSuchResourceException",
            "The request failed because the specified quota does not exist.",
        )

    def _entries(self) -> list[dict[str, Any]]:
        return [
            self._entry(f"{kind} for {usage}", value)
            for kind, value in sorted(self._quotas.items())
            for usage in _USAGES
        ]

    def _entry(self, name: str, value: int) -> dict[str, Any]:
        code = f"L-{hashlib.sha256(name.encode()).hexdigest()[:8].upper()}"
        return {
            "ServiceCode": _SERVICE,
            "ServiceName": "Amazon SageMaker",
            "QuotaArn": f"arn:aws:servicequotas:{self._region}:{ACCOUNT}:{_SERVICE}/{code}",
            "QuotaCode": code,
            "QuotaName": name,
            "Value": float(value),
            "Unit": "None",
            "Adjustable": True,
            "GlobalQuota": False,
        }
