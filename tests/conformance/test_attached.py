from executor_suite import ExecutorSuite


class TestAttached(ExecutorSuite):
    place = "attached"
