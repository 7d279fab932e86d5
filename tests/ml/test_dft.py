"""Cleaned columns keep their names and their number, whatever rows come later."""

from __future__ import annotations

import pickle
from functools import partial

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from tg.common._core.errors import ColumnNotFoundError, ConfigError, DataError
from tg.common.ml import dft

default_factory = dft.DataFrameTransformerFactory.default_factory


def mixed():
    return pd.DataFrame(
        {
            "number": [1.0, None, 3.0, 4.0],
            "nullable": pd.array([1.5, None, 2.5, 3.5], dtype="Float64"),
            "whole": [1, 2, 2, 3],
            "text": ["a", "b", None, "b"],
            "object": pd.Series(["a", 1, None, "1"], dtype=object),
            "kind": pd.Categorical(["u", "v", None, "u"], categories=["v", "u", "never"]),
            "flag": [True, False, True, True],
            "void": [None, None, None, None],
            "void_number": [np.nan] * 4,
            "when": pd.to_datetime(["2024-01-01", None, "2024-03-01", "2024-04-01"]),
            "zoned": pd.date_range("2024-01-01", periods=4, tz="Europe/Berlin"),
            "span": pd.to_timedelta([1, 2, None, 4], unit="h"),
        },
        index=[10, 20, 30, 40],
    )


TRANSFORMERS = [
    default_factory(),
    default_factory(max_values_per_category=2),
    dft.ContinuousTransformer(["number", "flag", "whole", "void_number"]),
    dft.ContinuousTransformer(["number"], scaler=MinMaxScaler(), imputer=SimpleImputer()),
    dft.CategoricalTransformer2(["text", "whole", "kind"]),
    dft.CategoricalTransformer(["text", "void"]),
    dft.CategoricalTransformer(["text"], postprocessor=dft.OneHotEncoderForDataframe()),
    dft.DatetimeTransformer(["when", "zoned"]),
    dft.DataFrameTransformer([dft.DatetimeTransformer(["when"]), dft.ContinuousTransformer()]),
    dft.DataFrameTransformer([]),
]


@pytest.fixture(params=TRANSFORMERS, ids=lambda t: type(t).__name__)
def transformer(request):
    one = clone(request.param)
    if isinstance(one, dft.DataFrameTransformer) and one.transformers:
        one.transformers[1].columns = ["number"]
    return one


def test_transformers_are_those_of_scikit_learn(transformer):
    df = mixed()
    with pytest.raises(NotFittedError):
        transformer.transform(df)
    with pytest.raises(NotFittedError):
        transformer.get_feature_names_out()
    result = transformer.fit_transform(df)
    assert list(transformer.get_feature_names_out()) == list(result.columns)
    assert result.index.equals(df.index)
    assert result.columns.is_unique
    again = clone(transformer)
    assert set(again.get_params(deep=False)) == set(transformer.get_params(deep=False))
    with pytest.raises(NotFittedError):
        again.transform(df)
    pd.testing.assert_frame_equal(again.set_output(transform="pandas").fit_transform(df), result)
    pd.testing.assert_frame_equal(pickle.loads(pickle.dumps(transformer)).transform(df), result)


def test_rows_do_not_know_of_each_other(transformer):
    # A served model gets one row at a time and must answer as it did in the evaluation.
    df = mixed()
    whole = transformer.fit(df).transform(df)
    single = pd.concat([transformer.transform(df.iloc[[i]]) for i in range(len(df))])
    pd.testing.assert_frame_equal(single, whole, check_dtype=False)


def test_no_rows_give_no_rows_with_the_same_columns(transformer):
    df = mixed()
    whole = transformer.fit(df).transform(df)
    none = transformer.transform(df.iloc[:0])
    assert list(none.columns) == list(whole.columns)
    assert len(none) == 0


def test_extra_columns_are_passed_over_and_order_does_not_matter(transformer):
    df = mixed()
    whole = transformer.fit(df).transform(df)
    other = df.assign(extra=1)[[*reversed(df.columns), "extra"]]
    pd.testing.assert_frame_equal(transformer.transform(other), whole)


@pytest.mark.parametrize("column", ["number", "text", "when"])
def test_a_missing_column_is_named(column):
    fitted = default_factory().fit(mixed())
    with pytest.raises(ColumnNotFoundError, match=f"'{column}'"):
        fitted.transform(mixed().drop(columns=column))


def test_fitting_does_not_change_the_frame_or_the_parameters():
    df = mixed()
    before, factory = df.copy(), default_factory()
    parameters = str(factory.get_params())
    factory.fit(df).transform(df)
    pd.testing.assert_frame_equal(df, before)
    assert str(factory.get_params()) == parameters


def test_numbers_are_imputed_and_then_scaled_by_the_raw_rows():
    df = pd.DataFrame({"x": [1.0, 2.0, None, 9.0]})
    scaler, imputer = StandardScaler().fit(df.to_numpy()), SimpleImputer().fit(df.to_numpy())
    expected = scaler.transform(imputer.transform(df.to_numpy()))[:, 0]
    result = dft.ContinuousTransformer(["x"]).fit_transform(df)
    assert result["x"].tolist() == expected.tolist()
    assert result["x_missing"].tolist() == [False, False, True, False]


