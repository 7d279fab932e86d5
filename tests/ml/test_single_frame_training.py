"""A training of several folds stores what is documented, and survives being interrupted."""

from __future__ import annotations

import os
import pickle
import random
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import accuracy_score, f1_score, r2_score, roc_auc_score
from sklearn.svm import LinearSVC

from tg.common._core.errors import (
    ColumnNotFoundError,
    ConfigError,
    DataError,
    DatasetNotFoundError,
    MissingDependencyError,
)
from tg.common.contract import InMemoryTrainingEnvironment
from tg.common.ml import dft
from tg.common.ml import single_frame_training as sft

ROWS = 120


def frame(seed=0):
    random_state = np.random.RandomState(seed)
    df = pd.DataFrame(
        {
            "x": random_state.normal(size=ROWS),
            "z": random_state.normal(size=ROWS),
            "c": random_state.choice(["a", "b", "d"], ROWS),
        },
        index=pd.Index(np.arange(ROWS) + 1000, name="id"),
    )
    df.loc[df.index[::7], "z"] = np.nan
    df["y"] = (df["x"] + (df["c"] == "a") + random_state.normal(size=ROWS) > 0).astype(float)
    return df


def make_task(model="sklearn.linear_model:LogisticRegression", folds=4, **arguments):
    kwargs = arguments.pop("kwargs", {})
    return sft.SingleFrameTrainingTask(
        sft.DataFrameLoader("y"),
        sft.ModelProvider(
            sft.ModelConstructor(model, **kwargs),
            dft.DataFrameTransformerFactory.default_factory(),
        ),
        arguments.pop("evaluator", sft.Evaluation.binary_classification),
        arguments.pop("splitter", sft.FoldSplitter(folds)),
        arguments.pop("metrics_pool", sft.MetricPool().add_sklearn(roc_auc_score)),
        arguments.pop("artificers", [sft.SignificanceArtificer()]),
        silent=True,
    )


class Interruption(Exception):
    pass


class SpotEnvironment(InMemoryTrainingEnvironment):
    """Keeps checkpoints as pickles, as a folder does, and stops at the n-th artifact or line."""

    def __init__(self, checkpoints, stop_at=None, unit="artifact"):
        super().__init__(checkpoints=checkpoints)
        self.stop_at = stop_at
        self.unit = unit
        self.count = 0

    def _step(self, unit):
        if unit == self.unit:
            if self.count == self.stop_at:
                raise Interruption
            self.count += 1

    def store_artifact(self, path, name, value):
        self._step("artifact")
        super().store_artifact(path, name, value)

    def output_metric(self, name, value):
        self._step("metric")
        super().output_metric(name, value)

    def save_checkpoint(self, key, value):
        self._step("checkpoint")
        super().save_checkpoint(key, pickle.dumps(value))
        self._step("after checkpoint")

    def load_checkpoint(self, key):
        saved = super().load_checkpoint(key)
        return None if saved is None else pickle.loads(saved)


def assert_same_results(one, other):
    assert one["metrics"] == other["metrics"]  # to the last bit
    assert list(one["metrics"]) == list(other["metrics"])
    assert list(one["runs"]) == list(other["runs"])
    for fold, artifacts in one["runs"].items():
        others = other["runs"][fold]
        assert list(artifacts) == list(others)
        for name in ("metrics", "info"):
            assert artifacts[name] == others[name]
        pd.testing.assert_frame_equal(artifacts["result_df"], others["result_df"], check_exact=True)
        assert artifacts["train_split"].equals(others["train_split"])
        assert list(artifacts["test_splits"]) == list(others["test_splits"])
        for stage, index in artifacts["test_splits"].items():
            assert index.equals(others["test_splits"][stage])
        pd.testing.assert_series_equal(
            artifacts["significance"], others["significance"], check_exact=True
        )
        rows = frame().drop(columns="y")
        assert (artifacts["model"].predict_proba(rows) == others["model"].predict_proba(rows)).all()
        assert type(artifacts["training_task"]) is type(others["training_task"])


