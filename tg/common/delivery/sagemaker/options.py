"""Where data are, where results go, and on whose behalf."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePath

from ..._core.errors import ConfigError
from .s3_layout import S3Layout

__all__ = ["SagemakerOptions"]


class SagemakerOptions:
    """The settings of SageMaker trainings of one project.

    Parameters
    ----------
    aws_role
        The role that a remote training takes; not needed on this machine.
    s3_bucket
        The bucket of datasets and results; not needed on this machine.
    project_name
        Datasets stand in ``[bucket]/sagemaker/[project_name]/datasets/``, results go to
        ``[bucket]/sagemaker/[project_name]/output``.
    local_dataset_storage
        The folder on this machine that holds a folder of datasets for each project.
    dataset
        The dataset: a file or folder in the project's folder. A training finds it in the channel
        ``training``.
    channels
        Further data: the channel's name to a file or folder in the project's folder. A training
        finds them in ``env.channels``.
    """

    def __init__(
        self,
        aws_role: str | None,
        s3_bucket: str | None,
        project_name: str,
        local_dataset_storage: Path | str,
        dataset: str,
        *,
        channels: Mapping[str, str] | None = None,
    ) -> None:
        self.aws_role = aws_role
        self.s3_bucket = s3_bucket
        self.project_name = project_name
        self.local_dataset_storage = Path(local_dataset_storage)
        self.dataset = dataset
        self.channels = dict(channels or {})

    @property
    def local_dataset_path(self) -> Path:
        """The dataset on this machine."""
        return self.local_path(self.dataset)

    @property
    def s3_layout(self) -> S3Layout:
        """Where data, results and checkpoints of the project stand in S3.

        Raises
        ------
        ConfigError
            There is no bucket, or it or the project cannot be called so.
        """
        if not self.s3_bucket:
            raise ConfigError(
                "there is no bucket for data and results",
                hint="Give one: SagemakerRoutine(..., bucket=...), settings.s3_bucket, or "
                "TG_BUCKET of the environment.",
            )
        return S3Layout(self.s3_bucket, self.project_name)

    def local_path(self, dataset: str) -> Path:
        """Give where a dataset of the project lies on this machine.

        Raises
        ------
        ConfigError
            It is no path below the project's folder.
        """
        folder = (self.local_dataset_storage / self.project_name).absolute()
        if not dataset or PurePath(dataset).is_absolute() or ".." in PurePath(dataset).parts:
            raise ConfigError(
                f"the dataset {dataset!r} is no path below the project's folder of datasets",
                hint=f"Name a file or folder in {folder}.",
            )
        return folder / dataset
