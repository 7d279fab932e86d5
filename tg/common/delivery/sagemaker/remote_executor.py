"""The executor whose trainings run at SageMaker."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from ..delivery.packaging import Package
from ..execution.batch_executor import FollowingExecutor
from ..execution.provenance import git_provenance
from ..execution.request import TrainingRequest
from .aws import AwsClients
from .check import Finding
from .checkup import Checkup
from .config import SagemakerConfig
from .cost import CostEstimate, check_cost, estimate_cost
from .ecr_pusher import EcrPusher
from .examination import AccountExamination, LocalExamination
from .executors import SagemakerExecutor
from .preflight import Preflight, check_name, check_platform
from .publication import ImagePusher, publish
from .remote_launcher import RemoteLauncher
from .remote_options import RemoteOptions
from .remote_place import RemotePlace
from .remote_run import RemoteRun
from .s3_layout import S3Layout
from .training_job import TrainingJob
from .training_role import configured_role

__all__ = ["SagemakerRemoteExecutor"]


class SagemakerRemoteExecutor(FollowingExecutor, SagemakerExecutor):
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

    kind = RemoteLauncher.kind

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
        return cast("RemoteRun", super().submit(hyperparameters))

    def prepare(self, request: TrainingRequest, package: Package) -> RemoteLauncher:
        """Build, push and upload what is not there yet."""
        published = publish(self.config, request, package, self._clients, self._pusher)
        return RemoteLauncher(
            name=request.name,
            image_uri=published.image_uri,
            image_hash=published.image_hash,
            channels=published.channels,
            data_hash=published.data_hash,
            role_arn=self._role_arn,
            layout=self.config.settings.s3_layout,
            options=self.options,
            runs_folder=request.runs_folder,
            provenance=git_provenance(),
            clients=self._clients,
        )

    def check(self, request: TrainingRequest) -> None:
        """Refuse what cannot work, as far as that is known before anything is packed."""
        layout = self.config.settings.s3_layout
        self._check(request, layout)
        for place in range(len(self.options.instance_types)):
            Preflight(
                self._clients,
                role_arn=self._role_arn,
                bucket=layout.bucket,
                options=self.options.at(place),
                project=layout.project,
            ).require()

    @property
    def place(self) -> RemotePlace:
        """SageMaker, with the instance types that a sweep may try one after the other."""
        return RemotePlace(
            options=self.options, runs_folder=self.config.runs_folder, clients=self._clients
        )

    @property
    def scope(self) -> str:
        """What tells the runs of its batches from those of other executors."""
        return f"{self.kind} {self.config.settings.s3_layout.output}"

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
            project=settings.project_name,
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
        return self.place.run(run_id)

    def _acceptable(self, hyperparameters: Mapping[str, Any] | None) -> Finding:
        self._check(self.config.request(hyperparameters), self.config.settings.s3_layout)
        return Finding(text="names, hyperparameters and settings are what SageMaker takes")

    def _check(self, request: TrainingRequest, layout: S3Layout) -> None:
        check_name(request.name)
        check_platform(self.config.containering.platform)
        TrainingJob(
            base_name=request.name,
            content_hash="",
            data_hash="",
            image_uri="",
            role_arn=self._role_arn,
            channels=dict.fromkeys(request.channels, ""),
            layout=layout,
            hyperparameters=request.hyperparameters,
            options=self.options,
        )
        for place in range(len(self.options.instance_types)):
            check_cost(self.options.at(place), self._clients.region)

    @property
    def _role_arn(self) -> str | None:
        return self.config.settings.aws_role or configured_role()
