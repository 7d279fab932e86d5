"""From a task to a result and back, on the breast cancer data that scikit-learn ships.

Trains in this process, as a package in a fresh interpreter, and in a container if an engine
answers. Shows that all agree, and opens the result with today's code and with the code that made
it.
"""

from __future__ import annotations

import sys
from pathlib import Path

from sklearn.datasets import load_breast_cancer
from sklearn.metrics import roc_auc_score

from tg.common import Loc, errors
from tg.common.delivery.sagemaker import SagemakerRoutine
from tg.common.ml import dft
from tg.common.ml import single_frame_training as sft

PROJECT = "demo"
DATASET = "breast_cancer.parquet"


def write_dataset(folder: Path) -> None:
    frame = load_breast_cancer(as_frame=True).frame
    path = folder / PROJECT / DATASET
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.to_parquet(path)


def build_task() -> sft.SingleFrameTrainingTask:
    return sft.SingleFrameTrainingTask(
        data_loader=sft.DataFrameLoader("target"),
        model_provider=sft.ModelProvider(
            sft.ModelConstructor("sklearn.linear_model:LogisticRegression", max_iter=1000),
            transformer=dft.DataFrameTransformerFactory.default_factory(),
            keep_column_names=False,
        ),
        evaluator=sft.Evaluation.binary_classification,
        splitter=sft.FoldSplitter(3),
        metrics_pool=sft.MetricPool().add_sklearn(roc_auc_score),
    )


def train_in_container(routine: SagemakerRoutine) -> dict[str, float] | None:
    routine.config.containering.silent = False  # the first build takes a while
    executor = routine.local()
    try:
        return executor.run(executor.execute()).result().metrics
    except errors.EngineError as error:
        print(f"Left out. {error}")
        return None


def main() -> int:
    datasets = Loc.data_cache_path / "datasets"
    write_dataset(datasets)
    routine = SagemakerRoutine(build_task(), DATASET, PROJECT, datasets_folder=datasets)

    print("1. Train in this process")
    attached = routine.attached().execute()["metrics"]

    print("\n2. Pack the code as it is now, and train in a fresh interpreter")
    executor = routine.process()
    run_id = executor.execute()

    print("\n3. Train the same package in a container on this machine")
    container = train_in_container(routine)

    print("\n4. What the archive of the process's result holds")
    result = executor.load_result(run_id)

    print("\n5. The metrics of all places")
    places = {"attached": attached, "process": result.metrics}
    if container is not None:
        places["container"] = container
    for name in attached:
        print(
            name, *(f"{place} {metrics[name]!r}" for place, metrics in places.items()), sep="\n  "
        )

    print("\n6. The same task, opened twice")
    today = result.unpickle("runs/0/training_task.pkl")
    packaged = result.unpickle("runs/0/training_task.pkl", code="package")
    print("with today's code:          ", type(today))
    print("with the code that made it: ", type(packaged))
    agree = all(metrics == attached for metrics in places.values())
    return 0 if agree and type(today) is not type(packaged) else 1


if __name__ == "__main__":
    sys.exit(main())