def test_a_null_that_training_never_saw_is_filled_and_told_in_the_log(capsys):
    fitted = dft.ContinuousTransformer(["x"]).fit(pd.DataFrame({"x": [1.0, 3.0]}))
    result = fitted.transform(pd.DataFrame({"x": [None]}, dtype=float))
    assert result.to_dict("list") == {"x": [0.0]}
    assert "Unexpected None" in capsys.readouterr().out
    assert fitted.transform(pd.DataFrame({"x": [5.0]})).shape == (1, 1)


def test_the_strict_indicator_of_scikit_learn_can_be_chosen():
    strict = dft.ContinuousTransformer(["x", "z"], missing_indicator=MissingIndicator())
    strict.fit(pd.DataFrame({"x": [1.0, 3.0], "z": [None, 1.0]}))
    with pytest.raises(ValueError, match="missing values in transform"):
        strict.transform(pd.DataFrame({"x": [None], "z": [1.0]}, dtype=float))


def test_a_column_without_any_value_is_zero_and_flagged():
    df = pd.DataFrame({"x": [np.nan, np.nan], "z": [1.0, 2.0]})
    result = dft.ContinuousTransformer(["x", "z"]).fit_transform(df)
    assert result["x"].tolist() == [0.0, 0.0]
    assert result["x_missing"].tolist() == [True, True]


@pytest.mark.parametrize(
    ("values", "message"),
    [(["a", "b"], "not of numbers"), ([np.inf, 1.0], "infinite"), ([1e308, -1e308], "too large")],
)
def test_what_is_no_number_is_an_error_with_the_column(values, message):
    with pytest.raises(DataError, match=f"'price'.*{message}"):
        dft.ContinuousTransformer(["price"]).fit(pd.DataFrame({"price": values}))


def test_categories_stand_by_frequency_and_then_by_name():
    df = pd.DataFrame({"c": ["b", "a", "c", "c", None]})
    result = dft.CategoricalTransformer2(["c"]).fit_transform(df)
    assert list(result.columns) == ["c_c", "c_a", "c_b", "c_NULL"]
    shuffled = dft.CategoricalTransformer2(["c"]).fit_transform(df.sample(frac=1, random_state=1))
    pd.testing.assert_frame_equal(shuffled.sort_index(), result)


@pytest.mark.parametrize(
    ("train", "later", "hot"),
    [
        (["a", "b", "b"], "x", "c_b"),
        (["a", "b", "b"], None, "c_b"),
        (["a", "b", "b", None], "x", "c_b"),
        (["a", "b", "b", None], None, "c_NULL"),
        (["a", "b", "b", "c", "d"], "x", "c_OTHER"),
        (["a", "b", "b", "c", "d"], "d", "c_OTHER"),
        (["a", "b", "b", "c", "d"], None, "c_OTHER"),
        ([None, None], "x", "c_NULL"),
    ],
)
def test_an_unseen_value_goes_where_it_is_documented(train, later, hot):
    fitted = dft.CategoricalTransformer2(["c"], max_values=3)
    fitted.fit(pd.DataFrame({"c": pd.Series(train, dtype=object)}))
    row = fitted.transform(pd.DataFrame({"c": pd.Series([later], dtype=object)})).iloc[0]
    assert row[row == 1.0].index.tolist() == [hot]


def test_a_null_does_not_turn_integers_into_other_categories():
    # pandas makes floats of a column of integers once a null is in it.
    fitted = dft.CategoricalTransformer2(["c"]).fit(pd.DataFrame({"c": [1, 2, 2]}))
    result = fitted.transform(pd.DataFrame({"c": [1.0, None]}))
    assert result["c_1"].tolist() == [1.0, 0.0]


def test_names_never_collide():
    df = pd.DataFrame({"a": ["b_c", "NULL", None], "a_b": ["c", "OTHER", "x"], "a_NULL": [1, 2, 3]})
    result = default_factory(max_values_per_category=3).fit_transform(df)
    assert result.columns.is_unique
    assert (result.filter(regex="^a_NULL").sum(axis=1) <= 3).all()


def test_values_that_are_no_categories_are_an_error():
    with pytest.raises(DataError, match=r"'c'.*no categories"):
        dft.CategoricalTransformer2(["c"]).fit(pd.DataFrame({"c": [[1], [2]]}))


@pytest.mark.parametrize("text", [["2024-01-01", "2024-01-02"], [None, "2024-01-02"]])
def test_times_may_come_as_text(text):
    fitted = dft.DatetimeTransformer(["t"]).fit(pd.DataFrame({"t": pd.to_datetime(text)}))
    times = pd.DataFrame({"t": ["2024-06-01"]})
    pd.testing.assert_frame_equal(
        fitted.transform(times), fitted.transform(times.apply(pd.to_datetime))
    )