STOPS = [("artifact", n) for n in (0, 3, 8, 9, 17, 31)]
STOPS += [("checkpoint", 0), ("checkpoint", 2), ("after checkpoint", 0), ("after checkpoint", 1)]
STOPS += [("metric", 0), ("metric", 1)]


@pytest.mark.parametrize(("unit", "stop_at"), STOPS)
@pytest.mark.parametrize("seeded", [True, False], ids=["seeded", "global random state"])
def test_a_resumed_training_ends_as_an_unbroken_one(unit, stop_at, seeded):
    # On spot machines a sweep is compared across jobs that were and were not interrupted.
    # The second forest draws from numpy's global generator, whose state has to be resumed too.
    kwargs = {"n_estimators": 4, **({"random_state": 5} if seeded else {})}

    def task():
        return make_task("sklearn.ensemble:RandomForestClassifier", kwargs=kwargs)

    np.random.seed(3)
    random.seed(3)
    unbroken = task().run(frame(), SpotEnvironment({}))

    np.random.seed(3)
    random.seed(3)
    checkpoints = {}
    with pytest.raises(Interruption):
        task().run(frame(), SpotEnvironment(checkpoints, stop_at, unit))
    restored = len(checkpoints)
    if not restored:
        np.random.seed(3)  # nothing was finished: it is simply another start
        random.seed(3)
    elif restored and unit != "metric":
        np.random.seed(99)  # another process knows nothing of the seed
    resumed_env = SpotEnvironment(checkpoints)
    if restored == 3 and unit == "metric" and not seeded:
        np.random.seed(99)
    resumed = task().run(frame(), resumed_env)
    assert_same_results(resumed, unbroken)
    assert resumed["log"].count("Restored stage 1/4") == min(restored, 1)
    assert sum(line.startswith("Starting") for line in resumed["log"]) == 4 - restored


def test_two_interruptions_lose_one_fold_each():
    checkpoints = {}
    for stop_at in (8, 25):
        with pytest.raises(Interruption):
            make_task().run(frame(), SpotEnvironment(checkpoints, stop_at))
    assert_same_results(
        make_task().run(frame(), SpotEnvironment(checkpoints)),
        make_task().run(frame(), SpotEnvironment({})),
    )


@pytest.mark.parametrize(
    "other",
    [
        lambda: (make_task(kwargs={"C": 0.01}), frame()),
        lambda: (make_task(splitter=sft.FoldSplitter(4, random_state=7)), frame()),
        lambda: (make_task(), frame(seed=1)),
    ],
    ids=["setting", "split", "data"],
)
def test_checkpoints_of_another_training_are_not_used(other):
    # Two jobs that share a checkpoint folder by mistake would report each other's metrics.
    checkpoints = {}
    with pytest.raises(Interruption):
        make_task().run(frame(), SpotEnvironment(checkpoints, 17))
    task, df = other()
    result = task.run(df, SpotEnvironment(checkpoints))
    assert result["log"][0].startswith("The checkpoint of stage 1/4")
    assert_same_results(result, other()[0].run(df, SpotEnvironment({})))


def test_the_fingerprint_is_the_same_in_every_process():
    # Otherwise no restarted container would ever find its own checkpoints.
    code = (
        "import numpy as np, pandas as pd\n"
        "from tg.common.ml import dft, single_frame_training as sft\n"
        "from tg.common.ml.training_core import training_fingerprint\n"
        "from sklearn.metrics import roc_auc_score\n"
        "df = pd.DataFrame({'x': range(20), 'c': list('abcd') * 5, 'y': [0, 1] * 10})\n"
        "split = sft.FoldSplitter(2)(sft.DataFrameLoader('y').get_data(df))\n"
        "task = sft.SingleFrameTrainingTask(sft.DataFrameLoader('y'),\n"
        "    sft.ModelProvider(sft.ModelConstructor('a:B', C=1.0, s={'x', 'y'}, d={'k': None}),\n"
        "        dft.DataFrameTransformerFactory.default_factory()),\n"
        "    sft.Evaluation.binary_classification, sft.FoldSplitter(2),\n"
        "    sft.MetricPool().add_sklearn(roc_auc_score), [sft.SignificanceArtificer()])\n"
        "print(training_fingerprint(task, split))\n"
    )
    prints = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(prints) == 1


