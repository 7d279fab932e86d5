"""What a run has logged by now, without waiting for more."""

from __future__ import annotations

from collections.abc import Iterator

from ..common._core.command_output import follow_file
from ..common.delivery.docker.containers import Containers
from ..common.delivery.docker.engine import DockerEngine
from ..common.delivery.execution.container_run import ContainerRun
from ..common.delivery.execution.run import Run
from ..common.delivery.sagemaker.aws import AwsClients
from ..common.delivery.sagemaker.job_logs import JobLogs
from ..common.delivery.sagemaker.remote_run import RemoteRun
from .found_run import find_folder

__all__ = ["log_so_far"]


def log_so_far(run: Run, project: str | None = None) -> Iterator[str]:
    """Give the lines that are there.

    Parameters
    ----------
    run
        As :func:`.found_run.find_run` found it.
    project
        As it was given there.
    """
    if isinstance(run, RemoteRun):
        hosts = int(run.describe()["ResourceConfig"]["InstanceCount"])
        return JobLogs(AwsClients(), run.id, hosts).read()
    file = find_folder(run.id, project).log_file
    if isinstance(run, ContainerRun) and not run.state.is_final:
        return Containers(DockerEngine()).printed(run.id)  # the file is written at the end
    return follow_file(file, lambda: True)
