"""What a container on this machine may take, and what it is given."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ..._core.errors import ConfigError
from .training_variables import training_variables

__all__ = ["ContainerOptions"]

_GIB = 2**30
_LEAST_MEMORY_BYTES = 6 * 2**20  # the engine refuses less
# a run is found by its container's name, and settled by what is left of a container that has ended
_RUNS_OWN = ("--name", "--rm", "--detach", "-d", "--restart", "--cidfile")


@dataclass(frozen=True, kw_only=True)
class ContainerOptions:
    """The limits and settings of a container.

    Attributes
    ----------
    memory_gib
        How much memory it may take, in GiB, swap included; no limit if ``None``.
    cpus
        How much processor time it may take, in processors; no limit if ``None``.
    gpus
        Which GPUs it sees, in the words of ``docker run --gpus``: ``"all"``, a number, or
        ``"device=0,1"``.
    shm_gib
        The size of ``/dev/shm``, in GiB, which data loaders of several processes use.
    environment
        Variables of the training: name to value, or just the names of those that are set here. No
        command line shows the values.
    timeout_seconds
        How long it may run. Then it is asked to stop, as by SIGTERM; its checkpoints are kept.
    network
        The network it is in; ``"none"`` for none.
    docker_options
        Further options of ``docker run``, each word one text. Those that name, restart or remove
        the container are the run's own.

    Raises
    ------
    ConfigError
        A value cannot be used, or a variable is not set here.

    Example
    -------
    >>> ContainerOptions(memory_gib=2, network="none").arguments
    ('--memory', '2147483648', '--memory-swap', '2147483648', '--network', 'none')
    """

    memory_gib: float | None = None
    cpus: float | None = None
    gpus: str | int | None = None
    shm_gib: float | None = None
    environment: Mapping[str, str] | Sequence[str] = field(default_factory=dict)
    timeout_seconds: float | None = None
    network: str | None = None
    docker_options: Sequence[str] = ()

    def __post_init__(self) -> None:
        for name in ("memory_gib", "cpus", "shm_gib", "timeout_seconds"):
            value = getattr(self, name)
            if value is not None and not _is_positive(value):
                raise ConfigError(f"{name} is {value!r}", hint="Give a number above 0, or None.")
        if self.memory_gib is not None and self.memory_gib * _GIB < _LEAST_MEMORY_BYTES:
            raise ConfigError(
                f"memory_gib is {self.memory_gib!r}, less than the engine allows",
                hint="It counts GiB: 0.5 is 512 MiB. The least are 6 MiB.",
            )
        if isinstance(self.docker_options, str):
            raise ConfigError(
                f"docker_options is a text: {self.docker_options!r}", hint="Give a list of texts."
            )
        _check_options(self.docker_options)
        _ = self.variables  # a variable that is not set is told before anything happens

    @property
    def variables(self) -> dict[str, str]:
        """The variables with their values."""
        return training_variables(self.environment)

    @property
    def arguments(self) -> tuple[str, ...]:
        """The options of ``docker run`` that they come to."""
        arguments: list[str] = []
        if self.memory_gib is not None:
            size = str(round(self.memory_gib * _GIB))
            arguments += ["--memory", size, "--memory-swap", size]
        if self.cpus is not None:
            arguments += ["--cpus", f"{self.cpus:g}"]
        if self.gpus is not None:
            arguments += ["--gpus", str(self.gpus)]
        if self.shm_gib is not None:
            arguments += ["--shm-size", str(round(self.shm_gib * _GIB))]
        if self.network is not None:
            arguments += ["--network", self.network]
        return (*arguments, *self.docker_options)


def _is_positive(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return math.isfinite(value * _GIB) and value > 0


def _check_options(options: Sequence[str]) -> None:
    for option in options:
        if not isinstance(option, str):
            raise ConfigError(
                f"docker_options has {option!r} in it",
                hint="Give a list of texts: ['--gpus', '1'].",
            )
        if option.partition("=")[0] in _RUNS_OWN:
            raise ConfigError(
                f"docker_options has {option!r} in it, which would keep the run from being found",
                hint="Leave it out: containers are named, watched and removed as their runs are.",
            )
    if options and not options[0].startswith("-"):
        raise ConfigError(
            f"docker_options begins with {options[0]!r}, which is no option",
            hint="Options of `docker run` begin with a dash.",
        )
