"""What is to be run, fixed before anything happens."""

from __future__ import annotations

import copy
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..._core.errors import ConfigError, DatasetNotFoundError
from ..._core.file_hashes import FILE_HASHES
from ..delivery.packaging import Package, Packaging
from ..delivery.payload import pickle_payload
from ..runtime.folders import JOB_CHANNEL, MAIN_CHANNEL
from .data_sample import sample_of

__all__ = ["TrainingRequest", "copy_of_task", "digest_of", "hyperparameters_as_text"]

_HASHED_BYTES = 1 << 30
# ChannelName of the SageMaker API's type Channel
_CHANNEL = re.compile(r"(?!\.\.?\Z)[A-Za-z0-9._-]{1,64}\Z")


@dataclass(frozen=True, kw_only=True)
class TrainingRequest:
    """One training, complete.

    Attributes
    ----------
    name
        What the run is called; a part of its id.
    job
        Wraps the task; ``job.task`` is trained.
    packaging
        Packs the job.
    dataset
        A file or folder on this machine: the channel ``training``.
    further_channels
        Name to file or folder of all other channels.
    hyperparameters
        ``path.to.field:type`` to text, as a platform hands them over.
    runs_folder
        Where runs and their results are kept.

    Raises
    ------
    DatasetNotFoundError
        There is no dataset.
    HyperparameterError
        The task has no such field, or the value has the wrong type.
    ConfigError
        A hyperparameter is not text.
    UnpicklableError
        The task, which hyperparameters are tried on a copy of, cannot be copied.
    """

    name: str
    job: Any
    packaging: Packaging
    dataset: Path
    further_channels: Mapping[str, Path] = field(default_factory=dict)
    hyperparameters: Mapping[str, str] = field(default_factory=dict)
    runs_folder: Path

    def __post_init__(self) -> None:
        for name, path in self.channels.items():
            if not _CHANNEL.match(name) or name == JOB_CHANNEL:
                raise ConfigError(
                    f"no channel may be called {name!r}",
                    hint="Use at most 64 letters, digits, dots, dashes and underscores; "
                    f"{JOB_CHANNEL!r} is taken.",
                )
            if not path.exists():
                raise DatasetNotFoundError(
                    f"there is no dataset at {path}",
                    hint="Put it there, or give another folder, project or file name.",
                )
        for key, value in self.hyperparameters.items():
            if not isinstance(key, str) or not isinstance(value, str):
                raise ConfigError(
                    f"the hyperparameter {key!r} has the value {value!r}",
                    hint="Both travel as text: call hyperparameters_as_text first.",
                )
        if self.hyperparameters:
            self.copy_task().apply_hyperparameters(self.hyperparameters)

    @property
    def channels(self) -> dict[str, Path]:
        """All data by the name of their channel."""
        return {**self.further_channels, MAIN_CHANNEL: self.dataset}

    def copy_task(self) -> Any:
        """Give a copy of the task, so that the user's own is not changed."""
        return copy_of_task(self.job.task)

    def fingerprint(self, package: Package) -> str:
        """Tell this training from every other: by its code, hyperparameters and data."""
        return digest_of(
            package.manifest.content_hash, dict(self.hyperparameters), self.data_fingerprint()
        )

    def data_fingerprint(self) -> str:
        """Tell these data from others: by the names and the content of their files.

        Files of more than 1 GiB, which would take long to be read, are told apart by size, time and
        samples instead.
        """
        return digest_of(
            *(
                (name, path.relative_to(data.parent).as_posix(), _content_of(path))
                for name, data in sorted(self.channels.items())
                for path in (sorted(data.rglob("*")) if data.is_dir() else [data])
                if path.is_file()
            )
        )


def _content_of(path: Path) -> str:
    """Tell a file's content from others; one that cannot be read is the training's to tell."""
    status = path.stat()
    if status.st_size > _HASHED_BYTES:
        sample = sample_of(path, status.st_size)
        return f"{status.st_size} {status.st_mtime_ns} {sample}"
    try:
        return FILE_HASHES.sha256(path, status)
    except OSError:
        return ""


def digest_of(*parts: Any) -> str:
    """Give 32 hexadecimal digits that tell these values, which have JSON, from others.

    Example
    -------
    >>> digest_of("a", 1) == digest_of("a", 1), digest_of("a", 1) == digest_of("a", "1")
    (True, False)
    """
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


def copy_of_task(task: Any) -> Any:
    """Copy a task, to be changed or trained.

    Raises
    ------
    UnpicklableError
        Naming the attribute that cannot be copied.
    ConfigError
        The task's own ``__deepcopy__`` fails.
    """
    try:
        return copy.deepcopy(task)
    except Exception as exc:
        pickle_payload(task, name="task")  # names the attribute that is to blame
        raise ConfigError(
            f"the task cannot be copied: {exc}",
            hint="It can be pickled, but its __deepcopy__ fails: mend that.",
        ) from exc


def hyperparameters_as_text(values: Mapping[str, Any] | None) -> dict[str, str]:
    """Write hyperparameters as a platform hands them over: strings as they are, others as JSON.

    Raises
    ------
    ConfigError
        A value has no JSON.
    """
    texts = {}
    for key, value in (values or {}).items():
        try:
            texts[key] = value if isinstance(value, str) else json.dumps(value)
        except (TypeError, ValueError) as exc:
            raise ConfigError(
                f"the hyperparameter {key!r} has the value {value!r}, which is not JSON",
                hint="Use text, numbers, booleans, lists or dictionaries.",
            ) from exc
    return texts
