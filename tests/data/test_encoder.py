"""Columns become numbers by what the training rows say, and by nothing else."""

import json
import math
import time

import numpy as np
import pyarrow as pa
import pytest

from goodfit.data.encoder import Encoder, fit_encoder
from goodfit.data.features.base import Scale
from goodfit.data.table import Column, Table
from goodfit.errors import DataError

KINDS = {pa.float64(): "number", pa.string(): "category", pa.timestamp("us"): "date"}


def arrow_of(values):
    if isinstance(values, np.ndarray) and values.dtype.kind == "M":
        return pa.array(values.astype("datetime64[us]"))
    filled = [value for value in values if value is not None]
    text = bool(filled) and isinstance(filled[0], str)
    return pa.array(values, pa.string() if text else pa.float64(), from_pandas=True)


def make_table(columns=None, *, unused=(), source="a table", **more):
    arrays = {name: arrow_of(values) for name, values in {**(columns or {}), **more}.items()}
    schema = [Column(name, KINDS[a.type], a.null_count, name not in unused, "") for name, a in arrays.items()]
    return Table(pa.table(arrays), tuple(schema), source)


def everything(n=200, seed=0):
    rng = np.random.default_rng(seed)
    number = rng.normal(5, 3, n)
    holes = np.where(rng.random(n) < 0.1, np.nan, rng.exponential(2, n))
    colour = rng.choice(["red", "green", "blue", "rare"], n, p=[0.5, 0.3, 0.19, 0.01])
    sex = rng.choice(["female", "male"], n)
    deck = [None if u < 0.3 else "AB"[int(u * 10) % 2] for u in rng.random(n)]
    day = np.datetime64("2024-01-01T00:00") + rng.integers(0, 60 * 24 * 800, n).astype("timedelta64[m]")
    return make_table(number=number, holes=holes, colour=colour.tolist(), sex=sex.tolist(), deck=deck, day=day)


def column_of(encoder, table, name):
    return encoder.transform(table)[:, encoder.feature_names.index(name)]


def test_a_number_is_scaled_by_median_and_quartiles_and_clipped_smoothly():
    encoder = fit_encoder(make_table(x=[1.0, 2.0, 3.0, 4.0, 9.0, 1e6]), range(5))
    z = (np.array([1, 2, 3, 4, 9, 1e6]) - 3) / (4 - 2)
    expected = z / np.sqrt(1 + (z / 3) ** 2)
    assert encoder.transform(make_table(x=[1.0, 2.0, 3.0, 4.0, 9.0, 1e6]))[:, 0] == pytest.approx(expected, rel=1e-6)
    assert encoder.feature_names == ("x",)
    assert encoder.transform(make_table(x=[1e300, -1e300]))[:, 0].tolist() == [3, -3]


def test_where_the_quartiles_agree_the_standard_deviation_scales():
    values = np.array([0.0] * 8 + [4.0])
    assert Scale.fit(values) == (0.0, pytest.approx(1 / values.std(), rel=1e-14))
    assert Scale.fit(values * 2.0**1020) == (0.0, pytest.approx(2.0**-1020 / values.std(), rel=1e-14))
    assert Scale.fit(np.array([7.0, 7.0])).factor == 0


@pytest.mark.parametrize(
    "values", [[1e300, -1e300, 0.0, 1e299], [1.7e308, -1.7e308, 1e308, -1e308], [5e-324, 0, 1e-310, 0]]
)
def test_the_whole_range_of_floats_stays_finite_and_in_order(values):
    out = fit_encoder(make_table(x=values), range(4)).transform(make_table(x=values))[:, 0]
    assert np.isfinite(out).all() and (np.abs(out) <= 3).all()
    assert (np.diff(out[np.argsort(values)]) >= 0).all() and out.max() > out.min()


def test_numbers_that_are_mostly_zero_keep_their_differences():
    gains = np.concatenate([np.zeros(900), np.linspace(1000, 5000, 99), [99_999]])
    encoder = fit_encoder(make_table(x=gains), range(1000))
    out = encoder.transform(make_table(x=[0.0, 1000.0, 5000.0, 99_999.0]))[:, 0]
    assert out[0] == 0 and out[1] > 0.2 and out[2] > 1 and out[3] > 2.9


