from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from executor_suite import ExecutorSuite

from tg.rehearsal import Rehearsal

pytestmark = [pytest.mark.docker, pytest.mark.rehearsal, pytest.mark.slow]


@pytest.fixture(scope="module")
def cloud() -> Iterator[Rehearsal]:
    with Rehearsal() as cloud:
        yield cloud


class TestRemote(ExecutorSuite):
    place = "remote"

    @pytest.fixture
    def routine_arguments(self, cloud: Rehearsal) -> dict[str, Any]:
        return {"bucket": cloud.bucket, "role": cloud.role_arn}
