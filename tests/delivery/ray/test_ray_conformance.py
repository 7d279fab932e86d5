from pathlib import Path

import pytest
from executor_suite import ExecutorSuite

from tg.common.delivery.execution import Executor
from tg.common.delivery.ray import RayExecutor, RayOptions
from tg.common.delivery.sagemaker import SagemakerRoutine


@pytest.mark.slow
class TestRay(ExecutorSuite):
    place = "ray"

    @pytest.fixture(autouse=True)
    def _options(self, cluster: object, tmp_path: Path) -> None:
        import sys

        self.options = RayOptions(
            address=cluster.address,  # type: ignore[attr-defined]
            shared_folder=tmp_path / "shared",
            libraries="none",
            python=sys.executable,
            cpus=0.5,
        )

    def executor_of(self, routine: SagemakerRoutine) -> Executor:
        return RayExecutor(routine, self.options)