def test_whole_numbers_above_two_to_24_keep_their_differences():
    values = 2.0**40 + np.arange(9)
    out = fit_encoder(make_table(x=values), range(9)).transform(make_table(x=values))[:, 0]
    z = (np.arange(9) - 4) / 4
    assert out == pytest.approx(z / np.sqrt(1 + (z / 3) ** 2), rel=1e-6)


def test_missing_cells_get_the_training_median_and_an_indicator():
    table = make_table(x=[1.0, 2.0, np.nan, 4.0, 5.0])
    encoder = fit_encoder(table, range(5))
    assert encoder.feature_names == ("x", "x is missing")
    out = encoder.transform(table)
    assert list(out[:, 1]) == [0, 0, 1, 0, 0]
    assert out[2, 0] == 0 == encoder.transform(make_table(x=[3.0]))[0, 0]


def test_a_first_missing_cell_at_prediction_gets_the_median_without_indicator():
    encoder = fit_encoder(make_table(x=[1.0, 2.0, 3.0]), range(3))
    assert encoder.transform(make_table(x=[None, 2.0])).tolist() == [[0.0], [0.0]]


def test_categories_are_columns_rare_ones_share_one_with_the_unknown():
    values = ["b"] * 4 + ["a"] * 3 + ["c"] * 3 + ["x", "y"]
    encoder = fit_encoder(make_table(k=values), range(12))
    assert encoder.feature_names == ("k=a", "k=b", "k=c", "k: other")
    out = encoder.transform(make_table(k=["a", "b", "c", "x", "never", None]))
    assert out.tolist() == [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1], [0, 0, 0, 1], [0, 0, 0, 1]]


def test_without_rare_values_in_training_the_unknown_is_all_zeros():
    encoder = fit_encoder(make_table(k=["a", "b", "c"] * 3), range(9))
    assert encoder.feature_names == ("k=a", "k=b", "k=c")
    assert encoder.transform(make_table(k=["never", "b"])).tolist() == [[0, 0, 0], [0, 1, 0]]


def test_two_values_are_one_column_of_plus_and_minus_one():
    encoder = fit_encoder(make_table(k=["no", "yes"] * 3), range(6))
    assert encoder.feature_names == ("k=yes",)
    assert encoder.transform(make_table(k=["no", "yes", "never", None])).tolist() == [[-1], [1], [0], [0]]


def test_missing_is_a_value_of_its_own_when_training_rows_have_it():
    encoder = fit_encoder(make_table(k=["a", "b", None] * 3), range(9))
    assert encoder.feature_names == ("k=a", "k=b", "k is missing")
    assert encoder.transform(make_table(k=[None, "b"])).tolist() == [[0, 0, 1], [0, 1, 0]]


def test_only_the_most_frequent_categories_get_a_column():
    values = [f"v{i:03d}" for i in range(150) for _ in range(3 + (i >= 140))]
    encoder = fit_encoder(make_table(k=values), range(len(values)))
    assert len(encoder.feature_names) == 101 and "k=v149" in encoder.feature_names
    assert "k=v089" in encoder.feature_names and "k=v090" not in encoder.feature_names


def test_a_date_becomes_its_splits():
    days = np.array(["2024-02-29T06:30", "2023-07-03T18:00", "2022-12-31T00:00", "2024-01-01T12:00"], "datetime64[us]")
    encoder = fit_encoder(make_table(d=days), range(4))
    scales = dict(encoder.features[0].scales)
    assert encoder.feature_names == tuple(f"d: {part}" for part in scales)
    angle = 2 * np.pi * np.array([59, 183, 364, 0]) / 365.25
    expected = {
        "year": [2024, 2023, 2022, 2024],
        "month": [2, 7, 12, 1],
        "weekday": [3, 0, 5, 0],
        "sine of the day of the year": np.sin(angle),
        "cosine of the day of the year": np.cos(angle),
        "hour": [6.5, 18, 0, 12],
        "days since 1970": [19782 + 6.5 / 24, 19541.75, 19357, 19723.5],
    }
    assert set(expected) == set(scales)
    for part, values in expected.items():
        column = column_of(encoder, make_table(d=days), f"d: {part}")
        assert column == pytest.approx(scales[part](np.array(values, np.float64)), abs=1e-6)


