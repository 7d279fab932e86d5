"""What a user would lose: the log of a job that began at the same moment as another."""

from __future__ import annotations

from typing import Any

import pytest

from tg.rehearsal.job_log import GROUP, JobLog


class Client:
    """A client of CloudWatch Logs, as botocore's: its errors have codes."""

    def __init__(self, code: str) -> None:
        self.code = code
        self.streams: list[str] = []
        self.lines: list[str] = []

    def create_log_group(self, **request: Any) -> None:
        exceptions = pytest.importorskip("botocore.exceptions")
        assert request == {"logGroupName": GROUP}
        raise exceptions.ClientError({"Error": {"Code": self.code}}, "CreateLogGroup")

    def create_log_stream(self, **request: Any) -> None:
        self.streams.append(request["logStreamName"])

    def put_log_events(self, **request: Any) -> None:
        self.lines += [event["message"] for event in request["logEvents"]]


def test_a_group_that_another_job_has_made_is_used() -> None:
    client = Client("ResourceAlreadyExistsException")
    log = JobLog(client, "tea")
    log.write("a line")
    log.close()
    assert (client.streams, client.lines) == (["tea"], ["a line"])


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_any_other_refusal_is_told() -> None:
    log = JobLog(Client("LimitExceededException"), "tea")
    log.write("a line")
    with pytest.raises(Exception, match="LimitExceededException"):
        log.close()
