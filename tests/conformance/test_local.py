import pytest
from executor_suite import ExecutorSuite


@pytest.mark.docker
class TestLocal(ExecutorSuite):
    place = "local"
