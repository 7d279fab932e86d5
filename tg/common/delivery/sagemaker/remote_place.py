"""SageMaker as a place where trainings run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ...contract.run_state import RunState
from ..execution.place import PlaceOfRuns
from ..execution.run import Run
from .aws import AwsClients
from .cost import cost_of, estimate_cost
from .job_listing import job_states
from .remote_options import RemoteOptions
from .remote_run import RemoteRun

__all__ = ["RemotePlace"]


@dataclass(frozen=True, kw_only=True)
class RemotePlace(PlaceOfRuns):
    """SageMaker, as an account and the options of trainings see it.

    Attributes
    ----------
    options
        What trainings take.
    runs_folder
        Where results are kept on this machine.
    clients
        The services.
    """

    options: RemoteOptions
    runs_folder: Path
    clients: AwsClients = field(default_factory=AwsClients)

    @property
    def places(self) -> Sequence[str]:
        """The instance types that can be tried one after the other."""
        return self.options.instance_types

    def worst_cost(self, place: int = 0) -> float:
        """Give what one run may cost at most, in US dollars.

        Raises
        ------
        PriceUnknownError
            There is no price of the instance type.
        """
        return float(estimate_cost(self.options.at(place), self.clients.region).worst_usd)

    def cost(self, run: Run) -> float | None:
        """Give what a run has cost, in US dollars; ``None`` if it is not known."""
        if not isinstance(run, RemoteRun):
            return None
        described = run.describe()
        kind = described["ResourceConfig"]["InstanceType"]
        types = self.options.instance_types
        prices = self.options.at(types.index(kind)).prices if kind in types else self.options.prices
        cost = cost_of(described, self.clients.region, prices)
        return None if cost is None else float(cost.total_usd)

    def run(self, run_id: str) -> RemoteRun:
        """Find a training by its job's name.

        Raises
        ------
        RunNotFoundError
            There is no such job.
        """
        run = self.run_of(run_id)
        run.describe()
        return run

    def run_of(self, job_name: str) -> RemoteRun:
        """Give the training of a job, whether or not there is one."""
        return RemoteRun(job_name, self.clients, self.runs_folder, prices=self.options.prices)

    def states(self, run_ids: Iterable[str]) -> dict[str, RunState]:
        """Look up many runs at once: by lists of a hundred, where that is cheaper."""
        return job_states(self.clients, run_ids, lambda run_id: self.run_of(run_id).state)
