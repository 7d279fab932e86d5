"""Trainings of several folds, which resume after the last one that was finished."""

from __future__ import annotations

import contextlib
import hashlib
import json
import random
import warnings
from collections.abc import Callable, Sequence
from enum import Enum
from pathlib import PurePath
from typing import Any

import numpy as np
import pandas as pd

from ...contract.environment import TrainingEnvironment
from ...contract.fields import walk_fields
from .split import DataFrameSplit

with warnings.catch_warnings():
    # In a notebook without ipywidgets tqdm draws its bar as text, and warns that it does.
    warnings.simplefilter("ignore")
    from tqdm.auto import tqdm

__all__ = ["Fold", "run_folds", "training_fingerprint"]

CHECKPOINT_PROTOCOL = 1

Fold = tuple[dict[str, float], dict[str, Any]]
"""The metrics and the artifacts of a finished fold."""


def run_folds(
    env: TrainingEnvironment,
    fold_count: int,
    train_fold: Callable[[int], Fold],
    *,
    fingerprint: str = "",
    silent: bool = False,
) -> list[dict[str, float]]:
    """Train fold after fold; store the artifacts of each under ``["runs", fold]``.

    After each fold but the last a checkpoint keeps all its artifacts, its metrics and the state
    of Python's and numpy's random generators. A training that is started again with the same
    checkpoints takes them from there and goes on, and so ends with the very result of a training
    that was never interrupted.

    Parameters
    ----------
    env
        The place where it runs.
    fold_count
        How many folds there are.
    train_fold
        Trains the fold of that number, from 0.
    fingerprint
        What data and settings the training has; checkpoints with another one are not used.
    silent
        Whether to show no progress bar.

    Returns
    -------
    list of dict
        The metrics of each fold.

    Example
    -------
    >>> from tg.common.contract.environment import InMemoryTrainingEnvironment
    >>> env = InMemoryTrainingEnvironment()
    >>> fold = lambda k: ({"loss": 0.5 * k}, {"model": f"model {k}"})
    >>> import io; from contextlib import redirect_stdout
    >>> with redirect_stdout(io.StringIO()):
    ...     metrics = run_folds(env, 2, fold, silent=True)
    >>> metrics
    [{'loss': 0.0}, {'loss': 0.5}]
    >>> env.result["runs"]
    {0: {'model': 'model 0'}, 1: {'model': 'model 1'}}
    """
    measured = []
    restoring = True
    # no argument unless it is asked for: TQDM_DISABLE has a say then
    with tqdm(total=fold_count, **({"disable": True} if silent else {})) as bar:
        for fold in range(fold_count):
            stage = f"stage {fold + 1}/{fold_count}"
            saved = _restore(env, fold, fingerprint, stage) if restoring else None
            if saved is None:
                restoring = False  # what follows a fold that is trained anew is trained anew
                env.log(f"Starting {stage}")
                metrics, artifacts = train_fold(fold)
                if fold + 1 < fold_count:
                    _save(env, fold, fingerprint, (metrics, artifacts))
            else:
                metrics, artifacts = saved
            for name, value in artifacts.items():
                env.store_artifact(["runs", fold], name, value)
            env.log(f"{'Restored' if saved else 'Completed'} {stage}")
            measured.append(metrics)
            bar.update()
    return measured


def _key(fold: int) -> str:
    return f"fold_{fold}"


def _save(env: TrainingEnvironment, fold: int, fingerprint: str, done: Fold) -> None:
    metrics, artifacts = done
    checkpoint = {
        "protocol": CHECKPOINT_PROTOCOL,
        "fingerprint": fingerprint,
        "metrics": dict(metrics),
        "artifacts": dict(artifacts),
        "random": (random.getstate(), np.random.get_state()),
    }
    env.save_checkpoint(_key(fold), checkpoint)


def _restore(env: TrainingEnvironment, fold: int, fingerprint: str, stage: str) -> Fold | None:
    saved = env.load_checkpoint(_key(fold))
    if saved is None:
        return None
    if (
        not isinstance(saved, dict)
        or saved.get("protocol") != CHECKPOINT_PROTOCOL
        or saved.get("fingerprint") != fingerprint
    ):
        env.log(f"The checkpoint of {stage} is of other data or settings and is not used")
        return None
    python_state, numpy_state = saved["random"]
    random.setstate(python_state)
    np.random.set_state(numpy_state)
    return saved["metrics"], saved["artifacts"]


def training_fingerprint(task: object, splits: Sequence[DataFrameSplit]) -> str:
    """Condense the settings of a task and its data into a short text.

    It is the same for the same settings and data in any process, and another one where a setting
    that is text, a number or a class, a cell of the frame or a split differs. ``info`` of the task
    is left out: it says nothing about the training.

    Example
    -------
    >>> df = pd.DataFrame({"x": [1.0, 2.0], "y": [0, 1]})
    >>> split = DataFrameSplit(df, ["x"], "y", df.index)
    >>> training_fingerprint({"alpha": 1}, [split]) == training_fingerprint({"alpha": 2}, [split])
    False
    """
    digest = hashlib.sha256(json.dumps(_settings(task)).encode())
    frames: dict[int, str] = {}
    for split in splits:
        if id(split.df) not in frames:
            frames[id(split.df)] = _hash_frame(split.df)
        about = [frames[id(split.df)], split.features, split.labels, split.info]
        digest.update(json.dumps(about, default=str).encode())
        for stage in split.stages:
            digest.update(f"{stage}:{len(split.index_of(stage))}:".encode())
            digest.update(split.positions(stage).tobytes())
    return digest.hexdigest()[:32]


def _settings(task: object) -> list[tuple[str, str]]:
    settings = []
    for path, value in walk_fields(task):
        if path == "info" or path.startswith("info.") or path == "silent":
            continue
        if value is None or isinstance(value, bool | int | float | str | Enum | PurePath):
            settings.append((path, repr(value)))
        else:
            # repr of an object may have its address, which another process does not share
            named = value if hasattr(value, "__qualname__") else type(value)
            settings.append((path, f"{named.__module__}:{named.__qualname__}"))
    return settings


def _hash_frame(df: pd.DataFrame) -> str:
    about = [(str(column), str(dtype)) for column, dtype in df.dtypes.items()]
    digest = hashlib.sha256(json.dumps([df.shape, about]).encode())
    with contextlib.suppress(TypeError):
        # Raised by cells that have no hash, such as lists: shape and columns have to do then.
        digest.update(pd.util.hash_pandas_object(df, index=True).to_numpy().tobytes())
    return digest.hexdigest()
