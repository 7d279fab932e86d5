"""All that a SageMaker training is made of."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..._core.loc import Loc
from ..delivery.containering import Containering
from ..delivery.packaging import Packaging
from ..execution.request import TrainingRequest, hyperparameters_as_text
from .job import SagemakerJob
from .model_trainer import make_model_trainer
from .options import SagemakerOptions
from .s3_layout import checked_project
from .trainer_options import TrainerOptions
from .tuner import make_tuner

if TYPE_CHECKING:
    from sagemaker.train import ModelTrainer
    from sagemaker.train.tuner import HyperparameterTuner

__all__ = ["SagemakerConfig"]


class SagemakerConfig:
    """A job, how it is packed, what its image is, and where it runs.

    Parameters
    ----------
    job
        What runs.
    packaging
        Packs it.
    containering
        Describes the image.
    settings
        Where data are and results go.
    """

    def __init__(
        self,
        job: SagemakerJob,
        packaging: Packaging,
        containering: Containering,
        settings: SagemakerOptions,
    ) -> None:
        self.job = job
        self.packaging = packaging
        self.containering = containering
        self.settings = settings

    @property
    def runs_folder(self) -> Path:
        """Where this machine keeps the project's runs and their results.

        Raises
        ------
        NamingError
            The project's name cannot be that of a folder.
        """
        project = checked_project(self.settings.project_name)
        return Loc.data_cache_path / "sagemaker" / project / "output"

    def request(self, hyperparameters: Mapping[str, Any] | None) -> TrainingRequest:
        """Fix what is to be run on this machine, and check it.

        Raises
        ------
        ConfigError
            The dataset is not there, or a name or a hyperparameter cannot be used.
        """
        return TrainingRequest(
            name=self.packaging.name,
            job=self.job,
            packaging=self.packaging,
            dataset=self.settings.local_dataset_path,
            further_channels={
                name: self.settings.local_path(data)
                for name, data in self.settings.channels.items()
            },
            hyperparameters=hyperparameters_as_text(hyperparameters),
            runs_folder=self.runs_folder,
        )

    def model_trainer(self, **options: Any) -> ModelTrainer:
        """Give the SageMaker SDK's ``ModelTrainer`` over the image that the executors run.

        Its ``train()`` trains in the SDK's local container mode, which needs Docker Compose, or at
        SageMaker if ``instance_type`` is one of SageMaker's. The local result, also that of a
        training that failed, is ``compressed_artifacts/model.tar.gz`` in the trainer's
        ``local_container_root``; ``ResultLoader`` opens it.

        Parameters
        ----------
        **options
            The fields of :class:`TrainerOptions`: ``instance_type``, ``hyperparameters``, …

        Raises
        ------
        MissingDependencyError
            The SDK is not installed: ``pip install "training-grounds[sagemaker]"``.
        ConfigError
            There is no such option, or a value cannot be used; nothing was built.
        EngineUnavailableError, ImageBuildError
            The image cannot be made.

        Notes
        -----
        :class:`SagemakerLocalExecutor` has none of the limits of the SDK's local mode, as of 3.27:
        ``train(wait=False)`` archives an empty result while the container still runs; an interrupt
        is swallowed and may leave the container running; a container and the network
        ``sagemaker-local`` are left in any case; the training runs as the image's user, root, and
        so do its files belong to root; there are no checkpoints, and data can be written to.
        """
        return make_model_trainer(self, TrainerOptions.of(options))

    def tuner(
        self, ranges: Mapping[str, Any], objective: str, **options: Any
    ) -> HyperparameterTuner:
        """Give the SageMaker SDK's ``HyperparameterTuner`` over the image that the executors run.

        Its ``tune()`` has SageMaker start trainings of the task, each with other values of the
        hyperparameters, and its ``best_training_job()`` names the best one:
        ``SagemakerRemoteExecutor.load_result`` opens its result, as that of any job. Image and data
        are brought to SageMaker if they are not there yet, unless `options` name an image.

        Parameters
        ----------
        ranges
            ``path.to.field:type`` to a `ContinuousRange`, an `IntegerRange`, or a list of values.
        objective
            The metric that is to be as great as can be, or as small.
        **options
            The fields of :class:`TunerOptions`: ``goal``, ``strategy``, ``max_jobs``, …, and those
            of :class:`TrainerOptions` for each training: ``instance_type``, ``hyperparameters``, …

        Raises
        ------
        MissingDependencyError
            The SDK is not installed: ``pip install "training-grounds[sagemaker]"``.
        HyperparameterError
            The task has no such field, or it does not take what the range has for it.
        ConfigError
            There is no such option, or a value cannot be used; nothing was built.
        EngineUnavailableError, ImageBuildError, PushError, AwsError
            Image or data cannot be brought there.

        Notes
        -----
        Each training of a tuner has a folder of its own for checkpoints below ``checkpoint_uri``.
        The log of a training says so if it has not reported the objective.
        """
        return make_tuner(self, ranges, objective, options)
