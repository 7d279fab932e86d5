"""The names that users import. A name that goes or moves breaks their notebooks."""

from __future__ import annotations

import importlib

import pytest

NAMES = {
    "tg.common": ["Loc", "Logger", "errors"],
    "tg.common.contract": [
        "InMemoryTrainingEnvironment",
        "RunState",
        "TrainingEnvironment",
        "TrainingTask",
        "apply_hyperparameters",
    ],
    "tg.common.delivery.delivery": [
        "Containering",
        "DependencyList",
        "EntryPoint",
        "Package",
        "Packaging",
        "install_package_and_get_loader",
        "load_package",
    ],
    "tg.common.delivery.docker": ["Containers", "DockerEngine", "ImageStore"],
    "tg.common.delivery.execution": [
        "ContainerOptions",
        "Executor",
        "FailureKind",
        "ResultLoader",
        "Run",
        "TaskBatch",
        "open_batch",
    ],
    "tg.common.delivery.ray": ["RayExecutor", "RayOptions"],
    "tg.common.delivery.sagemaker": [
        "Autonamer",
        "CategoricalRange",
        "ContinuousRange",
        "DOCKERFILE_TEMPLATE",
        "IntegerRange",
        "RemoteOptions",
        "SagemakerAttachedExecutor",
        "SagemakerConfig",
        "SagemakerEnvironment",
        "SagemakerJob",
        "SagemakerLocalExecutor",
        "SagemakerOptions",
        "SagemakerProcessExecutor",
        "SagemakerRemoteExecutor",
        "SagemakerRoutine",
    ],
    "tg.common.delivery.sweep": [
        "Integers",
        "MedianStopping",
        "MlflowMirror",
        "OptunaSweep",
        "Pace",
        "RetryPolicy",
        "Sweep",
        "SweepStatus",
        "TaskRow",
        "TaskState",
        "Transition",
        "Uniform",
        "draw",
    ],
}


@pytest.mark.parametrize("package", NAMES)
def test_public_names_are_these_and_can_be_imported(package: str) -> None:
    module = importlib.import_module(package)
    assert sorted(module.__all__) == sorted(NAMES[package])
    for name in NAMES[package]:
        assert getattr(module, name) is not None
        assert name in dir(module)
    with pytest.raises(AttributeError, match="no_such_name"):
        module.no_such_name  # noqa: B018 - asking for it is the test
