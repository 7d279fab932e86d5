"""`tg doctor`: what stands between a training and its place."""

from __future__ import annotations

import contextlib
import copy
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import typer

from ..common._core.errors import ConfigError
from ..common._core.loc import Loc
from ..common.contract.task import TrainingTask
from ..common.delivery.delivery.containering import Containering
from ..common.delivery.sagemaker.aws import AwsClients
from ..common.delivery.sagemaker.checkup import Checkup
from ..common.delivery.sagemaker.config import SagemakerConfig
from ..common.delivery.sagemaker.ecr_pusher import EcrPusher
from ..common.delivery.sagemaker.examination import AccountExamination, LocalExamination
from ..common.delivery.sagemaker.options import SagemakerOptions
from ..common.delivery.sagemaker.remote_executor import SagemakerRemoteExecutor
from ..common.delivery.sagemaker.remote_options import RemoteOptions
from ..common.delivery.sagemaker.routine import SagemakerRoutine
from ..common.delivery.sagemaker.training_role import configured_role
from .command import command
from .output import Output
from .task_reference import load_reference
from .wording import in_commands

__all__ = ["register_doctor"]

_WANTED = "a SagemakerRoutine, an executor or a task"

Reference = Annotated[
    str | None,
    typer.Argument(
        metavar="[TASK]",
        show_default=False,
        help="module:attribute or file.py[:attribute] of a SagemakerRoutine, an executor or a "
        "task, whose data, code and settings are looked at as well.",
    ),
]
Bucket = Annotated[
    str | None, typer.Option("--bucket", metavar="NAME", help="The bucket of data and results.")
]
Role = Annotated[
    str | None,
    typer.Option("--role", metavar="ARN", help="The role of trainings; AWS_ROLE if left out."),
]
InstanceType = Annotated[
    str | None,
    typer.Option("--instance-type", metavar="TYPE", help="Whether the account may use it."),
]
Project = Annotated[
    str | None, typer.Option("--project", metavar="NAME", help="The project of the dataset.")
]
Dataset = Annotated[
    str | None,
    typer.Option(
        "--dataset", metavar="NAME", help="A file or folder in the project's folder of datasets."
    ),
]
Profile = Annotated[
    str | None, typer.Option("--profile", metavar="NAME", help="Of the files in ~/.aws.")
]
Region = Annotated[str | None, typer.Option("--region", metavar="NAME", help="Of AWS.")]
Local = Annotated[
    bool, typer.Option("--local", help="Only what containers on this machine need: nothing of AWS.")
]


@dataclass(frozen=True, kw_only=True)
class _Asked:
    """What was said on the command line; it comes before what a routine says."""

    bucket: str | None
    role: str | None
    instance_type: str | None
    project: str | None
    dataset: str | None
    profile: str | None
    region: str | None
    is_local: bool

    def checkup(self) -> Checkup:
        """Look at the machine and the account."""
        data = {} if self.dataset is None else {"training": self._dataset_path()}
        local = LocalExamination(
            containering=Containering("doctor", None),
            channels=data,
            for_sagemaker=not self.is_local,
        ).checkup()
        if self.is_local:
            return local
        clients = AwsClients(self.profile, self.region)
        account = AccountExamination(
            clients=clients,
            role_arn=self.role or configured_role(),
            bucket=self.bucket,
            project=self.project or "",
            options=self._options(None) if self.instance_type else None,
            repository=EcrPusher(clients).repository,
        )
        return local + account.checkup()

    def checkup_of(self, found: Any) -> Checkup:
        """Look at what something of the user's needs, too."""
        if isinstance(found, TrainingTask):
            found = self._routine(found)
        elif self.project is not None or self.dataset is not None:
            raise ConfigError(
                "a routine has a project and a dataset of its own",
                hint="Leave --project and --dataset out, or name a task.",
            )
        config = self._changed(found.config)
        if self.is_local:
            return LocalExamination.of(config, for_sagemaker=False).checkup()
        if isinstance(found, SagemakerRemoteExecutor) and not self._is_any:
            return found.checkup()
        options = self._options(getattr(found, "options", None))
        clients = AwsClients(self.profile, self.region)
        return SagemakerRemoteExecutor(config, options, clients=clients).checkup()

    @property
    def _is_any(self) -> bool:
        given = (self.bucket, self.role, self.instance_type, self.profile, self.region)
        return any(value is not None for value in given)

    def _dataset_path(self) -> Path:
        if self.project is None:
            raise ConfigError(
                f"the dataset {self.dataset!r} is of no project", hint="Add --project NAME."
            )
        folder = Loc.data_cache_path / "datasets"
        return SagemakerOptions(
            None, None, self.project, folder, str(self.dataset)
        ).local_dataset_path

    def _routine(self, task: TrainingTask) -> SagemakerRoutine:
        if self.project is None or self.dataset is None:
            raise ConfigError("a task alone has no data", hint="Add --project NAME --dataset NAME.")
        return SagemakerRoutine(task, self.dataset, self.project)

    def _options(self, own: object) -> RemoteOptions:
        options = own if isinstance(own, RemoteOptions) else RemoteOptions()
        if self.instance_type is None:
            return options
        return replace(options, instance_type=self.instance_type)

    def _changed(self, config: SagemakerConfig) -> SagemakerConfig:
        changed = copy.copy(config)
        changed.settings = copy.copy(config.settings)
        changed.settings.s3_bucket = self.bucket or config.settings.s3_bucket
        changed.settings.aws_role = self.role or config.settings.aws_role
        return changed


def register_doctor(app: typer.Typer) -> None:
    """Add ``doctor`` to the commands."""

    @command(app, "doctor")
    def doctor(
        output: Output,
        reference: Reference = None,
        *,
        bucket: Bucket = None,
        role: Role = None,
        instance_type: InstanceType = None,
        project: Project = None,
        dataset: Dataset = None,
        profile: Profile = None,
        region: Region = None,
        local: Local = False,
    ) -> None:
        """Look at this machine and at AWS, and say of each thing: pass, or what to do.

        Nothing is built, sent or changed. It ends with 1 if something failed; what could not be
        told is marked with a question mark, and is no failure.
        """
        asked = _Asked(
            bucket=bucket,
            role=role,
            instance_type=instance_type,
            project=project,
            dataset=dataset,
            profile=profile,
            region=region,
            is_local=local,
        )
        with contextlib.redirect_stdout(sys.stderr):  # what is imported here may print
            checkup = (
                asked.checkup()
                if reference is None
                else asked.checkup_of(
                    load_reference(reference, (_has_config, TrainingTask), _WANTED)
                )
            )
        if output.as_json:
            output.document({"is_well": checkup.is_well, "checks": _rows(checkup)})
        else:
            output.line(in_commands(str(checkup)))
        if not checkup.is_well:
            raise typer.Exit(1)


def _has_config(value: object) -> bool:
    """Whether it is a routine, of the library or the user's own, or an executor."""
    return isinstance(getattr(value, "config", None), SagemakerConfig)


def _rows(checkup: Checkup) -> list[Mapping[str, Any]]:
    return [
        {
            "name": check.name,
            "verdict": check.verdict,
            "finding": check.finding,
            "advice": in_commands(check.advice),
            "error": type(check.error).__name__ if check.error else None,
        }
        for check in checkup.checks
    ]
