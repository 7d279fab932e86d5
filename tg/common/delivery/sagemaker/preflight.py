"""What is looked at before a training is packed, built or sent."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from ..._core.errors import AwsError, ConfigError, NamingError
from ..delivery.machine import machine_of
from .aws import AwsClients
from .aws_account import AwsAccount
from .aws_errors import is_transient
from .check import Finding
from .checkup import Checkup, Look
from .instance_quota import check_instance_type
from .remote_options import RemoteOptions
from .training_role import RoleArn

__all__ = ["PLATFORM", "Preflight", "check_name", "check_platform"]

PLATFORM = "linux/amd64"  # of all of SageMaker's instances for trainings
# a job is called NAME-DIGEST-rATTEMPT: of 63 characters these are left for the name
_LONGEST_NAME = 63 - len("-") - 16 - len("-r99")
# what a service says if it is asked for something that role, bucket or rights do not allow
_REFUSALS = ("ValidationException", "AccessDeniedException", "AccessDenied")


class Preflight:
    """Refuses what cannot work before anything is made for it.

    What is known on this machine is looked at each time. Identity, role and bucket are asked for
    once in a process, in parallel, and again after SageMaker has refused a training. An answer
    that does not come, or that this identity may not have, refuses nothing.

    Parameters
    ----------
    clients
        The connections.
    role_arn
        The role that the training takes.
    bucket
        The bucket of data and results.
    options
        What the training takes.
    project
        Whose keys this identity has to list at least; those of all projects if empty.
    """

    _passed: set[tuple[str | None, ...]] = set()  # noqa: RUF012 of this process

    def __init__(
        self,
        clients: AwsClients,
        *,
        role_arn: str | None,
        bucket: str,
        options: RemoteOptions,
        project: str = "",
    ) -> None:
        self._clients = clients
        self._role_arn = role_arn
        self._bucket = bucket
        self._options = options
        self._project = project

    def require(self) -> None:
        """Raise if something is in the way.

        Raises
        ------
        ConfigError
            Region, instance type or the role's account cannot be used.
        AwsCredentialsError
            There are no credentials, or they are wrong or have expired.
        AwsNotFoundError
            There is no such bucket or role.
        AwsPermissionError
            The bucket is somebody else's, or SageMaker may not take the role.
        """
        role = RoleArn.parse(self._role_arn)
        key = (
            self._clients.settings_key,
            self._role_arn,
            self._bucket,
            self._project,
            self._owner(role),
        )
        check_instance_type(self._clients, self._options.instance_type)
        if key in self._passed:
            return
        account = AwsAccount(self._clients)
        account.region()
        looks: list[Look] = [
            ("identity", lambda: account.identity(self._role_arn)),
            ("bucket", lambda: account.bucket(self._bucket, self._owner(role), self._project)),
            ("role", lambda: account.role(self._role_arn)),
        ]
        _raise_sure(looks)
        self._passed.add(key)

    def explain(self, refusal: AwsError) -> None:
        """Raise what is behind SageMaker's refusal, if it can be told; look at everything anew.

        Raises
        ------
        ConfigError, AwsError
            As :meth:`require`, with the refusal as its cause.
        """
        if refusal.code not in _REFUSALS:
            return
        self._passed.clear()
        try:
            self.require()
        except (AwsError, ConfigError) as exc:
            raise exc from refusal

    def _owner(self, role: RoleArn) -> str:
        return self._options.bucket_account or role.account


def check_name(name: str) -> Finding:
    """Look whether a job can be called so with all that tells it from others behind the name.

    Raises
    ------
    NamingError
        The name is too long.

    Example
    -------
    >>> check_name("SingleFrameTrainingTask").text
    'SingleFrameTrainingTask'
    """
    if len(name) > _LONGEST_NAME:
        raise NamingError(
            f"the name {name!r} has {len(name)} characters, and SageMaker's job names leave "
            f"{_LONGEST_NAME} for it",
            hint="Give a shorter one: SagemakerRoutine(..., name=...).",
        )
    return Finding(text=name)


def check_platform(platform: str | None) -> Finding:
    """Look whether an image runs on SageMaker's instances.

    Parameters
    ----------
    platform
        What is asked for; SageMaker's own if ``None``.

    Raises
    ------
    ConfigError
        It does not.
    """
    if platform is not None and machine_of(platform) != machine_of(PLATFORM):
        raise ConfigError(
            f"the image is to be for {platform}",
            hint=f"SageMaker trains on {PLATFORM}: leave containering.platform out.",
        )
    return Finding(text=PLATFORM)


def _raise_sure(looks: list[Look]) -> None:
    """Take all looks at once, and raise the first failure that is one for sure."""
    with ThreadPoolExecutor(len(looks)) as pool:
        checkup = Checkup.of(_in_parallel(pool, looks))
    sure = tuple(check for check in checkup.failed if check.error and not is_transient(check.error))
    Checkup(checks=sure).raise_failed()


def _in_parallel(pool: ThreadPoolExecutor, looks: list[Look]) -> list[Look]:
    return [(name, pool.submit(look).result) for name, look in looks]
