"""The rules that a name has to follow at the place where it is used."""

from __future__ import annotations

import keyword
import re
from dataclasses import dataclass, field

from ..._core.errors import NamingError

__all__ = [
    "DOCKER_REPOSITORY",
    "DOCKER_TAG",
    "PYTHON_MODULE",
    "S3_KEY",
    "SAGEMAKER_JOB",
    "TARGETS",
    "Target",
]


@dataclass(frozen=True, kw_only=True)
class Target:
    """Where a name is used, and what it may look like there.

    Parameters
    ----------
    title
        What such a name is called in an error message.
    pattern
        What the whole name must match. Only ASCII may match, so that characters are bytes.
    limit
        The greatest length in characters.
    joiner
        What stands between the parameters of a name; two of them stand before a hash.
    verbatim
        Which of ``.`` and ``_`` stand for themselves within a value.
    lower_case
        Capitals are not allowed or not told apart.
    reserved
        Names that match the pattern and yet cannot be used.
    digest_length
        The length of the hash that replaces what does not fit, at 5 bits a character.

    Example
    -------
    >>> SAGEMAKER_JOB.is_legal("LR1-NS10-5"), SAGEMAKER_JOB.is_legal("lr_1")
    (True, False)
    """

    title: str
    pattern: str
    limit: int
    joiner: str = "-"
    verbatim: str = ""
    lower_case: bool = False
    reserved: frozenset[str] = frozenset()
    digest_length: int = 12
    _compiled: re.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_compiled", re.compile(self.pattern))

    def is_legal(self, name: str) -> bool:
        """Whether a name can be used here."""
        if len(name) > self.limit or name in self.reserved:
            return False
        return self._compiled.fullmatch(name) is not None

    def check(self, name: str) -> str:
        """Refuse a name that cannot be used.

        Parameters
        ----------
        name
            Any text.

        Returns
        -------
        str
            The name as it is.

        Raises
        ------
        NamingError
            If the name is too long, reserved, or does not match the pattern.
        """
        if len(name) > self.limit:
            raise NamingError(
                f"{name!r} has {len(name)} characters and a {self.title} at most {self.limit}",
                hint="Make it shorter.",
            )
        if not self.is_legal(name):
            what = "is reserved" if name in self.reserved else f"does not match {self.pattern}"
            raise NamingError(
                f"{name!r} cannot be a {self.title}: it {what}", hint="Choose another name."
            )
        return name


SAGEMAKER_JOB = Target(
    # CreateTrainingJob, TrainingJobName
    title="SageMaker job name",
    # The documented ^[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}$ without its nested repetition
    pattern=r"[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?",
    limit=63,
)
DOCKER_TAG = Target(
    # distribution/reference, tag
    title="Docker tag",
    pattern=r"[A-Za-z0-9_][A-Za-z0-9._-]*",
    limit=128,
    verbatim="._",
)
DOCKER_REPOSITORY = Target(
    # distribution/reference, path-component; 255 for the whole name
    title="Docker repository",
    pattern=r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*",
    limit=255,
    lower_case=True,
)
PYTHON_MODULE = Target(
    title="Python module name",
    pattern=r"[A-Za-z_][A-Za-z0-9_]*",
    # file systems take 255 bytes, of which a version and .cpython-311.opt-1.pyc want their share
    limit=200,
    joiner="_",
    # many file systems do not tell A from a
    lower_case=True,
    reserved=frozenset(keyword.kwlist),
)
S3_KEY = Target(
    # "Safe characters" of the S3 user guide, without parts that a browser or shell would resolve
    title="S3 key",
    pattern=r"(?:(?!\.{1,2}(?:/|$))[A-Za-z0-9!_.*'()-]+(?:/(?!$)|$))+",
    limit=1024,
    verbatim="._",
)
TARGETS = (SAGEMAKER_JOB, DOCKER_TAG, DOCKER_REPOSITORY, PYTHON_MODULE, S3_KEY)
