"""The course of one training job, from its start to its result in storage."""

from __future__ import annotations

import contextlib
import logging
import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto

from ..common._core.errors import EngineError, EngineUnavailableError, TgError
from ..common.delivery.docker.containers import Containers
from .job_log import JobLog, MetricReader
from .training_container import HostFolders, TrainingContainer, container_of
from .training_place import TrainingPlace
from .training_record import COMPLETED, STOPPED, TrainingRecord
from .training_result import failure_reason, store_result

__all__ = ["TrainingRun"]

_LOGGER = logging.getLogger(__name__)
_POLL_SECONDS = 0.05
_SLOT_SECONDS = 0.5
_NO_IMAGE = (
    "ClientError: Cannot pull algorithm container. Either the image does not exist or its "
    "permissions are incorrect."
)


_NO_CAPACITY = (
    "CapacityError: Unable to provision requested ML compute capacity. Please retry using a "
    "different ML instance type."
)


class _Ending(Enum):
    """Why a try has ended."""

    DONE = auto()
    FAILED = auto()
    STOPPED = auto()
    TOO_LONG = auto()
    WAITED = auto()
    INTERRUPTED = auto()


_LIMITS = {
    _Ending.TOO_LONG: (
        "MaxRuntimeExceeded",
        "Training job runtime exceeded MaxRuntimeInSeconds provided",
    ),
    _Ending.WAITED: (
        "MaxWaitTimeExceeded",
        "Training job wait time exceeded MaxWaitTimeInSeconds provided",
    ),
}


@dataclass
class _Checkpoints:
    """What of a host's checkpoints is stored."""

    uri: str
    known: dict[str, dict[str, tuple[int, int]]] = field(default_factory=dict)


