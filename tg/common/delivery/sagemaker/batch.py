"""Many tasks of one SageMaker project, to run wherever."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from dataclasses import replace

from ...contract.task import TrainingTask
from ..execution.batch_executor import BatchExecutor
from ..execution.batch_source import FreshSource
from ..execution.package_batch import PackageBatch
from ..execution.request import TrainingRequest
from ..execution.task_payload import TaskPayloads
from ..runtime.channel_job import ChannelJob
from .config import SagemakerConfig
from .job import SagemakerJob

__all__ = ["make_batch"]


def make_batch(
    config: SagemakerConfig,
    executor: BatchExecutor,
    tasks: Mapping[str, TrainingTask],
    batch_id: str = "",
) -> PackageBatch:
    """Take many tasks that share what else a configuration says.

    Parameters
    ----------
    config
        The package's name and settings, and the data.
    executor
        Where they run.
    tasks
        Name to task.
    batch_id
        Tells the batch from others of the same tasks.

    Raises
    ------
    ConfigError
        The dataset is not there, or a name cannot be used.
    """
    jobs = {name: SagemakerJob(_named(task, name)) for name, task in tasks.items()}
    payloads = TaskPayloads.of(jobs)
    request = _shared_request(config, payloads.modules)
    executor.check(request)
    folder = config.runs_folder.parent / "payloads"
    return PackageBatch(payloads.write(folder), FreshSource(executor, request), batch_id)


def _named(task: TrainingTask, name: str) -> TrainingTask:
    """Give a task that has a name: a copy, if it has none; the user's is left as it is."""
    info = getattr(task, "info", None)
    if not isinstance(info, dict) or "name" in info:
        return task
    try:
        named = copy.copy(task)  # its values are pickled at once, and are not changed here
    except Exception:  # noqa: BLE001 it may raise anything; to pickle the task tells what is wrong
        return task
    info = copy.copy(info)
    info["name"] = name
    object.__setattr__(named, "info", info)  # of a frozen task as well
    return named


def _shared_request(config: SagemakerConfig, modules: Iterable[str]) -> TrainingRequest:
    """Fix what all tasks share; the modules that any of them leads to travel in the package."""
    job = ChannelJob()
    packaging = copy.copy(config.packaging)
    packaging.payload = {"job": job}
    packaging.include_modules = sorted({*packaging.include_modules, *modules})
    return replace(config.request(None), job=job, packaging=packaging)
