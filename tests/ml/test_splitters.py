"""A row that is tested on was never trained on."""

from __future__ import annotations

import json
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.model_selection import train_test_split

from tg.common._core.errors import ColumnNotFoundError, ConfigError, DataError
from tg.common.ml.training_core import (
    CompositionSplitter,
    DataFrameSplit,
    FoldSplitter,
    IdentitySplitter,
    OneTimeSplitter,
    PredefinedSplitter,
    TimeSplitter,
    UnionSplitter,
)


def frame(rows=60):
    return pd.DataFrame(
        {
            "x": np.arange(rows, dtype=float),
            "y": np.arange(rows) % 2,
            "group": np.arange(rows) % 7,
            "part": np.where(np.arange(rows) < rows // 2, "train", "test"),
            "time": pd.date_range("2024-01-01", periods=rows, freq="D"),
        },
        index=np.arange(rows)[::-1] + 100,
    )


def whole(df, **fields):
    return DataFrameSplit(df, ["x"], "y", df.index, **fields)


ALL = [
    FoldSplitter(3),
    FoldSplitter(2, split_column="group"),
    FoldSplitter(2, test_size=5),
    PredefinedSplitter("part"),
    TimeSplitter("time", "7D"),
    TimeSplitter("time", timedelta(days=7), window="14D", gap="1D"),
    TimeSplitter("time", pd.DateOffset(months=1)),
    OneTimeSplitter("time", "2024-02-01", until="2024-02-10"),
    UnionSplitter(FoldSplitter(2), TimeSplitter("time", "20D", test_name="later")),
    CompositionSplitter(FoldSplitter(2, test_name="holdout"), FoldSplitter(2)),
]


@pytest.mark.parametrize("splitter", ALL, ids=lambda s: type(s).__name__)
def test_no_row_is_in_two_stages_and_all_stand_in_frame_order(splitter):
    df = frame()
    splits = splitter(whole(df))
    assert splits
    for split in splits:
        positions = np.concatenate([split.positions(stage) for stage in split.stages])
        assert len(np.unique(positions)) == len(positions)
        for stage in split.stages:
            assert len(split.positions(stage)) > 0
            assert split.rows(stage).index.equals(df.index[split.positions(stage)])
            assert (np.diff(split.positions(stage)) > 0).all()
        assert set(split.tests) <= set(splitter.stage_names)
        json.dumps(split.info)  # it is stored as JSON beside the pickles


@pytest.mark.parametrize("splitter", ALL, ids=lambda s: type(s).__name__)
def test_the_same_rows_give_the_same_splits(splitter):
    # A resumed training would otherwise train on rows that an earlier fold was tested on.
    first, second = splitter(whole(frame())), splitter(whole(frame()))
    assert len(first) == len(second)
    for one, other in zip(first, second, strict=True):
        for stage in one.stages:
            assert one.index_of(stage).equals(other.index_of(stage))


def test_identity_trains_on_all_rows():
    split = whole(frame())
    assert IdentitySplitter()(split) == [split]


@given(st.integers(6, 200), st.floats(0.2, 0.8), st.integers(0, 5))
def test_folds_are_those_of_scikit_learn(rows, test_size, fold):
    # Numbers that were published with train_test_split have to come out again.
    df = frame(rows)
    split = FoldSplitter(fold + 1, test_size)(whole(df))[fold]
    train, test = train_test_split(df.index.unique(), test_size=test_size, random_state=fold)
    assert set(split.train) == set(train)
    assert set(split.tests["test"]) == set(test)


def test_rows_of_one_index_value_or_group_stay_together():
    df = frame().set_index("group")
    for split in FoldSplitter(4)(DataFrameSplit(df, ["x"], "y", df.index)):
        assert not set(split.train) & set(split.tests["test"])
    df = frame()
    for split in FoldSplitter(4, split_column="group")(whole(df)):
        assert not set(split.rows("train").group) & set(split.rows("test").group)


def test_index_levels_can_be_split_by():
    df = frame().set_index(["group", "time"])
    split = DataFrameSplit(df, ["x"], "y", df.index)
    for part in FoldSplitter(2, split_column="group")(split):
        groups = [set(part.rows(s).index.get_level_values("group")) for s in part.stages]
        assert not groups[0] & groups[1]
    assert FoldSplitter(1)(split)[0].rows("test").shape[0] == 18
    assert TimeSplitter("time", "30D")(split)


def test_time_steps_are_half_open_and_grow():
    df = frame(30)
    splits = TimeSplitter("time", "10D")(whole(df))
    ranges = [
        [split.rows(s).time.dt.day.agg(["min", "max"]).tolist() for s in ("train", "test")]
        for split in splits
    ]
    assert ranges == [[[1, 10], [11, 20]], [[1, 20], [21, 30]]]


def test_window_gap_and_start_shorten_the_past():
    df = frame(40)
    splits = TimeSplitter("time", "10D", window="10D", gap="2D", start="2024-01-06")(whole(df))
    last = splits[-1]
    assert last.rows("train").time.min() == pd.Timestamp("2024-01-26")
    assert last.rows("train").time.max() == pd.Timestamp("2024-02-02")
    assert last.rows("test").time.min() == pd.Timestamp("2024-02-05")


def test_time_zones_texts_and_numbers_are_times():
    df = frame(30)
    df["zoned"] = df["time"].dt.tz_localize("Europe/Berlin")
    df["text"] = df["time"].astype(str)
    df["year"] = np.arange(30) // 10
    assert len(TimeSplitter("zoned", "10D", start="2024-01-01")(whole(df))) == 2
    assert len(TimeSplitter("text", "10D")(whole(df))) == 2
    assert len(TimeSplitter("year", 1)(whole(df))) == 2
    assert len(OneTimeSplitter("zoned", "2024-01-11")(whole(df))[0].tests["test"]) == 20


def test_steps_without_rows_are_passed_over():
    df = frame(30).drop(index=frame(30).index[10:20])
    assert len(TimeSplitter("time", "10D")(whole(df))) == 1


def test_the_split_column_is_no_feature():
    # It would tell the model which rows it is tested on.
    df = frame()
    split = DataFrameSplit(df, ["x", "part"], "y", df.index)
    assert PredefinedSplitter("part")(split)[0].features == ["x"]
    assert split.features == ["x", "part"]


def test_every_test_value_is_a_stage():
    df = frame()
    df["part"] = (["train", "dev", "test"] * 20)[:60]
    split = PredefinedSplitter("part", test_values=["dev", "test"])(whole(df))[0]
    assert split.stages == ["dev", "test", "train"]


@pytest.mark.parametrize(
    ("splitter", "error", "message"),
    [
        (FoldSplitter(0), ConfigError, "fold_count"),
        (FoldSplitter(test_size=0), ConfigError, "test_size"),
        (FoldSplitter(test_size=1.5), ConfigError, "test_size"),
        (FoldSplitter(test_size=1000), DataError, "cannot be split"),
        (FoldSplitter(split_column="grup"), ColumnNotFoundError, "Did you mean 'group'"),
        (PredefinedSplitter("part", test_values=["dev"]), DataError, "'dev' .* no rows"),
        (TimeSplitter("tme", "1D"), ColumnNotFoundError, "Did you mean 'time'"),
        (TimeSplitter("part", "1D"), DataError, "cannot be read as times"),
        (TimeSplitter("time", "1 parsec"), ConfigError, "no duration"),
        (TimeSplitter("time", 1), ConfigError, "cannot be added"),
        (TimeSplitter("time", "-1D"), ConfigError, "forward"),
        (TimeSplitter("time", "1us"), ConfigError, "more than"),
        (TimeSplitter("time", "999D"), DataError, "no step"),
        (OneTimeSplitter("time", "1999-01-01"), DataError, "no rows"),
        (CompositionSplitter(FoldSplitter(), FoldSplitter()), ConfigError, "test_name"),
        (FoldSplitter(test_name="train"), ConfigError, "test_name"),
    ],
)
def test_what_cannot_be_split_says_why(splitter, error, message):
    with pytest.raises(error, match=message):
        splitter(whole(frame()))


def test_rows_without_a_time_are_an_error():
    df = frame()
    df.loc[df.index[3], "time"] = pd.NaT
    with pytest.raises(DataError, match="1 rows have no time"):
        TimeSplitter("time", "7D")(whole(df))


def test_an_index_value_in_two_stages_is_an_error():
    # Stages are kept by index value: such a row would be trained and tested on.
    df = frame().set_index("group")
    with pytest.raises(DataError, match="make the index unique"):
        TimeSplitter("time", "7D")(DataFrameSplit(df, ["x"], "y", df.index))


def test_an_unknown_stage_names_those_there_are():
    with pytest.raises(ConfigError, match="Did you mean 'train'"):
        whole(frame()).rows("trian")