def test_one_fold_writes_no_checkpoint():
    # It would be written after all the work, and double what is written.
    env = InMemoryTrainingEnvironment()
    make_task(folds=1).run(frame(), env)
    assert env.checkpoints == {}


def test_metrics_are_the_mean_over_the_folds_tests_first():
    result = make_task().run(frame())
    assert list(result["metrics"]) == ["roc_auc_score_test", "roc_auc_score_train"]
    for name, value in result["metrics"].items():
        folds = [run["metrics"][name] for run in result["runs"].values()]
        assert value == pytest.approx(np.mean(folds))
        assert type(value) is float
    assert make_task().get_metric_names() == list(result["metrics"])


def test_result_df_has_every_row_once_in_the_order_of_the_frame():
    df = frame()
    result_df = make_task(folds=1).run(df)["runs"][0]["result_df"]
    assert list(result_df.columns) == ["predicted", "true", "stage", "original_index"]
    assert result_df.index.equals(df.index)
    assert result_df.index.name == "id"
    assert result_df["true"].equals(df["y"].rename("true"))
    assert result_df["stage"].value_counts().to_dict() == {"train": 84, "test": 36}


def test_results_and_tasks_survive_pickling(tmp_path):
    result = make_task(folds=1).run(frame())
    run = pickle.loads(pickle.dumps(result["runs"][0]))
    run["result_df"].to_parquet(tmp_path / "result_df.parquet")
    assert run["training_task"].run(frame())["metrics"] == result["metrics"]


def test_no_splitter_trains_on_all():
    result = make_task(splitter=None).run(frame())
    assert list(result["metrics"]) == ["roc_auc_score_train"]
    assert len(result["runs"][0]["train_split"]) == ROWS


def test_rows_of_one_index_value_are_all_predicted():
    df = frame().reset_index(drop=True)
    df.index = df.index // 3
    result = make_task(folds=2).run(df)
    assert len(result["runs"][0]["result_df"]) == ROWS


def test_rows_with_an_index_of_levels_are_predicted(tmp_path):
    df = frame().set_index(pd.MultiIndex.from_product([range(12), range(10)], names=["a", "b"]))
    result_df = make_task(folds=1).run(df)["runs"][0]["result_df"]
    result_df.to_parquet(tmp_path / "r.parquet")
    assert result_df.index.equals(df.index)


def test_a_composed_splitter_reports_all_its_stages():
    splitter = sft.CompositionSplitter(
        sft.FoldSplitter(test_name="holdout", test_size=0.2), sft.FoldSplitter(2)
    )
    task = make_task(splitter=splitter)
    result = task.run(frame())
    assert list(result["metrics"]) == [f"roc_auc_score_{s}" for s in ("holdout", "test", "train")]
    assert task.get_metric_names() == list(result["metrics"])


@pytest.mark.parametrize("labels", ["text", "integer", "category", "nullable"])
def test_several_classes_of_any_type_are_told_apart(labels):
    df = frame()
    names = df["c"]
    df["y"] = {
        "text": names,
        "integer": names.map({"a": 0, "b": 1, "d": 2}).astype(int),
        "category": names.astype("category"),
        "nullable": names.map({"a": 0, "b": 1, "d": 2}).astype("Int64"),
    }[labels]
    pool = sft.MetricPool().add(sft.MulticlassMetrics(recall_at=(1, 2))).add_sklearn(accuracy_score)
    task = make_task(evaluator=sft.Evaluation.multiclass_classification, metrics_pool=pool, folds=1)
    result = task.run(df)
    metrics = result["metrics"]
    assert metrics["accuracy_train"] == 1.0  # c is among the features
    assert metrics["recall_at_1_test"] == metrics["accuracy_test"]
    assert metrics["recall_at_2_test"] >= metrics["accuracy_test"]
    assert metrics["roc_auc_ovr_train"] == 1.0
    assert result["runs"][0]["significance"].shape[0] == 3


