"""The executor whose trainings run at SageMaker."""

from __future__ import annotations

import copy
import json
import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Protocol

from ..._core.errors import AwsError
from ...contract.run_state import RunState
from ..delivery.training_image import Image
from ..execution.provenance import git_provenance
from ..execution.request import TrainingRequest
from .aws import AwsClients
from .check import Finding
from .checkup import Checkup
from .config import SagemakerConfig
from .cost import CostEstimate, check_cost, estimate_cost
from .dataset_upload import upload_dataset
from .ecr_pusher import EcrPusher
from .examination import AccountExamination, LocalExamination
from .executors import FollowingExecutor
from .job_creation import create_job
from .preflight import PLATFORM, Preflight, check_name, check_platform
from .remote_options import RemoteOptions
from .remote_run import RemoteRun
from .s3_layout import S3Layout
from .submission import SubmissionNote
from .training_job import TrainingJob
from .training_role import configured_role

__all__ = ["ImagePusher", "SagemakerRemoteExecutor"]

_LOGGER = logging.getLogger(__name__)


class ImagePusher(Protocol):
    """Brings an image to where SageMaker gets it."""

    def push(self, image: Image) -> str:
        """Push it unless it is there, and give its address."""


class SagemakerRemoteExecutor(FollowingExecutor):
    """Runs the job at SageMaker.

    The same training submitted again is the same job, as long as it runs or its result was not
    fetched: its name is made of the hash of its code, data and settings. After that it is trained
    anew, and after a failure it resumes from its checkpoints; these jobs are called as the first
    with ``-r2``, ``-r3`` and so on.

    Parameters
    ----------
    config
        What is run.
    options
        What it takes.
    clients
        The services; those of the environment's credentials and region if ``None``.
    pusher
        Brings the image to a registry; to the account's own if ``None``.
    """

    def __init__(
        self,
        config: SagemakerConfig,
        options: RemoteOptions | None = None,
        *,
        clients: AwsClients | None = None,
        pusher: ImagePusher | None = None,
    ) -> None:
        super().__init__(config)
        self.options = options or RemoteOptions()
        self._clients = clients or AwsClients()
        self._pusher = pusher

    def submit(self, hyperparameters: Mapping[str, Any] | None = None) -> RemoteRun:
        """Pack, build, push and upload what is not there yet, and start the training.

        Returns
        -------
        RemoteRun
            The training; one that runs already if it is the same.

        Raises
        ------
        ConfigError
            Something cannot work; nothing was built.
        CostLimitError
            It could cost more than ``max_cost``; nothing was built.
        ImageBuildError
            The image could not be built.
        AwsError
            A service refused something.
        """
        request = self.config.request(hyperparameters)
        layout = self.config.settings.s3_layout
        # all that can be refused without an image is refused now
        self._check(request, layout)
        preflight = self._preflight(layout)
        preflight.require()
        package = request.packaging.make_package()
        containering = copy.copy(self.config.containering)
        containering.platform = containering.platform or PLATFORM
        image = containering.make_container(package)
        locations = {
            name: upload_dataset(self._clients, layout, self._dataset_name(name), path)
            for name, path in request.channels.items()
        }
        job = self._job(request, layout, image=image, locations=locations)
        return self._start(job, preflight)

    def checkup(self, hyperparameters: Mapping[str, Any] | None = None) -> Checkup:
        """Look at all that a submission needs, without making anything.

        Submitting looks at the part of it that costs nothing by itself.

        Returns
        -------
        Checkup
            It prints with a line for each thing: ``pass``, or what to do.
        """
        settings = self.config.settings
        pusher = self._pusher or EcrPusher(self._clients)
        account = AccountExamination(
            clients=self._clients,
            role_arn=self._role_arn,
            bucket=settings.s3_bucket or None,
            options=self.options,
            repository=pusher.repository if isinstance(pusher, EcrPusher) else None,
        )
        local = LocalExamination.of(self.config, for_sagemaker=True)
        request = Checkup.of([("request", lambda: self._acceptable(hyperparameters))])
        return request + local.checkup() + account.checkup()

    def cost(self, seconds: int | None = None) -> CostEstimate:
        """Tell what a training may cost, before it is submitted.

        Parameters
        ----------
        seconds
            How long it is going to train, for the typical cost; all the time it is given if
            ``None``.

        Raises
        ------
        PriceUnknownError
            There is no price of its instances: give one in `RemoteOptions`.
        """
        return estimate_cost(self.options, self._clients.region, seconds=seconds)

    def run(self, run_id: str) -> RemoteRun:
        """Find a training by its job's name.

        Raises
        ------
        RunNotFoundError
            There is no such job.
        """
        run = self._run_of(run_id)
        run.describe()
        return run

    def _run_of(self, job_name: str) -> RemoteRun:
        return RemoteRun(
            job_name, self._clients, self.config.runs_folder, prices=self.options.prices
        )

    def _acceptable(self, hyperparameters: Mapping[str, Any] | None) -> Finding:
        self._check(self.config.request(hyperparameters), self.config.settings.s3_layout)
        return Finding(text="names, hyperparameters and settings are what SageMaker takes")

    def _check(self, request: TrainingRequest, layout: S3Layout) -> None:
        check_name(request.name)
        check_platform(self.config.containering.platform)
        self._job(request, layout, image=None, locations={})
        check_cost(self.options, self._clients.region)

    def _preflight(self, layout: S3Layout) -> Preflight:
        return Preflight(
            self._clients,
            role_arn=self._role_arn,
            bucket=layout.bucket,
            options=self.options,
        )

    def _start(self, job: TrainingJob, preflight: Preflight) -> RemoteRun:
        """Create the job, or find it; after its end the next attempt has another name."""
        attempt = 1
        while True:
            run = self._run_of(job.name(attempt))
            note = SubmissionNote(self.config.runs_folder, run.id)
            was_open = note.is_open
            note.open()
            request = job.request(run.id, _variables(run.id))
            try:
                existing = create_job(self._clients, request, run.describe)
            except AwsError as exc:
                preflight.explain(exc)
                raise
            if existing is None:
                return run
            state = RunState(existing["TrainingJobStatus"])
            if not state.is_final:
                _LOGGER.info("the training job %s runs already", run.id)
                return run
            if was_open and state is RunState.COMPLETED:
                _LOGGER.info("the result of %s was not fetched yet: it is not trained anew", run.id)
                return run
            note.close()
            run.discard_checkpoints(existing)
            attempt += 1

    def _job(
        self,
        request: TrainingRequest,
        layout: S3Layout,
        *,
        image: Image | None,
        locations: Mapping[str, Any],
    ) -> TrainingJob:
        pusher = self._pusher or EcrPusher(self._clients)
        return TrainingJob(
            base_name=request.name,
            content_hash="" if image is None else image.content_hash,
            data_hash="".join(locations[name].content_hash for name in sorted(locations)),
            image_uri="" if image is None else pusher.push(image),
            role_arn=self._role_arn,
            channels={name: location.uri for name, location in locations.items()},
            layout=layout,
            hyperparameters=request.hyperparameters,
            options=self.options,
        )

    @property
    def _role_arn(self) -> str | None:
        return self.config.settings.aws_role or configured_role()

    def _dataset_name(self, channel: str) -> str:
        settings = self.config.settings
        return settings.channels.get(channel, settings.dataset)


def _variables(run_id: str) -> dict[str, str]:
    provenance = {
        "run_id": run_id,
        "executor": "remote",
        "started_at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        **git_provenance(),
    }
    return {"TG_PROVENANCE": json.dumps(provenance)}
