"""An offline cloud, for as long as a ``with`` block lasts."""

from __future__ import annotations

import threading
from collections.abc import Mapping, MutableMapping
from types import TracebackType
from typing import Self

from ..common._core.errors import ConfigError, RunNotFoundError
from ..common.delivery.docker.engine import DockerEngine
from .calls import Calls
from .cloud import Cloud, CloudSettings
from .faults import Faults
from .furnishing import BUCKET, ROLE_ARN, make_bucket
from .training_record import TrainingRecord

__all__ = ["Rehearsal"]

# the services of this process are simulated by one set of variables
_ONE_AT_A_TIME = threading.Lock()


class Rehearsal:
    """Plays the cloud on this machine: storage, roles, logs, a registry and training jobs.

    While it is open, clients of this process and of its children talk to it, without a change of
    their code: the usual variables of the environment say so, and are set back at the end.
    Storage, roles and logs are moto's; the registry and the containers of the training jobs are
    real.

    Parameters
    ----------
    region
        The region that it plays.
    quotas
        Instance type to how many instances of it may be in use at once; unlimited if not there.
    engine
        Runs the containers.
    max_parallel
        How many jobs run at once on this machine; others wait in ``Starting``, as they do for
        instances.
    grace_seconds
        Between SIGTERM and SIGKILL when a job is stopped; SageMaker gives 120.
    checkpoint_seconds
        How often checkpoints are stored while a job runs.

    Attributes
    ----------
    quotas
        As given; may be changed while it is open.
    faults
        What goes wrong on demand: `Faults`.

    Raises
    ------
    MissingDependencyError
        The extra ``[rehearsal]`` is not installed; raised when it is opened.
    """

    def __init__(
        self,
        *,
        region: str = "us-east-1",
        quotas: Mapping[str, int] | None = None,
        engine: DockerEngine | None = None,
        max_parallel: int = 8,
        grace_seconds: float = 120.0,
        checkpoint_seconds: float = 1.0,
    ) -> None:
        self.quotas: MutableMapping[str, int] = dict(quotas or {})
        self.faults = Faults()
        self._settings = CloudSettings(
            region=region,
            quotas=self.quotas,
            engine=engine or DockerEngine(),
            faults=self.faults,
            max_parallel=max_parallel,
            grace_seconds=grace_seconds,
            checkpoint_seconds=checkpoint_seconds,
        )
        self._cloud: Cloud | None = None

    @property
    def region(self) -> str:
        """The region that it plays."""
        return self._settings.region

    @property
    def bucket(self) -> str:
        """A bucket that is there from the start."""
        return BUCKET

    @property
    def role_arn(self) -> str:
        """A role that training jobs may take."""
        return ROLE_ARN

    @property
    def endpoint_url(self) -> str:
        """Where all services are reached; on this machine only."""
        return self._opened.server.url

    @property
    def registry(self) -> str:
        """The address of the registry, ``localhost:PORT``; it runs from then on.

        Raises
        ------
        MissingDependencyError
            There is no registry program on this machine.
        """
        return self._opened.registry.host

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables that it has set; none while it is not open."""
        return {} if self._cloud is None else dict(self._cloud.environment)

    def calls(self, operation: str) -> Calls:
        """Tell how often an operation was asked for, and how many bytes went to and fro.

        Parameters
        ----------
        operation
            Such as ``s3.PutObject``, or a pattern such as ``s3.*``; of the registry,
            ``registry.UploadLayer`` and others: see `Faults`. What the cloud itself does, such as
            storing a job's result, is not counted.
        """
        return self._opened.calls.of(operation)

    @property
    def operations(self) -> frozenset[str]:
        """All operations that were asked for so far, such as ``s3.PutObject``."""
        return self._opened.calls.operations

    @property
    def image_bytes(self) -> int:
        """How many bytes of images the registry holds; a push of what is there adds none."""
        return self._opened.registry.size_bytes

    def interrupt(self, job_name: str) -> None:
        """Take a spot job's instances away; it starts again, with its checkpoints.

        Raises
        ------
        RunNotFoundError
            There is no such job.
        ConfigError
            It does not run on spot instances.
        """
        record = self._record(job_name)
        if not record.request.get("EnableManagedSpotTraining"):
            raise ConfigError(
                f"the job {job_name!r} does not run on spot instances",
                hint="Set EnableManagedSpotTraining: only such jobs are interrupted.",
            )
        record.interruption.set()

    def break_down(self, job_name: str) -> None:
        """Let the instances of a job break without a word to it.

        It fails with ``InternalServerError``, or starts again if its ``RetryStrategy`` says so.

        Raises
        ------
        RunNotFoundError
            There is no such job.
        """
        self._record(job_name).breakdown.set()

    def add_bucket(self, name: str, region: str | None = None) -> None:
        """Make a bucket of this account, in another region if one is given."""
        place = region or self.region
        make_bucket(self._opened.clients.client("s3", place), name, place)

    def add_foreign_bucket(self, name: str) -> None:
        """Have a bucket that belongs to somebody else: whatever is asked of it is refused."""
        self._opened.rules.foreign.add(name)

    def adopt(self, pid: int) -> None:
        """Have a process ended with this one, should this one be killed."""
        self._opened.belongings.add_process(pid)

    @property
    def job_count(self) -> int:
        """How many training jobs were taken."""
        return self._opened.services.job_count

    def __enter__(self) -> Self:
        if not _ONE_AT_A_TIME.acquire(blocking=False):
            raise ConfigError(
                "a rehearsal is open in this process already",
                hint="Use that one, or close it first.",
            )
        try:
            self._cloud = Cloud(self._settings)
        except BaseException:
            _ONE_AT_A_TIME.release()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        cloud, self._cloud = self._cloud, None
        if cloud is None:
            return
        try:
            cloud.close()
        finally:
            _ONE_AT_A_TIME.release()

    def _record(self, job_name: str) -> TrainingRecord:
        record = self._opened.services.find(job_name)
        if record is None:
            raise RunNotFoundError(
                f"there is no training job {job_name!r}", hint="Create it in this rehearsal first."
            )
        return record

    @property
    def _opened(self) -> Cloud:
        if self._cloud is None:
            raise ConfigError(
                "the rehearsal is not open", hint="Use it inside of `with Rehearsal() as cloud:`."
            )
        return self._cloud
