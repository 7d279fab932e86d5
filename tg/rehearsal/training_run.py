"""The course of one training job, from its start to its result in storage."""

from __future__ import annotations

import contextlib
import itertools
import logging
import shutil
import time
from collections.abc import Iterator

from ..common._core.errors import EngineError, EngineUnavailableError, TgError
from ..common.delivery.docker.containers import Containers
from .faults import Mishap
from .job_log import JobLog, MetricReader
from .job_network import JobNetwork
from .permissions import may_store
from .training_container import HostFolders, TrainingContainer, container_of
from .training_data import TrainingData
from .training_ending import BROKEN, LIMITS, NO_CAPACITY, NO_IMAGE, Ending, upload_reason
from .training_place import TrainingPlace
from .training_record import COMPLETED, STOPPED, TrainingRecord
from .training_result import failure_reason, result_uri, store_output, store_result

__all__ = ["TrainingRun"]

_LOGGER = logging.getLogger(__name__)
_POLL_SECONDS = 0.05
_SLOT_SECONDS = 0.5
_UPLOADING = "Uploading", "Uploading generated training model"


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
        self._mishap: Mishap | None = None
        self._trained_seconds = 0.0
        self._began = 0.0
        self._hosts = [f"algo-{number + 1}" for number in range(record.instances[1])]
        self._data = TrainingData(place.storage, self._request, self._hosts)
        self._network = JobNetwork(
            place.engine,
            self._prefix,
            place.labels,
            is_isolated=bool(self._request.get("EnableNetworkIsolation")),
        )

    def run(self) -> None:
        """Run it to its end; nothing of it is left on this machine."""
        try:
            with self._slot() as is_free:
                try:
                    self._settle(self._try_again_and_again() if is_free else Ending.STOPPED)
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

    def _try_again_and_again(self) -> Ending:
        """Try until it ends for good: spot instances come back, broken ones as often as asked."""
        left = int(self._request.get("RetryStrategy", {}).get("MaximumRetryAttempts", 0))
        for attempt in itertools.count(1):
            ending = self._try(attempt)
            if ending is Ending.BROKEN:
                if not left:
                    self._record.fail(BROKEN)
                    return Ending.FAILED
                left -= 1
                self._record.enter("Restarting", "Restarting the training job")
            elif ending is not Ending.INTERRUPTED:
                break
            self._record.enter("Starting", "Preparing the instances for training")
        return ending

    def _try(self, attempt: int) -> Ending:
        record = self._record
        record.interruption.clear()
        record.breakdown.clear()
        if not self._place.faults.has_capacity(record.instances[0]):
            record.fail(NO_CAPACITY)
            return Ending.FAILED
        if self._cannot_store(self._data.checkpoint_uri):
            return Ending.FAILED
        try:
            image = self._place.image_id(self._request["AlgorithmSpecification"]["TrainingImage"])
        except EngineUnavailableError:
            raise
        except EngineError as exc:
            _LOGGER.warning("no image for %s: %s", record.name, exc)
            record.fail(NO_IMAGE)
            return Ending.FAILED
        record.enter("Downloading", "Downloading input data")
        shutil.rmtree(self._folder, ignore_errors=True)
        hosts = self._data.prepare(self._folder / str(attempt))
        if record.stop_requested.is_set():
            return Ending.STOPPED
        message = "Training image download completed. Training in progress."
        record.enter("Training", message)
        self._start(hosts, image, attempt)
        return self._end(self._watch())

    def _start(self, hosts: list[HostFolders], image: str, attempt: int) -> None:
        record, place = self._record, self._place
        if len(hosts) > 1:
            self._network.create()
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
                network=self._network.name,
            )
            containers = Containers(place.engine)
            self._containers.append(TrainingContainer(containers, spec, folders, follow))

    def _watch(self) -> Ending:
        """Wait until it ends, or has to be ended."""
        record = self._record
        self._began = synced = time.monotonic()
        is_spot = bool(record.request.get("EnableManagedSpotTraining"))
        self._mishap = self._place.faults.mishap(record.name, is_spot=is_spot)
        while not all(container.has_ended for container in self._containers):
            if record.stop_requested.wait(_POLL_SECONDS):
                return Ending.STOPPED
            mishap = self._next_mishap()
            if mishap is not None:
                return mishap
            if any(container.has_failed for container in self._containers):
                return Ending.FAILED
            limit = self._limit()
            if limit is not None:
                return limit
            if time.monotonic() - synced > self._place.checkpoint_seconds:
                self._sync()
                synced = time.monotonic()
        failed = any(container.has_failed for container in self._containers)
        return Ending.FAILED if failed else Ending.DONE

    def _next_mishap(self) -> Ending | None:
        """Tell what happens to the instances now, if anything."""
        record, planned = self._record, self._mishap
        if planned is not None and time.monotonic() - self._began >= planned.seconds:
            self._mishap = None
            (record.interruption if planned.is_interruption else record.breakdown).set()
        if record.interruption.is_set():
            return Ending.INTERRUPTED
        return Ending.BROKEN if record.breakdown.is_set() else None

    def _limit(self) -> Ending | None:
        """Tell which limit of time it came to first, if any; what was interrupted counts as well.

        On a busy machine it may be past both when it is looked at.
        """
        limits = self._request["StoppingCondition"]
        trained = self._trained_seconds + time.monotonic() - self._began
        over = {Ending.TOO_LONG: trained - limits.get("MaxRuntimeInSeconds", 86_400)}
        if waits := limits.get("MaxWaitTimeInSeconds"):
            over[Ending.WAITED] = time.time() - self._record.created - waits
        ending = max(over, key=over.__getitem__)
        return ending if over[ending] > 0 else None

    def _end(self, ending: Ending) -> Ending:
        """End the containers that still run, and keep what they wrote."""
        if ending is Ending.INTERRUPTED:
            self._record.enter("Interrupted", "Training job interrupted: spot capacity was taken")
        # those that failed by themselves: the others are ended because of them
        self._culprits = [container for container in self._containers if container.has_failed]
        if ending is Ending.BROKEN:
            return self._lose(ending)
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
        return self._lose(ending) if ending is Ending.INTERRUPTED else ending

    def _lose(self, ending: Ending) -> Ending:
        """Lose the instances, with all that is not stored."""
        self._trained_seconds += time.monotonic() - self._began
        self._clear()
        return ending

    def _cannot_store(self, uri: str) -> bool:
        """Whether the job has failed because it may not store anything at an address."""
        trouble = self._place.rules.upload_trouble(uri, self._record.region) if uri else ""
        if uri and not trouble and not may_store(self._request["RoleArn"], uri):
            trouble = "AccessDenied: Access Denied"
        if trouble:
            self._clear()
            self._record.fail(upload_reason(uri, trouble))
        return bool(trouble)

    def _sync(self) -> None:
        self._data.keep_checkpoints([container.folders for container in self._containers])

    def _settle(self, ending: Ending) -> None:
        """Store the result, and say how it ended."""
        record = self._record
        if ending is Ending.FAILED:
            if self._culprits:
                self._settle_failure()
            return
        if ending in LIMITS:
            record.enter(*LIMITS[ending])
        if self._containers and not record.abandoned.is_set():
            record.enter(*_UPLOADING)
            if self._cannot_store(result_uri(self._request)):
                return
            uri = store_result(self._place.storage, self._request, self._containers)
            record.keep_artifacts(uri)
        self._clear()
        if ending is Ending.DONE:
            record.enter("Completed", "Training job completed", status=COMPLETED)
        else:
            stopped = ("Stopped", "Training job stopped")
            record.enter(*LIMITS.get(ending, stopped), status=STOPPED)

    def _settle_failure(self) -> None:
        """Store what a failed training has put out; its model is not kept."""
        reason = failure_reason(self._culprits)
        if not self._record.abandoned.is_set():
            self._record.enter(*_UPLOADING)
            if self._cannot_store(result_uri(self._request)):
                return
            store_output(self._place.storage, self._request, self._containers)
        self._clear()
        self._record.fail(reason)

    def _close_logs(self) -> None:
        for log in self._log_files:
            log.close()
        self._log_files.clear()

    def _clear(self) -> None:
        """Remove containers, network and files."""
        try:
            for container in self._containers:
                container.remove()
            self._network.remove()
        finally:
            self._containers.clear()
            self._close_logs()
            self._data.clear(self._folder)
