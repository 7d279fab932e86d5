"""The cloud that an open rehearsal consists of."""

from __future__ import annotations

import contextlib
import functools
import secrets
import threading
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass

from ..common._core.errors import EngineUnavailableError
from ..common.delivery.docker.engine import DockerEngine
from .belongings import Belongings
from .bucket_rules import BucketRules, StorageGate
from .calls import CallCounter
from .cloud_environment import cloud_environment, enter_environment, restore_environment
from .faults import Faults
from .furnishing import BUCKET, ROLE_ARN, make_bucket, make_role
from .gateway import Gateway
from .job_images import JobImages
from .job_storage import JobStorage
from .monitor import Monitor
from .own_clients import OwnClients
from .ownership import LABEL, OWNER_LABEL, owner, remove_abandoned, remove_from_engine
from .permissions import PolicySimulator
from .regional_services import RegionalServices
from .registry import ImageRegistry
from .registry_front import is_own_pull, registry_operation
from .server import CloudServer, forget_everything, simulated_services
from .training_place import TrainingPlace
from .training_record import TrainingRecord
from .training_run import TrainingRun

__all__ = ["Cloud", "CloudSettings"]


@dataclass(frozen=True, kw_only=True)
class CloudSettings:
    """What a rehearsal was asked for.

    Attributes
    ----------
    region
        Where a request belongs that does not say so.
    quotas
        Instance type to how many instances of it may be in use at once; may change meanwhile.
    engine
        Runs the containers.
    faults
        What goes wrong on demand.
    max_parallel
        How many jobs run at once on this machine.
    grace_seconds
        Between SIGTERM and SIGKILL.
    checkpoint_seconds
        Between two looks for checkpoints.
    """

    region: str
    quotas: MutableMapping[str, int]
    engine: DockerEngine
    faults: Faults
    max_parallel: int
    grace_seconds: float
    checkpoint_seconds: float


class Cloud:
    """Server, registry and training jobs, with the variables that lead to them, until closed.

    Parameters
    ----------
    settings
        What was asked for.

    Attributes
    ----------
    belongings
        Its folder and processes.
    calls
        What was asked of it.
    rules
        Whose buckets are whose.
    registry
        Holds the images.
    services
        The services that it answers itself, with the training jobs.
    server
        Where all services are reached.
    environment
        The variables that it has set.
    clients
        For its own calls, which are not counted.

    Raises
    ------
    MissingDependencyError
        The extra ``[rehearsal]`` is not installed.
    """

    def __init__(self, settings: CloudSettings) -> None:
        self._settings = settings
        self._id = secrets.token_hex(4)
        with contextlib.ExitStack() as exits:
            self._open(exits)
            self._exits = exits.pop_all()

    def close(self) -> None:
        """End what runs, remove what was made, and set the variables back."""
        self._exits.close()

    def _open(self, exits: contextlib.ExitStack) -> None:
        region, engine, faults = self._settings.region, self._settings.engine, self._settings.faults
        simulated = simulated_services()
        remove_abandoned(engine)
        self.belongings = Belongings(engine)
        exits.callback(self.belongings.remove)
        folder = self.belongings.folder
        forget_everything()
        exits.callback(forget_everything)
        self.calls = CallCounter()
        watched = functools.partial(
            Monitor,
            counter=self.calls,
            faults=faults,
            named=registry_operation,
            is_own=is_own_pull,
        )
        self.registry = ImageRegistry(folder / "registry", watched, self.belongings.add_registry)
        exits.callback(self.registry.stop)
        self.rules = BucketRules()
        self.services = RegionalServices(
            region, self._settings.quotas, self.registry, self.rules, self._run
        )
        gateway = Gateway(simulated, self.services.operations, lambda: self.registry.host)
        gate = StorageGate(PolicySimulator(gateway), self.rules)
        self.server = CloudServer(Monitor(gate, self.calls, faults))
        exits.callback(self.server.stop)
        self.server.start()
        self.environment: Mapping[str, str] = cloud_environment(
            self.server.url, region, role_arn=ROLE_ARN, bucket=BUCKET, folder=folder
        )
        exits.callback(restore_environment, enter_environment(self.environment))
        # those that are made later are closed with it, after the jobs that use them
        self.clients = OwnClients(self.server.url)
        exits.callback(self.clients.close)
        self._place = self._furnish()
        exits.callback(self._close_jobs)

    def _furnish(self) -> TrainingPlace:
        """Make bucket and role, and what training jobs need."""
        storage = self.clients.client("s3", self._settings.region)
        make_bucket(storage, BUCKET, self._settings.region)
        make_role(self.clients.client("iam", self._settings.region))
        folder = self.belongings.folder / "jobs"
        folder.mkdir()
        return TrainingPlace(
            engine=self._settings.engine,
            storage=JobStorage(storage),
            logs=functools.partial(self.clients.client, "logs"),
            folder=folder,
            rehearsal_id=self._id,
            labels={LABEL: self._id, OWNER_LABEL: owner()},
            faults=self._settings.faults,
            rules=self.rules,
            image_id=JobImages(self._settings.engine, self.registry).id_of,
            slots=threading.Semaphore(self._settings.max_parallel),
            grace_seconds=self._settings.grace_seconds,
            checkpoint_seconds=self._settings.checkpoint_seconds,
        )

    def _run(self, record: TrainingRecord) -> None:
        TrainingRun(self._place, record).run()

    def _close_jobs(self) -> None:
        # what still runs is ended at once: nobody waits for its result
        self.services.cancel()
        with contextlib.suppress(EngineUnavailableError):
            if self.services.job_count:
                remove_from_engine(self._settings.engine, self._id)
        self.services.settle()