def test_dates_without_times_have_no_hour_and_missing_ones_an_indicator():
    days = np.array(["1965-03-01", "1970-01-01", "NaT", "2001-06-09"], "datetime64[us]")
    encoder = fit_encoder(make_table(d=days), range(4))
    assert "d: hour" not in encoder.feature_names and encoder.feature_names[-1] == "d is missing"
    out = encoder.transform(make_table(d=days))
    assert list(out[:, -1]) == [0, 0, 1, 0] and not out[2, :-1].any() and np.isfinite(out).all()


def test_columns_that_say_nothing_are_dropped_and_listed():
    table = make_table(
        {
            "x": [1.0, 2.0, 3.0, 4.0],
            "empty": np.full(4, np.nan),
            "same": np.full(4, 5.0),
            "word": ["a"] * 4,
            "unlike": ["a", "b", "c", "d"],
            "later": [1.0, 1.0, 1.0, 2.0],
            "aside": [1.0, 2.0, 3.0, 4.0],
            "day": np.full(4, "2024-01-01", "datetime64[us]"),
        },
        unused=("aside",),
    )
    encoder = fit_encoder(table, [0, 1, 2])
    assert encoder.feature_names == ("x",)
    assert dict(encoder.dropped) == {
        "empty": "all missing in the training rows",
        "same": "constant in the training rows",
        "word": "constant in the training rows",
        "unlike": "no value is in 3 or more training rows",
        "later": "constant in the training rows",
        "aside": "not used",
        "day": "constant in the training rows",
    }


def test_a_constant_with_holes_keeps_its_indicator():
    table = make_table(x=[5.0, np.nan, 5.0])
    encoder = fit_encoder(table, range(3))
    assert encoder.feature_names == ("x is missing",)
    assert encoder.transform(table).tolist() == [[0], [1], [0]]


def test_nothing_left_to_learn_from_is_an_error():
    with pytest.raises(DataError, match=r"No column is left to learn from .*same: constant"):
        fit_encoder(make_table(same=[1.0, 1.0, 1.0], y=[1.0, 2.0, 3.0]), range(3), target="y")
    with pytest.raises(DataError, match="only its target"):
        fit_encoder(make_table(y=[1.0, 2.0, 3.0]), range(3), target="y")


def test_the_target_is_no_feature():
    encoder = fit_encoder(make_table(x=[1.0, 2.0], y=[1.0, 2.0]), range(2), target="y")
    assert encoder.feature_names == ("x",) and dict(encoder.dropped) == {}


def test_changing_a_row_outside_training_changes_no_learned_number():
    table = everything()
    train = np.arange(0, 200, 2)
    wild = {
        "number": [1e9] * 100,
        "holes": [None] * 100,
        "colour": ["purple"] * 100,
        "sex": ["other"] * 100,
        "deck": [None] * 100,
        "day": np.full(100, "1901-01-01", "datetime64[us]"),
    }
    changed = {}
    for name in table.names:
        values = pa.concat_arrays([*table.arrow.column(name).chunks, arrow_of(wild[name]).cast(table.arrow[name].type)])
        order = np.arange(200)
        order[1::2] = 200 + np.arange(100)
        changed[name] = values.take(pa.array(order))
    other = Table(pa.table(changed), table.schema, table.source)
    one, two = fit_encoder(table, train), fit_encoder(other, train)
    assert one == two and one.to_json() == two.to_json()
    assert np.array_equal(one.transform(table)[train], two.transform(other)[train])
    assert not np.array_equal(one.transform(table), two.transform(other))


def test_changing_a_training_row_does_change_them():
    table = everything()
    assert fit_encoder(table, np.arange(100)) != fit_encoder(table, np.arange(1, 101))


def test_a_round_trip_through_json_gives_the_same_bits():
    table = everything()
    encoder = fit_encoder(table, np.arange(120), target="sex")
    again = Encoder.from_json(json.loads(json.dumps(encoder.to_json(), allow_nan=False)))
    assert again == encoder and again.feature_names == encoder.feature_names
    assert np.array_equal(again.transform(table), encoder.transform(table))


