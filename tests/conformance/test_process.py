from executor_suite import ExecutorSuite


class TestProcess(ExecutorSuite):
    place = "process"
