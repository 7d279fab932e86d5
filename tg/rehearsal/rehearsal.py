"""An offline cloud, for as long as a ``with`` block lasts."""

from __future__ import annotations

import contextlib
import functools
import secrets
import threading
from collections.abc import Mapping, MutableMapping
from types import TracebackType
from typing import Self

from ..common._core.errors import ConfigError, EngineUnavailableError, RunNotFoundError
from ..common.delivery.docker.engine import DockerEngine
from .account import ACCOUNT
from .belongings import Belongings
from .bucket_rules import BucketRules, StorageGate
from .calls import CallCounter, Calls
from .cloud_environment import cloud_environment, enter_environment, restore_environment
from .faults import Faults
from .furnishing import BUCKET, ROLE, make_bucket, make_role
from .gateway import Gateway
from .job_images import JobImages
from .job_storage import JobStorage
from .monitor import Monitor
from .own_clients import OwnClients
from .ownership import (
    LABEL,
    OWNER_LABEL,
    owner,
    remove_abandoned,
    remove_from_engine,
)
from .permissions import PolicySimulator
from .regional_services import RegionalServices
from .registry import ImageRegistry
from .registry_front import is_own_pull, registry_operation
from .server import CloudServer, forget_everything, simulated_services
from .training_place import TrainingPlace
from .training_record import TrainingRecord
from .training_run import TrainingRun

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
        self._region = region
        self._engine = engine or DockerEngine()
        self._max_parallel = max_parallel
        self._grace_seconds = grace_seconds
        self._checkpoint_seconds = checkpoint_seconds
        self._id = secrets.token_hex(4)
        self._exits = contextlib.ExitStack()
        self._environment: dict[str, str] = {}
        self._is_open = False

    @property
    def region(self) -> str:
        """The region that it plays."""
        return self._region

    @property
    def bucket(self) -> str:
        """A bucket that is there from the start."""
        return BUCKET

    @property
    def role_arn(self) -> str:
        """A role that training jobs may take."""
        return f"arn:aws:iam::{ACCOUNT}:role/{ROLE}"

    @property
    def endpoint_url(self) -> str:
        """Where all services are reached; on this machine only."""
        self._check_open()
        return self._server.url

    @property
    def registry(self) -> str:
        """The address of the registry, ``localhost:PORT``; it runs from then on.

        Raises
        ------
        MissingDependencyError
            There is no registry program on this machine.
        """
        self._check_open()
        return self._registry.host

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables that it has set."""
        return dict(self._environment)

    def calls(self, operation: str) -> Calls:
        """Tell how often an operation was asked for, and how many bytes went to and fro.

        Parameters
        ----------
        operation
            Such as ``s3.PutObject``, or a pattern such as ``s3.*``; of the registry,
            ``registry.UploadLayer`` and others: see `Faults`. What the cloud itself does, such as
            storing a job's result, is not counted.
        """
        self._check_open()
        return self._calls.of(operation)

    @property
    def operations(self) -> frozenset[str]:
        """All operations that were asked for so far, such as ``s3.PutObject``."""
        self._check_open()
        return self._calls.operations

    @property
    def image_bytes(self) -> int:
        """How many bytes of images the registry holds; a push of what is there adds none."""
        self._check_open()
        return self._registry.size_bytes

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
        self._check_open()
        place = region or self._region
        make_bucket(self._clients.client("s3", place), name, place)

    def add_foreign_bucket(self, name: str) -> None:
        """Have a bucket that belongs to somebody else: whatever is asked of it is refused."""
        self._check_open()
        self._rules.foreign.add(name)

    def adopt(self, pid: int) -> None:
        """Have a process ended with this one, should this one be killed."""
        self._check_open()
        self._belongings.add_process(pid)

    @property
    def job_count(self) -> int:
        """How many training jobs were taken."""
        self._check_open()
        return self._services.job_count

    def __enter__(self) -> Self:
        if not _ONE_AT_A_TIME.acquire(blocking=False):
            raise ConfigError(
                "a rehearsal is open in this process already",
                hint="Use that one, or close it first.",
            )
        with contextlib.ExitStack() as exits:
            exits.callback(_ONE_AT_A_TIME.release)
            self._open(exits)
            self._exits = exits.pop_all()
        self._is_open = True
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._is_open = False
        self._exits.close()

    def _open(self, exits: contextlib.ExitStack) -> None:
        services = simulated_services()
        remove_abandoned(self._engine)
        self._belongings = Belongings(self._engine)
        exits.callback(self._belongings.remove)
        folder = self._belongings.folder
        forget_everything()
        exits.callback(forget_everything)
        self._calls = CallCounter()
        watched = functools.partial(
            Monitor,
            counter=self._calls,
            faults=self.faults,
            named=registry_operation,
            is_own=is_own_pull,
        )
        self._registry = ImageRegistry(folder / "registry", watched, self._belongings.add_registry)
        exits.callback(self._registry.stop)
        self._rules = BucketRules()
        self._services = RegionalServices(
            self._region, self.quotas, self._registry, self._rules, self._run
        )
        gateway = Gateway(services, self._services.operations, lambda: self._registry.host)
        gate = StorageGate(PolicySimulator(gateway), self._rules)
        self._server = CloudServer(Monitor(gate, self._calls, self.faults))
        exits.callback(self._server.stop)
        self._server.start()
        self._environment = cloud_environment(self._server.url, self._region, self.role_arn, folder)
        exits.callback(restore_environment, enter_environment(self._environment))
        # those that are made later are closed with it, after the jobs that use them
        self._clients = OwnClients(self._server.url)
        exits.callback(self._clients.close)
        self._place = self._furnish()
        exits.callback(self._close_jobs)

    def _furnish(self) -> TrainingPlace:
        """Make bucket and role, and what training jobs need."""
        storage = self._clients.client("s3", self._region)
        make_bucket(storage, BUCKET, self._region)
        make_role(self._clients.client("iam", self._region))
        folder = self._belongings.folder / "jobs"
        folder.mkdir()
        return TrainingPlace(
            engine=self._engine,
            storage=JobStorage(storage),
            logs=functools.partial(self._clients.client, "logs"),
            folder=folder,
            rehearsal_id=self._id,
            labels={LABEL: self._id, OWNER_LABEL: owner()},
            faults=self.faults,
            rules=self._rules,
            image_id=JobImages(self._engine, self._registry).id_of,
            slots=threading.Semaphore(self._max_parallel),
            grace_seconds=self._grace_seconds,
            checkpoint_seconds=self._checkpoint_seconds,
        )

    def _run(self, record: TrainingRecord) -> None:
        TrainingRun(self._place, record).run()

    def _close_jobs(self) -> None:
        # what still runs is ended at once: nobody waits for its result
        self._services.cancel()
        with contextlib.suppress(EngineUnavailableError):
            if self._services.job_count:
                remove_from_engine(self._engine, self._id)
        self._services.settle()

    def _record(self, job_name: str) -> TrainingRecord:
        self._check_open()
        record = self._services.find(job_name)
        if record is None:
            raise RunNotFoundError(
                f"there is no training job {job_name!r}", hint="Create it in this rehearsal first."
            )
        return record

    def _check_open(self) -> None:
        if not self._is_open:
            raise ConfigError(
                "the rehearsal is not open", hint="Use it inside of `with Rehearsal() as cloud:`."
            )