class TrainingRun:
    """Runs one job; every way of ending it is written into its record.

    Parameters
    ----------
    place
        Where it runs.
    record
        The job.
    """

    def __init__(self, place: TrainingPlace, record: TrainingRecord) -> None:
        self._place = place
        self._record = record
        self._request = record.request
        self._folder = place.folder / record.region / record.name
        self._prefix = f"tg-rehearsal-{place.rehearsal_id}-{record.region}-{record.name}"
        self._containers: list[TrainingContainer] = []
        self._culprits: list[TrainingContainer] = []
        self._log_files: list[JobLog] = []
        self._network = ""
        self._trained_seconds = 0.0
        self._began = 0.0
        self._hosts = [f"algo-{number + 1}" for number in range(record.instances[1])]
        uri = self._request.get("CheckpointConfig", {}).get("S3Uri", "")
        self._checkpoints = _Checkpoints(uri)

    def run(self) -> None:
        """Run it to its end; nothing of it is left on this machine."""
        try:
            with self._slot() as is_free:
                try:
                    self._settle(self._try_again_and_again() if is_free else _Ending.STOPPED)
                finally:
                    self._clear()
        except EngineUnavailableError as exc:
            self._record.fail(f"InternalServerError: {exc}")
        except TgError as exc:
            self._record.fail(f"ClientError: {exc}")
        except Exception as exc:  # a thread's error is nobody's: the job tells it
            _LOGGER.warning("the rehearsal of %s broke", self._record.name, exc_info=True)
            self._record.fail(f"InternalServerError: {exc!r}")

    @contextlib.contextmanager
    def _slot(self) -> Iterator[bool]:
        """Wait until there is room on this machine; a job may be stopped meanwhile."""
        while not self._place.slots.acquire(timeout=_SLOT_SECONDS):
            if self._record.stop_requested.is_set():
                yield False
                return
        try:
            yield True
        finally:
            self._place.slots.release()

    def _try_again_and_again(self) -> _Ending:
        attempt = 1
        while (ending := self._try(attempt)) is _Ending.INTERRUPTED:
            attempt += 1
        return ending

    def _try(self, attempt: int) -> _Ending:
        record = self._record
        record.interruption.clear()
        if not self._place.has_capacity(record.instances[0]):
            record.fail(_NO_CAPACITY)
            return _Ending.FAILED
        try:
            image = self._place.image_id(self._request["AlgorithmSpecification"]["TrainingImage"])
        except EngineUnavailableError:
            raise
        except EngineError as exc:
            _LOGGER.info("no image for %s: %s", record.name, exc)
            record.fail(_NO_IMAGE)
            return _Ending.FAILED
        record.enter("Downloading", "Downloading input data")
        hosts = self._prepare(attempt)
        if record.stop_requested.is_set():
            return _Ending.STOPPED
        message = "Training image download completed. Training in progress."
        record.enter("Training", message)
        self._start(hosts, image, attempt)
        return self._end(self._watch())

    def _prepare(self, attempt: int) -> list[HostFolders]:
        shutil.rmtree(self._folder, ignore_errors=True)
        folders = [
            HostFolders(base=self._folder / str(attempt) / host, host=host) for host in self._hosts
        ]
        for number, host in enumerate(folders):
            host.create(self._request, self._hosts)
            for channel in self._request.get("InputDataConfig", []):
                place = host.channel(channel["ChannelName"])
                self._place.storage.fetch_channel(channel, place, number, len(folders))
            if self._checkpoints.uri:
                self._place.storage.fetch_folder(self._checkpoints.uri, host.checkpoints)
        return folders

    def _start(self, hosts: list[HostFolders], image: str, attempt: int) -> None:
        record, place = self._record, self._place
        if len(hosts) > 1:
            self._make_network()
        reader = MetricReader(
            self._request["AlgorithmSpecification"].get("MetricDefinitions", []), record.measure
        )
        variables = {
            "TRAINING_JOB_NAME": record.name,
            "TRAINING_JOB_ARN": record.arn,
            "AWS_REGION": record.region,
        }
        stamp = int(time.time()) + attempt - 1
        for folders in hosts:
            log = JobLog(place.logs(record.region), f"{record.name}/{folders.host}-{stamp}")
            self._log_files.append(log)

            def follow(line: str, log: JobLog = log) -> None:
                log.write(line)
                reader.read(line)

            spec = container_of(
                place.engine,
                folders,
                self._request,
                name=f"{self._prefix}-{folders.host}-{attempt}",
                image=image,
                labels=place.labels,
                variables=variables,
                network=self._network,
            )
            containers = Containers(place.engine)
            self._containers.append(TrainingContainer(containers, spec, folders, follow))

    def _make_network(self) -> None:
        """Make the job's private network; one of an isolated job leads nowhere."""
        args = ["network", "create", *_label_args(self._place.labels)]
        args += ["--internal"] if self._request.get("EnableNetworkIsolation") else []
        self._place.engine.call([*args, self._prefix])
        self._network = self._prefix

    def _watch(self) -> _Ending:
        """Wait until it ends, or has to be ended."""
        record = self._record
        self._began = synced = time.monotonic()
        while not all(container.has_ended for container in self._containers):
            if record.stop_requested.wait(_POLL_SECONDS):
                return _Ending.STOPPED
            if record.interruption.is_set():
                return _Ending.INTERRUPTED
            if any(container.has_failed for container in self._containers):
                return _Ending.FAILED
            limit = self._limit()
            if limit is not None:
                return limit
            if time.monotonic() - synced > self._place.checkpoint_seconds:
                self._sync()
                synced = time.monotonic()
        failed = any(container.has_failed for container in self._containers)
        return _Ending.FAILED if failed else _Ending.DONE

    def _limit(self) -> _Ending | None:
        """Tell which limit of time it has come to, if any; what was interrupted counts as well."""
        limits = self._request["StoppingCondition"]
        trained = self._trained_seconds + time.monotonic() - self._began
        if trained > limits.get("MaxRuntimeInSeconds", 86_400):
            return _Ending.TOO_LONG
        waits = limits.get("MaxWaitTimeInSeconds")
        return _Ending.WAITED if waits and time.time() - self._record.created > waits else None

    def _end(self, ending: _Ending) -> _Ending:
        """End the containers that still run, and keep what they wrote."""
        if ending is _Ending.INTERRUPTED:
            self._record.enter("Interrupted", "Training job interrupted: spot capacity was taken")
        # those that failed by themselves: the others are ended because of them
        self._culprits = [container for container in self._containers if container.has_failed]
        for container in self._containers:
            container.signal("SIGTERM")
        deadline = time.monotonic() + self._place.grace_seconds
        while not all(container.has_ended for container in self._containers):
            if time.monotonic() > deadline or self._record.abandoned.is_set():
                for container in self._containers:
                    container.signal("SIGKILL")
                deadline = float("inf")
            time.sleep(_POLL_SECONDS)
        self._sync()
        if ending is _Ending.INTERRUPTED:
            self._trained_seconds += time.monotonic() - self._began
            self._clear()
            self._checkpoints.known.clear()
            self._record.enter("Starting", "Starting the training job again")
        return ending

    def _sync(self) -> None:
        if self._checkpoints.uri:
            for container in self._containers:
                known = self._checkpoints.known.setdefault(container.folders.host, {})
                self._place.storage.store_changes(
                    container.folders.checkpoints, self._checkpoints.uri, known
                )

    def _settle(self, ending: _Ending) -> None:
        """Store the result, and say how it ended."""
        record = self._record
        if ending is _Ending.FAILED:
            if self._culprits:
                reason = failure_reason(self._culprits)
                self._clear()
                record.fail(reason)
            return
        if ending in _LIMITS:
            record.enter(*_LIMITS[ending])
        if self._containers and not record.abandoned.is_set():
            record.enter("Uploading", "Uploading generated training model")
            uri = store_result(self._place.storage, self._request, self._containers)
            record.keep_artifacts(uri)
        self._clear()
        if ending is _Ending.DONE:
            record.enter("Completed", "Training job completed", status=COMPLETED)
        else:
            stopped = ("Stopped", "Training job stopped")
            record.enter(*_LIMITS.get(ending, stopped), status=STOPPED)

    def _close_logs(self) -> None:
        for log in self._log_files:
            log.close()
        self._log_files.clear()

    def _clear(self) -> None:
        """Remove containers, network and files."""
        try:
            for container in self._containers:
                container.remove()
            if self._network:
                self._place.engine.call(["network", "rm", self._network])
        finally:
            self._network = ""
            self._containers.clear()
            self._close_logs()
            shutil.rmtree(self._folder, ignore_errors=True)


def _label_args(labels: Mapping[str, str]) -> list[str]:
    return [part for pair in labels.items() for part in ("--label", "=".join(pair))]
