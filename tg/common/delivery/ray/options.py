"""How trainings run on a Ray cluster."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from ..._core.errors import ConfigError
from ..execution.training_variables import training_variables

__all__ = ["RayOptions"]

_LIBRARIES = ("uv", "none")


@dataclass(frozen=True, kw_only=True)
class RayOptions:
    """How trainings run on a Ray cluster.

    Attributes
    ----------
    address
        Where the cluster takes jobs, such as ``"http://head:8265"``; what Ray itself finds if not
        given: by ``RAY_API_SERVER_ADDRESS`` or ``RAY_ADDRESS``, or the cluster of this machine.
    shared_folder
        A folder that this machine and all nodes have under the same path: code, data, runs and
        results are kept there. If not given, the project's own folder must be such a one.
    libraries
        Who installs on the nodes what the package is locked to: ``"uv"``, once for each lock and
        node, as Ray's ``runtime_env`` does it; ``"none"`` if `python` has all.
    python
        With ``libraries="none"``, the interpreter on the nodes that runs trainings.
    cpus, gpus
        What each training takes of a node; Ray waits for a node that has so much left.
    memory_gib
        The same for memory, in GiB.
    resources
        The same for resources of the cluster's own.
    environment
        Variables for the training: name to value, or just the names of those that are set here.
    timeout_seconds
        How long a training may take; it is then stopped as by SIGTERM.

    Raises
    ------
    ConfigError
        A value cannot be used.

    Example
    -------
    >>> RayOptions(address="http://head:8265", cpus=2).request
    {'entrypoint_num_cpus': 2}
    """

    address: str | None = None
    shared_folder: Path | str | None = None
    libraries: str = "uv"
    python: str = "python3"
    cpus: float = 1
    gpus: float = 0
    memory_gib: float | None = None
    resources: Mapping[str, float] = field(default_factory=dict)
    environment: Mapping[str, str] | Sequence[str] = ()
    timeout_seconds: float | None = None

    def __post_init__(self) -> None:
        if self.libraries not in _LIBRARIES:
            raise ConfigError(
                f"libraries is {self.libraries!r}", hint=f"Use one of {', '.join(_LIBRARIES)}."
            )
        amounts = {
            "cpus": self.cpus,
            "gpus": self.gpus,
            "memory_gib": self.memory_gib,
            "timeout_seconds": self.timeout_seconds,
            **{f"resources[{name!r}]": amount for name, amount in self.resources.items()},
        }
        for name, amount in amounts.items():
            is_number = isinstance(amount, int | float) and not isinstance(amount, bool)
            if amount is not None and not (is_number and amount >= 0):
                raise ConfigError(f"{name} is {amount!r}", hint="Give a number, 0 or more.")
        if not self.request:
            # Ray runs a job that asks for nothing on the head node, any number at once
            raise ConfigError(
                "a training that takes nothing of a node would run on the head of the cluster",
                hint="Give cpus, gpus or resources: a fraction will do.",
            )
        if self.shared_folder is not None and not Path(self.shared_folder).is_absolute():
            raise ConfigError(
                f"shared_folder is {str(self.shared_folder)!r}",
                hint="Give an absolute path, which is the same on all nodes.",
            )

    @property
    def request(self) -> dict[str, Any]:
        """What a job asks of the cluster, in the words of Ray's jobs API."""
        asked: dict[str, Any] = {}
        if self.cpus:
            asked["entrypoint_num_cpus"] = self.cpus
        if self.gpus:
            asked["entrypoint_num_gpus"] = self.gpus
        if self.memory_gib:
            asked["entrypoint_memory"] = int(self.memory_gib * 2**30)
        if self.resources:
            asked["entrypoint_resources"] = dict(self.resources)
        return asked

    @cached_property
    def variables(self) -> dict[str, str]:
        """The variables of the training with their values.

        Raises
        ------
        ConfigError
            One is not set here, or cannot be a variable.
        """
        return training_variables(self.environment)

    def record(self) -> dict[str, Any]:
        """Write the options as JSON; variables that are given by name alone are looked up again."""
        environment = self.environment
        return {
            "address": self.address,
            "shared_folder": None if self.shared_folder is None else str(self.shared_folder),
            "libraries": self.libraries,
            "python": self.python,
            "cpus": self.cpus,
            "gpus": self.gpus,
            "memory_gib": self.memory_gib,
            "resources": dict(self.resources),
            "environment": dict(environment)
            if isinstance(environment, Mapping)
            else list(environment),
            "timeout_seconds": self.timeout_seconds,
        }