def test_a_class_that_training_never_saw_is_a_miss():
    df = pd.DataFrame({"true": ["a", "new"], "predicted_a": [0.9, 0.6], "predicted_b": [0.1, 0.4]})
    metric = sft.MulticlassMetrics(recall_at=(2,), roc_auc=False)
    assert metric.measure(df, None) == [0.5, 0.5]


def test_numbers_are_predicted_one_or_several():
    df = frame()
    df["w"] = df["x"] * 2
    df["y"] = df["x"]
    for labels in ("y", ["y"], ["y", "w"]):
        task = sft.SingleFrameTrainingTask(
            sft.DataFrameLoader(labels, features=["x"]),
            sft.ModelProvider(LinearRegression),
            sft.Evaluation.regression,
            sft.FoldSplitter(),
            None if len(labels) == 2 else sft.MetricPool().add_sklearn(r2_score),
            silent=True,
        )
        result = task.run(df)
        columns = list(result["runs"][0]["result_df"].columns)
        if len(labels) == 2:
            assert columns[:4] == ["predicted_y", "true_y", "predicted_w", "true_w"]
        else:
            assert result["metrics"]["r2_score_test"] == pytest.approx(1.0)


def test_a_classifier_without_probabilities_is_measured_by_its_decision():
    result = make_task("sklearn.svm:LinearSVC").run(frame())
    assert result["metrics"]["roc_auc_score_test"] > 0.6
    assert isinstance(result["runs"][0]["model"][-1], LinearSVC)


class Seen(LogisticRegression):
    kinds: list = []  # noqa: RUF012 - a record that the test reads

    def fit(self, X, y):
        Seen.kinds.append((type(X), getattr(X, "dtype", None)))
        return super().fit(X, y)


@pytest.mark.parametrize("keep", [True, False])
def test_the_model_sees_names_or_a_bare_array(keep):
    Seen.kinds.clear()
    provider = sft.ModelProvider(
        sft.ModelConstructor(Seen), dft.DataFrameTransformerFactory.default_factory(), keep
    )
    task = sft.SingleFrameTrainingTask(
        sft.DataFrameLoader("y"), provider, sft.Evaluation.binary_classification, silent=True
    )
    model = task.run(frame())["runs"][0]["model"]
    assert Seen.kinds == [(pd.DataFrame, None) if keep else (np.ndarray, np.dtype(float))]
    names = [name for name, _ in model.steps]
    if keep:
        assert names[::2] == ["ColumnNamesKeeper", "ColumnNamesKeeperAfterTransformation"]
        assert model[0].column_names_ == ["x", "z", "c"]
        with pytest.raises(ColumnNotFoundError, match="'z'"):
            model.predict(frame()[["x", "c"]])
    else:
        assert names == ["Transformer", "ColumnNamesDropper", "Model"]
    assert list(model[:-1].get_feature_names_out())[:3] == ["x", "z", "z_missing"]


def test_a_model_fix_puts_another_model_in_place():
    provider = sft.ModelProvider(LogisticRegression, model_fix=lambda model: LinearSVC(C=model.C))
    assert isinstance(provider.get_model()[-1], LinearSVC)


def test_hyperparameters_reach_the_model_transformer_and_splitter():
    task = make_task()
    task.apply_hyperparameters(
        {
            "model_provider.constructor.type_name": "sklearn.ensemble:RandomForestClassifier",
            "model_provider.constructor.kwargs.max_depth:int": "2",
            "model_provider.constructor.kwargs.random_state:int": "0",
            "model_provider.transformer.max_values_per_category": "2",
            "splitter.fold_count": "2",
        }
    )
    result = task.run(frame())
    model = result["runs"][1]["model"]
    assert model[-1].max_depth == 2
    assert sum(name.startswith("c_") for name in model[-2].column_names_) == 2


