"""The services that the rehearsal answers itself: each region has its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, MutableMapping

from .bucket_rules import BucketRules
from .ecr import ContainerRegistryService
from .gateway import Operation
from .quotas import QuotaService
from .registry import ImageRegistry
from .training_jobs import TrainingJobs
from .training_record import TrainingRecord
from .tuning_jobs import TuningJobs
from .validation import check_account

__all__ = ["RegionalServices"]

_SETTLE_SECONDS = 30.0


class RegionalServices:
    """Makes the services of a region when it is asked for first.

    Parameters
    ----------
    region
        Where a request belongs that does not say so.
    quotas
        Instance type to how many instances of it may be in use at once, in each region.
    registry
        Holds the images of all regions.
    rules
        Whose buckets are whose.
    run
        Runs one job to its end; called in a thread of its own.
    """

    def __init__(
        self,
        region: str,
        quotas: MutableMapping[str, int],
        registry: ImageRegistry,
        rules: BucketRules,
        run: Callable[[TrainingRecord], None],
    ) -> None:
        self._region = region
        self._quotas = quotas
        self._registry = registry
        self._rules = rules
        self._run = run
        self._lock = threading.Lock()
        self._jobs: dict[str, TrainingJobs] = {}
        self._tunings: dict[str, TuningJobs] = {}
        self._operations: dict[str, Mapping[str, Operation]] = {}

    def operations(self, region: str) -> Mapping[str, Operation]:
        """Give the operations of a region, by their targets."""
        name = region or self._region
        with self._lock:
            if name not in self._operations:
                self._operations[name] = self._made(name)
            return self._operations[name]

    def jobs(self, region: str) -> TrainingJobs:
        """Give the training jobs of a region."""
        self.operations(region)
        return self._jobs[region or self._region]

    def find(self, job_name: str) -> TrainingRecord | None:
        """Give the job of that name, of whatever region."""
        found = [jobs.find(job_name) for jobs in list(self._jobs.values())]
        return next((record for record in found if record is not None), None)

    @property
    def job_count(self) -> int:
        """How many jobs were taken."""
        return sum(jobs.count for jobs in list(self._jobs.values()))

    def cancel(self) -> None:
        """Take no more jobs, and give up those that run."""
        for tunings in list(self._tunings.values()):
            tunings.cancel()
        for jobs in list(self._jobs.values()):
            jobs.cancel()

    def settle(self) -> None:
        """Wait until all jobs have ended."""
        deadline = time.monotonic() + _SETTLE_SECONDS
        for jobs in list(self._jobs.values()):
            jobs.settle(deadline)
        for tunings in list(self._tunings.values()):
            tunings.settle(deadline)

    def _made(self, region: str) -> Mapping[str, Operation]:
        jobs = self._jobs[region] = TrainingJobs(region, self._quotas, self._rules, self._run)
        tunings = self._tunings[region] = TuningJobs(
            region, jobs, lambda request: check_account(request, region, self._rules)
        )
        return {
            **jobs.operations,
            **tunings.operations,
            **ContainerRegistryService(self._registry, region).operations,
            **QuotaService(self._quotas, region).operations,
        }
