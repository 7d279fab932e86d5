"""A program that asks for its quota before it submits learns the one that then holds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tg.rehearsal import Rehearsal

pytestmark = pytest.mark.rehearsal

Clients = Callable[[str], Any]


@pytest.fixture
def quotas(cloud: Rehearsal, client: Clients) -> Any:
    cloud.quotas.update({"ml.m5.large": 3, "ml.p3.2xlarge": 0})
    yield client("service-quotas")
    cloud.quotas.clear()


def test_quotas_are_listed_by_name(quotas: Any) -> None:
    pages = quotas.get_paginator("list_service_quotas").paginate(
        ServiceCode="sagemaker", PaginationConfig={"PageSize": 3}
    )
    found = {quota["QuotaName"]: quota["Value"] for page in pages for quota in page["Quotas"]}
    assert found == {
        "ml.m5.large for training job usage": 3.0,
        "ml.m5.large for spot training job usage": 3.0,
        "ml.p3.2xlarge for training job usage": 0.0,
        "ml.p3.2xlarge for spot training job usage": 0.0,
    }


def test_one_quota_is_found_by_its_code(quotas: Any) -> None:
    [first, *_] = quotas.list_service_quotas(ServiceCode="sagemaker")["Quotas"]
    code = first["QuotaCode"]
    found = quotas.get_service_quota(ServiceCode="sagemaker", QuotaCode=code)["Quota"]
    assert found["QuotaName"] == first["QuotaName"]
    with pytest.raises(quotas.exceptions.NoSuchResourceException):
        quotas.get_service_quota(ServiceCode="sagemaker", QuotaCode="L-00000000")