@pytest.mark.parametrize(
    "damage",
    [
        lambda r: r.pop("features"),
        lambda r: r["features"][0].update(kind="pickle"),
        lambda r: r["features"][0].update(scale=[1.0]),
        lambda r: r["features"][0].update(scale=[math.inf, 1.0]),
        lambda r: r["features"][0].update(indicator="yes"),
        lambda r: r["features"][2].update(values=[1, 2]),
        lambda r: r["features"][-1]["scales"].update(century=[1.0, 2.0]),
        lambda r: r["features"][-1].update(width=3),
        lambda r: r.update(version=3),
        lambda r: r.update(features=3),
    ],
)
def test_a_damaged_record_is_refused(damage):
    record = fit_encoder(everything(), range(200)).to_json()
    damage(record)
    with pytest.raises(DataError, match="record of the encoder is damaged"):
        Encoder.from_json(record)


def test_columns_are_found_by_name_in_any_order_and_extra_ones_listed():
    encoder = fit_encoder(make_table(x=[1.0, 2.0, 4.0] * 3, k=["a", "b", "a"] * 3, s=[1.0] * 9), range(9))
    straight = encoder.transform(make_table(x=[1.0, 3.0], k=["b", "a"]))
    turned = make_table(new=[0.0, 0.0], k=["b", "a"], x=[1.0, 3.0], s=[2.0, 2.0])
    assert np.array_equal(straight, encoder.transform(turned))
    assert encoder.extra(turned) == ("new",)
    assert encoder.columns == {"x": "number", "k": "category"}


def test_the_target_at_prediction_is_not_extra():
    encoder = fit_encoder(make_table(x=[1.0, 2.0], y=[1.0, 2.0]), range(2), target="y")
    assert encoder.extra(make_table(y=[1.0], x=[2.0])) == ()


def test_a_missing_column_is_named():
    encoder = fit_encoder(make_table(age=[1.0, 2.0, 4.0]), range(3))
    with pytest.raises(DataError, match=r"new\.csv has no column 'age', which the training table had: add it"):
        encoder.transform(make_table(agee=[1.0], source="new.csv"))


def test_text_where_a_number_was_is_named():
    encoder = fit_encoder(make_table(age=[1.0, 2.0, 4.0]), range(3))
    with pytest.raises(DataError, match="age"):
        encoder.transform(make_table(age=["old", "young"]))


def test_a_column_without_any_value_fits_every_kind():
    day = np.array(["2024-01-01", "2024-01-02", "2024-01-04"] * 3, "datetime64[us]")
    encoder = fit_encoder(make_table(age=[1.0, 2.0, 4.0] * 3, day=day, k=["a", "b", "a"] * 3), range(9))
    nothing = {"age": pa.nulls(2, pa.string()), "day": pa.nulls(2, pa.string()), "k": pa.nulls(2, pa.float64())}
    schema = tuple(Column(name, "category" if name != "k" else "number", 2, False, "") for name in nothing)
    assert not encoder.transform(Table(pa.table(nothing), schema, "t")).any()


def test_infinity_is_an_error_that_names_column_and_row():
    with pytest.raises(DataError, match="'x' is infinite in 1 cell, first in row 2"):
        fit_encoder(make_table(x=[1.0, np.inf, 3.0]), range(3))
    encoder = fit_encoder(make_table(x=[1.0, 2.0, 3.0]), range(3))
    with pytest.raises(DataError, match="'x' is infinite"):
        encoder.transform(make_table(x=[-np.inf]))


def test_one_row_and_no_rows_are_transformed():
    encoder = fit_encoder(everything(), range(200))
    assert encoder.transform(everything().take([3])).shape == (1, len(encoder.feature_names))
    assert encoder.transform(everything().take([])).shape == (0, len(encoder.feature_names))


def test_the_matrix_is_float32_in_one_piece():
    out = fit_encoder(everything(), range(200)).transform(everything())
    assert out.dtype == np.float32 and out.flags.c_contiguous and np.isfinite(out).all()


def test_wide_and_long_tables_are_quick():
    rng = np.random.default_rng(0)
    wide = make_table({f"c{i}": column for i, column in enumerate(rng.normal(size=(10_000, 100)))})
    start = time.process_time()
    assert fit_encoder(wide, range(64)).transform(wide).shape == (100, 10_000)
    wide_seconds = time.process_time() - start
    words = [f"w{i}" for i in rng.integers(0, 30, 50_000)]
    columns = {f"c{i}": words if i % 2 else rng.normal(size=50_000) for i in range(20)}
    long = make_table(columns)
    encoder = fit_encoder(long, range(32_000))
    start = time.process_time()
    encoder.transform(long)
    assert time.process_time() - start < 1 and wide_seconds < 10