class Mistakes(sft.Metric):
    def get_names(self):
        return ["heavy", "light"]

    def measure(self, result_df, source_data):
        assert result_df.index.equals(source_data.index)
        wrong = (result_df["predicted"] > 0.5) != result_df["true"]
        return [(wrong * source_data["x"].abs()).sum(), f1_score(result_df["true"], ~wrong)]


def test_a_metric_sees_the_source_row_by_row():
    metrics = make_task(metrics_pool=sft.MetricPool().add(Mistakes())).run(frame())["metrics"]
    assert list(metrics) == ["heavy_test", "light_test", "heavy_train", "light_train"]


class Recorder(sft.Artificer):
    def __init__(self):
        self.calls = []

    def run_before_training(self, model_info):
        self.calls.append(("training", model_info.result.model))

    def run_before_metrics(self, model_info):
        model_info.result.result_df = model_info.result.result_df.iloc[::-1]
        self.calls.append(("metrics", dict(model_info.result.metrics)))

    def run_before_storage(self, model_info):
        self.calls.append(("storage", list(model_info.result.metrics)))
        model_info.result.extra = 1


def test_artificers_stand_at_the_documented_turns():
    recorder = Recorder()
    task = make_task(
        folds=1,
        artificers=[recorder, sft.ModelRemovingArtificer()],
        metrics_pool=sft.MetricPool().add(Mistakes()),
    )
    run = task.run(frame())["runs"][0]
    assert [name for name, _ in recorder.calls] == ["training", "metrics", "storage"]
    assert recorder.calls[1] == ("metrics", {})
    assert len(recorder.calls[2][1]) == 4
    assert run["extra"] == 1
    assert "model" not in run


def test_balancing_changes_what_is_fitted_and_nothing_else():
    df = frame()
    df["y"] = (np.arange(ROWS) % 10 == 0).astype(float)
    sizes = []

    class Watch(sft.Artificer):
        def run_before_training(self, model_info):
            sizes.append(model_info.train_df["y"].value_counts().to_dict())

    task = make_task(folds=1, artificers=[sft.BalancingArtificer(), Watch()])
    result = task.run(df)
    assert len(set(sizes[0].values())) == 1
    assert result["runs"][0]["info"]["rows"] == {"test": 36, "train": 84}
    assert len(result["runs"][0]["result_df"]) == ROWS


def test_a_learning_curve_has_a_row_for_each_share():
    task = make_task(folds=1, artificers=[sft.LearningCurveArtificer((0.2, 1.0))])
    result = task.run(frame())
    curve = result["runs"][0]["learning_curve"]
    assert curve["rows"].tolist() == [17, 84]
    assert curve["roc_auc_score_test"].iloc[-1] == result["metrics"]["roc_auc_score_test"]
    with pytest.raises(ConfigError, match="learning curve"):
        sft.LearningCurveArtificer((0.0,))


@pytest.mark.parametrize("weights", ["KNeighborsClassifier"])
def test_a_model_that_tells_no_significance_does_not_end_the_training(weights, capsys):
    result = make_task(f"sklearn.neighbors:{weights}", folds=1).run(frame())
    assert "significance" not in result["runs"][0]
    assert "tells no significance" in capsys.readouterr().out


@pytest.mark.parametrize("form", ["parquet", "csv", "folder", "text"])
def test_data_come_as_frames_files_or_folders(tmp_path, form):
    df = frame().reset_index(drop=True)
    path = tmp_path / "data.parquet"
    if form == "folder":
        path = tmp_path / "data"
        path.mkdir()
        (path / "_SUCCESS").touch()
        for part in range(3):
            df.iloc[part * 40 : part * 40 + 40].to_parquet(path / f"part-{part}.parquet")
    elif form == "csv":
        path = tmp_path / "data.csv"
        df.to_csv(path, index=False)
    else:
        df.to_parquet(path)
    loaded = sft.DataFrameLoader("y").get_data(str(path) if form == "text" else path)
    pd.testing.assert_frame_equal(loaded.df, df)
    assert loaded.features == ["x", "z", "c"]