def test_times_of_any_resolution_and_zone_are_the_same_moment():
    seconds = pd.DataFrame({"t": pd.date_range("2024-01-01", periods=3).as_unit("s")})
    fitted = dft.DatetimeTransformer(["t"]).fit(seconds)
    nanos = seconds.assign(t=seconds.t.dt.as_unit("ns"))
    pd.testing.assert_frame_equal(fitted.transform(nanos), fitted.transform(seconds))


def test_what_is_no_time_is_an_error():
    for values in ([1, 2], ["soon", "later"]):
        with pytest.raises(DataError, match="'t'"):
            dft.DatetimeTransformer(["t"]).fit(pd.DataFrame({"t": values}))
    with pytest.raises(ConfigError, match="Did you mean 'week'"):
        dft.DatetimeTransformer(["t"], cycles=["weak"]).fit(
            pd.DataFrame({"t": pd.date_range("2024-01-01", periods=2)})
        )


@pytest.mark.parametrize("rows", [np.zeros((2, 2)), [[1]], "frame"])
def test_only_frames_are_taken(rows):
    with pytest.raises(DataError, match="no data frame"):
        default_factory().fit(rows)


def test_learning_from_no_rows_is_an_error():
    with pytest.raises(DataError, match="without rows"):
        default_factory().fit(mixed().iloc[:0])


def test_a_kind_that_nothing_is_set_for_is_an_error():
    with pytest.raises(ConfigError, match="categorical columns, such as 'whole'"):
        dft.DataFrameTransformerFactory().on_continuous().on_datetime().fit(mixed()[["whole"]])
    with pytest.raises(ConfigError, match="max_values"):
        default_factory(max_values_per_category=1).fit(mixed())
    with pytest.raises(ConfigError, match="scaler"):
        dft.ContinuousTransformer(["number"], scaler="min-max").fit(mixed())
    with pytest.raises(ConfigError, match="k is 0"):
        dft.TopKPopularStrategy(0)


def test_rich_categories_are_made_by_their_own_maker():
    df = pd.DataFrame({"poor": ["a", "b"] * 10, "rich": [f"v{i}" for i in range(20)]})
    make = partial(dft.CategoricalTransformer, replacement_strategy=dft.TopKPopularStrategy(1))
    factory = dft.DataFrameTransformerFactory().on_categorical_2().on_rich_category(5, make)
    result = clone(factory).fit_transform(df)
    assert list(result.columns) == ["poor_a", "poor_b", "rich"]
    assert set(result["rich"]) == {"v0", "OTHER"}


def test_a_pipeline_of_scikit_learn_tells_its_names():
    df = mixed()[["number", "text"]]
    model = make_pipeline(default_factory(), LogisticRegression()).fit(df, [0, 1, 0, 1])
    names = model[:-1].get_feature_names_out()
    assert list(names) == ["number", "number_missing", "text_b", "text_a", "text_NULL"]
    scaled = Pipeline([("t", default_factory()), ("s", StandardScaler())]).set_output(
        transform="pandas"
    )
    assert list(scaled.fit_transform(df).columns) == list(names)


CELLS = {
    "floats": st.none() | st.just(np.nan) | st.floats(-1e9, 1e9),
    "texts": st.none() | st.text(max_size=3),
    "whole": st.integers(-5, 5),
    "flags": st.booleans(),
    "mixed": st.none() | st.integers(0, 3) | st.text("0123", max_size=2) | st.booleans(),
    "times": st.none() | st.datetimes(pd.Timestamp("1800-01-01"), pd.Timestamp("2200-01-01")),
}


@st.composite
def frames(draw, columns, min_rows):
    rows = draw(st.integers(min_rows, 12))
    made = {}
    for name in columns:
        values = draw(st.lists(CELLS[name], min_size=rows, max_size=rows))
        dtype = {"floats": "float64", "mixed": object, "times": "datetime64[us]"}.get(name)
        made[name] = pd.Series(values, dtype=dtype)
    return pd.DataFrame(made)


@settings(max_examples=60, deadline=None)
@given(st.data(), st.lists(st.sampled_from(sorted(CELLS)), unique=True), st.integers(2, 6))
def test_any_frame_gives_finite_numbers_in_the_same_columns(data, columns, max_values):
    # An inf, a nan or a lost column would reach the model; a warning would be an error here.
    train = data.draw(frames(columns, 1))
    later = data.draw(frames(columns, 0))
    fitted = default_factory(max_values_per_category=max_values).fit(train)
    for df in (train, later):
        result = fitted.transform(df)
        assert list(result.columns) == list(fitted.get_feature_names_out())
        assert np.isfinite(result.to_numpy(dtype=float)).all()
        for name in {"texts", "whole", "flags", "mixed"} & set(columns):
            hot = result.filter(regex=f"^{name}_")
            assert (hot.sum(axis=1) == 1).all()
            assert hot.shape[1] <= max_values


def test_features_are_taken_and_left_out_by_name():
    factory = default_factory().with_feature_allow_list(["number", "flag", "text"])
    names = factory.with_feature_block_list(["text"]).fit(mixed()).get_feature_names_out()
    assert list(names) == ["number", "number_missing", "flag_True", "flag_False"]
    assert list(default_factory(["number"]).fit(mixed()).get_feature_names_out()) == [
        "number",
        "number_missing",
    ]
