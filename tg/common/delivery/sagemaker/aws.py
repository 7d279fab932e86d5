"""AWS, reached by one shared session."""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..._core.errors import AwsCredentialsError, ConfigError, MissingDependencyError
from ..._core.suggestions import did_you_mean
from .aws_errors import translated

__all__ = ["AwsClients", "AwsIdentity", "translated"]

_ATTEMPTS = 10
_CONNECT_SECONDS = 10
_READ_SECONDS = 60
_HASTY_SECONDS = 5
_CONNECTIONS = 32  # of one client: as many threads can use it without waiting
_SESSIONS = 8  # kept at a time


@dataclass(frozen=True, kw_only=True)
class AwsIdentity:
    """Who asks AWS.

    Attributes
    ----------
    account
        The twelve digits of the account.
    arn
        The user or role.
    """

    account: str
    arn: str


@dataclass(kw_only=True)
class _Shared:
    """A session with its clients; boto3's sessions need a lock, its clients none."""

    session: Any
    region: str
    clients: dict[tuple[str, int], Any] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)


class AwsClients:
    """Gives boto3's clients, all from one session per profile and region in this process.

    Requests that fail are sent again, and slower when AWS asks for that. Variables such as
    ``AWS_PROFILE``, ``AWS_REGION`` and ``AWS_ENDPOINT_URL_S3`` hold as they are whenever a
    client is asked for: if they, or the files of credentials, change, the next client is a new one.
    May be used by several threads at a time, and can be pickled.

    Parameters
    ----------
    profile
        Of the files in ``~/.aws``; ``AWS_PROFILE``, or ``default``, if ``None``.
    region
        Such as ``eu-central-1``; that of the environment or of the profile if ``None``.
    attempts
        How often a request is sent at most. The last pauses between ten are of up to 20 seconds.

    Raises
    ------
    ConfigError
        There is to be no attempt.

    Example
    -------
    >>> AwsClients(region="eu-central-1")
    AwsClients(profile=None, region='eu-central-1')
    """

    def __init__(
        self, profile: str | None = None, region: str | None = None, *, attempts: int = _ATTEMPTS
    ) -> None:
        if attempts < 1:
            raise ConfigError(f"attempts={attempts!r}", hint="A request is sent once or more.")
        self.profile = profile
        self.attempts = attempts
        self._region = region

    def __repr__(self) -> str:
        return f"AwsClients(profile={self.profile!r}, region={self._region!r})"

    def with_attempts(self, attempts: int) -> AwsClients:
        """Give the same with another number of attempts."""
        return AwsClients(self.profile, self._region, attempts=attempts)

    @property
    def region(self) -> str:
        """The region that is asked.

        Raises
        ------
        ConfigError
            None is set, or there is no such profile.
        """
        return self._shared().region

    @property
    def settings_key(self) -> str:
        """Another text for other settings: profile, region, variables, files of credentials."""
        return f"{self.profile} {self._region} {_environment_key()}"

    def client(self, service: str, *, is_patient: bool = True) -> Any:
        """Give the client of a service; nothing is sent.

        Parameters
        ----------
        service
            As boto3 calls it: ``"s3"``, ``"sagemaker"``, ``"ecr"``.
        is_patient
            Whether it asks again and again where no answer comes. One that is not gives up after
            some seconds: for what can be done without.

        Raises
        ------
        MissingDependencyError
            boto3 is not installed.
        AwsCredentialsError
            There are no credentials.
        ConfigError
            There is no such service, profile or region.
        """
        shared = self._shared()
        key = service, self.attempts if is_patient else 0
        found = shared.clients.get(key)
        if found is not None:
            return found
        with shared.lock, translated(f"making the client of {service}"):
            if key not in shared.clients:
                _check_credentials(shared.session, self.profile)
                config = _client_config(self.attempts) if is_patient else _hasty_config()
                shared.clients[key] = shared.session.client(service, config=config)
            return shared.clients[key]

    def known_regions(self) -> list[str]:
        """Give the regions that the installed boto3 knows, of all parts of AWS."""
        shared = self._shared()
        with shared.lock, translated("listing the regions"):
            parts = shared.session.get_available_partitions()
            return [
                region
                for part in parts
                for region in shared.session.get_available_regions("ec2", partition_name=part)
            ]

    def identity(self, *, is_patient: bool = True) -> AwsIdentity:
        """Ask AWS whose credentials these are.

        Parameters
        ----------
        is_patient
            As of :meth:`client`.

        Raises
        ------
        AwsCredentialsError
            They are wrong or have expired.
        """
        client = self.client("sts", is_patient=is_patient)
        with translated("GetCallerIdentity"):
            answer = client.get_caller_identity()
        return AwsIdentity(account=answer["Account"], arn=answer["Arn"])

    def _shared(self) -> _Shared:
        return _SESSION_POOL.get(self.profile, self._region)


