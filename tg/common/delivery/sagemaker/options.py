"""Where data are, where results go, and on whose behalf."""

from __future__ import annotations

from pathlib import Path

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
        The dataset: a file or folder in the project's folder.
    """

    def __init__(
        self,
        aws_role: str | None,
        s3_bucket: str | None,
        project_name: str,
        local_dataset_storage: Path | str,
        dataset: str,
    ) -> None:
        self.aws_role = aws_role
        self.s3_bucket = s3_bucket
        self.project_name = project_name
        self.local_dataset_storage = Path(local_dataset_storage)
        self.dataset = dataset

    @property
    def local_dataset_path(self) -> Path:
        """The dataset on this machine."""
        return (self.local_dataset_storage / self.project_name / self.dataset).absolute()
