"""All that is looked at before a training."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from ..delivery.containering import Containering
from ..delivery.packaging import Packaging
from .aws import AwsClients
from .aws_account import AwsAccount
from .check import Check, Finding, Verdict
from .checkup import Checkup, Look
from .config import SagemakerConfig
from .instance_quota import InstanceQuota, check_instance_type
from .local_machine import LocalMachine
from .preflight import PLATFORM, check_platform
from .remote_options import RemoteOptions
from .training_inputs import look_at_data, look_at_package

__all__ = ["AccountExamination", "LocalExamination"]

_T = TypeVar("_T")


@dataclass(frozen=True, kw_only=True)
class LocalExamination:
    """What is looked at on this machine.

    Attributes
    ----------
    containering
        Describes the image; its engine is looked at.
    packaging
        Packs the code; nothing is packed if ``None``.
    channels
        The data: name of the channel to file or folder.
    for_sagemaker
        Whether the image is to run on SageMaker's instances.
    """

    containering: Containering
    packaging: Packaging | None = None
    channels: Mapping[str, Path] = field(default_factory=dict)
    for_sagemaker: bool = False

    @classmethod
    def of(cls, config: SagemakerConfig, *, for_sagemaker: bool) -> LocalExamination:
        """Look at what a training of that configuration needs."""
        settings = config.settings
        named = {"training": settings.dataset, **settings.channels}
        return cls(
            containering=config.containering,
            packaging=config.packaging,
            channels={name: settings.local_path(dataset) for name, dataset in named.items()},
            for_sagemaker=for_sagemaker,
        )

    def checkup(self) -> Checkup:
        """Look at everything; what needs the engine is left if there is none."""
        machine = LocalMachine(self.containering)
        engine = Checkup.of([("engine", machine.engine)])
        needing: list[Look] = [
            ("python", machine.python),
            ("image platform", lambda: self._platform(machine)),
            ("room for images", machine.engine_room),
        ]
        inputs = [("room for work", machine.work_room), *self._inputs()]
        return engine + _if_well(engine, needing) + Checkup.of(inputs)

    def _inputs(self) -> Iterator[Look]:
        for name, path in self.channels.items():
            yield f"data of {name}", _bound(look_at_data, path)
        if self.packaging is not None:
            yield "package", _bound(look_at_package, self.packaging)

    def _platform(self, machine: LocalMachine) -> Finding:
        if self.for_sagemaker:
            check_platform(self.containering.platform)
            return machine.platform(PLATFORM)
        if self.containering.platform is None:
            return Finding(text="the engine's own")
        return machine.platform(self.containering.platform)


@dataclass(frozen=True, kw_only=True)
class AccountExamination:
    """What is looked at at AWS. Nothing is changed there.

    Attributes
    ----------
    clients
        The connections.
    role_arn
        The role that a training takes; not looked at if ``None``.
    bucket
        The bucket of data and results; not looked at if ``None``.
    project
        Whose keys in the bucket this identity has to list at least; of all projects if empty.
    options
        What a training takes; instance type and quota are not looked at if ``None``.
    repository
        The repository of images; no registry is looked at if ``None``.
    """

    clients: AwsClients
    role_arn: str | None = None
    bucket: str | None = None
    project: str = ""
    options: RemoteOptions | None = None
    repository: str | None = None

    def checkup(self) -> Checkup:
        """Look at everything; without an identity, at nothing else."""
        account = AwsAccount(self.clients)
        found = Checkup.of([("region", account.region)])
        found += _if_well(found, [("identity", lambda: account.identity(self.role_arn))])
        return found + _if_well(found, list(self._further(account)))

    def _further(self, account: AwsAccount) -> Iterator[Look]:
        if self.role_arn is not None:
            yield "role", _bound(account.role, self.role_arn)
        if self.bucket is not None:
            yield "bucket", self._bucket_look(account, self.bucket)
        if self.repository is not None:
            yield "registry", _bound(account.registry, self.repository)
        if self.options is not None:
            options = self.options
            quota = InstanceQuota(self.clients, options.instance_type, is_spot=options.is_spot)
            yield (
                "instance type",
                lambda: check_instance_type(self.clients, options.instance_type),
            )
            yield "quota", _bound(quota.look, options.instance_count)

    def _bucket_look(self, account: AwsAccount, bucket: str) -> Callable[[], Finding]:
        named = self.options.bucket_account if self.options else None
        return lambda: account.bucket(
            bucket, named or self.clients.identity(is_patient=False).account, self.project
        )


def _bound(look: Callable[[_T], Finding], value: _T) -> Callable[[], Finding]:
    return lambda: look(value)


def _if_well(first: Checkup, looks: list[Look]) -> Checkup:
    """Take the looks if nothing has failed so far; they could only fail of the same."""
    if first.is_well:
        return Checkup.of(looks)
    [failed, *_] = first.failed
    return Checkup(
        checks=tuple(
            Check(
                name=name,
                verdict=Verdict.UNKNOWN,
                finding="not looked at",
                advice=f"See to the {failed.name} first.",
            )
            for name, _ in looks
        )
    )