class _SessionPool:
    """The sessions of this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sessions: dict[tuple[object, ...], _Shared] = {}
        self._owner = os.getpid()

    def get(self, profile: str | None, region: str | None) -> _Shared:
        if self._owner != os.getpid():
            # after a fork: connections are the parent's, and a lock may have been taken there
            self._lock, self._sessions, self._owner = threading.Lock(), {}, os.getpid()
        key = (profile, region, _environment_key())
        with self._lock:
            if key not in self._sessions:
                if len(self._sessions) >= _SESSIONS:
                    self._sessions.pop(next(iter(self._sessions)))
                self._sessions[key] = _open_session(profile, region)
            return self._sessions[key]


def _environment_key() -> str:
    """Hash all that decides where a session's settings and credentials come from."""
    variables = sorted((k, v) for k, v in os.environ.items() if k.startswith("AWS_"))
    files: list[object] = []
    for variable, default in (
        ("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials"),
        ("AWS_CONFIG_FILE", "~/.aws/config"),
    ):
        try:
            status = Path(os.environ.get(variable) or default).expanduser().stat()
        except (OSError, RuntimeError):  # not there, or no home folder to look in
            continue
        files.append((variable, status.st_mtime_ns, status.st_size))
    return hashlib.sha256(json.dumps([variables, files]).encode()).hexdigest()


def _open_session(profile: str | None, region: str | None) -> _Shared:
    boto3 = _boto3()
    make: Callable[..., Any] = boto3.Session
    with translated("reading the AWS profile"):
        known = make().available_profiles if profile is not None else [profile]
        if profile not in known:
            raise ConfigError(
                f"there is no AWS profile {profile!r}",
                hint=did_you_mean(str(profile), known, what="profiles"),
            )
        # AWS's other tools read AWS_REGION, boto3 the older AWS_DEFAULT_REGION alone
        wanted = region or os.environ.get("AWS_REGION")
        session = make(profile_name=profile, region_name=wanted)
        found = session.region_name
    if not found:
        raise ConfigError(
            "no AWS region is set",
            hint="Pass region='eu-central-1' or another one, set AWS_REGION, or add `region` to "
            "the profile in ~/.aws/config.",
        )
    return _Shared(session=session, region=found)


def _boto3() -> Any:
    try:
        import boto3  # noqa: PLC0415 (optional, and slow to import)
    except ImportError as exc:
        raise MissingDependencyError(
            f"AWS cannot be reached without the library boto3: {exc}",
            hint='Install it: pip install "training-grounds[aws]".',
        ) from exc
    return boto3


def _hasty_config() -> Any:
    from botocore.config import Config  # noqa: PLC0415 (comes with boto3)

    return Config(
        retries={"mode": "standard", "total_max_attempts": 2},
        connect_timeout=_HASTY_SECONDS,
        read_timeout=_HASTY_SECONDS,
    )


def _client_config(attempts: int) -> Any:
    from botocore.config import Config  # noqa: PLC0415 (comes with boto3)

    return Config(
        retries={"mode": "adaptive", "total_max_attempts": attempts},
        connect_timeout=_CONNECT_SECONDS,
        read_timeout=_READ_SECONDS,
        max_pool_connections=_CONNECTIONS,
    )


def _check_credentials(session: Any, profile: str | None) -> None:
    if session.get_credentials() is None:
        where = f"for the profile {profile!r}" if profile else "here"
        raise AwsCredentialsError(
            f"there are no AWS credentials {where}",
            code="NoCredentialsError",
            hint="Log in (`aws sso login` or `aws configure`), pass the name of a profile, or set "
            "AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
        )


_SESSION_POOL = _SessionPool()