def test_missing_data_and_columns_are_named(tmp_path):
    loader = sft.DataFrameLoader("y")
    (tmp_path / "titanic.parquet").touch()
    (tmp_path / "empty").mkdir()
    with pytest.raises(DatasetNotFoundError, match=r"Beside it there are: empty, titanic"):
        loader.get_data(tmp_path / "titanik.parquet")
    with pytest.raises(DatasetNotFoundError, match="no data frame"):
        loader.get_data(tmp_path / "empty")
    with pytest.raises(DataError, match="cannot be read"):
        loader.get_data(tmp_path / "titanic.parquet")
    with pytest.raises(ColumnNotFoundError, match=r"label column 'Y'. Did you mean 'y'"):
        sft.DataFrameLoader("Y").get_data(frame())
    with pytest.raises(ColumnNotFoundError, match=r"feature column 'xx'"):
        sft.DataFrameLoader("y", features=["xx"]).get_data(frame())
    with pytest.raises(DataError, match="no rows"):
        loader.get_data(frame().iloc[:0])
    with pytest.raises(DataError, match="18 rows have no label"):
        sft.DataFrameLoader("z").get_data(frame())
    with pytest.raises(DataError, match="two columns 'x'"):
        loader.get_data(pd.concat([frame(), frame()[["x"]]], axis=1))
    with pytest.raises(DataError, match="no data frame"):
        loader.get_data([1, 2])


def test_nothing_is_stored_when_the_task_cannot_run():
    env = InMemoryTrainingEnvironment()
    with pytest.raises(ColumnNotFoundError):
        make_task().run(frame().drop(columns="y"), env)
    assert env.result == {"metrics": {}, "runs": {}, "log": []}


@pytest.mark.parametrize(
    ("constructor", "error", "message"),
    [
        (sft.ModelConstructor("sklearn.linear_model:Logistic"), ConfigError, "no 'Logistic'"),
        (sft.ModelConstructor("no_such_library:Net"), MissingDependencyError, "no_such_library"),
        (sft.ModelConstructor(LogisticRegression, max_itr=3), ConfigError, "mean 'max_iter'"),
        (sft.ModelConstructor("math:pi"), ConfigError, "makes no model"),
        (sft.ModelConstructor(dict), ConfigError, "no fit"),
        (sft.ModelConstructor(LogisticRegression, "l2", 1.0), ConfigError, "not take"),
    ],
)
def test_a_model_that_cannot_be_made_says_why(constructor, error, message):
    with pytest.raises(error, match=message):
        sft.ModelProvider(constructor).get_model()


def test_each_fold_has_arguments_of_its_own():
    # A generator that went on from fold to fold could not be resumed.
    constructor = sft.ModelConstructor(LogisticRegression, random_state=np.random.RandomState(0))
    first, second = constructor(), constructor()
    assert first.random_state is not second.random_state
    assert first.random_state.rand() == second.random_state.rand()


def test_more_than_two_classes_are_no_binary_classification():
    df = frame().assign(y=np.arange(ROWS) % 3)
    with pytest.raises(DataError, match="3 classes"):
        make_task().run(df)
    with pytest.raises(ConfigError, match="neither probabilities"):
        make_task("sklearn.linear_model:LinearRegression").run(frame())


def test_metrics_that_cannot_be_told_apart_are_refused():
    pool = sft.MetricPool().add_sklearn(roc_auc_score)
    with pytest.raises(ConfigError, match="already"):
        pool.add_sklearn(roc_auc_score)
    with pytest.raises(ConfigError, match="no Metric"):
        pool.add(roc_auc_score)
    with pytest.raises(ConfigError, match="no name"):
        pool.add_sklearn(type("Call", (), {"__call__": lambda self, t, p: 1})())
    with pytest.raises(ColumnNotFoundError, match="'predicted'"):
        pool.measure(pd.DataFrame({"true": [0, 1], "stage": "test"}))


def test_the_progress_bar_can_be_silenced(capsys):
    task = make_task(folds=1)
    task.run(frame())
    assert capsys.readouterr().err == ""
    task.silent = False
    task.run(frame())
    assert "0/1" in capsys.readouterr().err
