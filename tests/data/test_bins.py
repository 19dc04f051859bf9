"""Numbers in bins: edges where the training target changes, and a position in each bin."""

import json
import time

import numpy as np
import pytest
from sklearn.tree import DecisionTreeClassifier

from goodfit.data.encoder import Encoder, fit_encoder
from goodfit.data.features import bins
from goodfit.data.features.bins import bin_edges, bin_labels, in_bins
from goodfit.data.table import read_table
from goodfit.data.target import fit_target
from goodfit.errors import DataError

RNG = np.random.default_rng(0)


def fit(columns, rows=None, *, most=16):
    """The table, and its encoder with bins that follow its target y."""
    table = read_table(columns)
    rows = np.arange(table.n_rows) if rows is None else rows
    return table, fit_encoder(table, rows, target=fit_target(table, "y", rows), bins=most)


def test_components_are_the_formula():
    edges = np.array([-2.0, 0.0, 1.0, 5.0])
    x = np.array([-3.0, -2.0, -0.5, 0.0, 0.25, 1.0, 3.0, 5.0, 6.0])
    expected = np.clip((x[:, None] - edges[:-1]) / np.diff(edges), 0, 1)
    assert in_bins(x, edges) == pytest.approx(expected, abs=1e-15)


def test_a_linear_model_of_the_components_is_any_piecewise_linear_function():
    edges, heights = np.array([0.0, 1.0, 4.0, 6.0]), np.array([3.0, -1.0, 2.0, 0.0])
    x = np.linspace(0, 6, 50)
    assert heights[0] + in_bins(x, edges) @ np.diff(heights) == pytest.approx(np.interp(x, edges, heights), abs=1e-12)


def test_inner_edges_of_classes_are_the_thresholds_of_scikit_learns_tree():
    x = RNG.lognormal(size=900)
    y = (np.sin(3 * x) + RNG.normal(0, 0.3, 900) > 0).astype(np.int64)
    tree = DecisionTreeClassifier(max_leaf_nodes=16, min_samples_leaf=20, random_state=0)
    tree.fit(x[:, None], y)
    thresholds = np.sort(tree.tree_.threshold[tree.tree_.feature == 0])
    edges = bin_edges(x, y, 16)
    assert edges[1:-1] == pytest.approx(thresholds, rel=1e-6) and len(edges) > 4
    assert (edges[0], edges[-1]) == (x.min(), x.max())


def test_edges_of_a_quantity_are_where_its_mean_changes():
    x = np.arange(200.0)
    assert bin_edges(x, np.where(x > 49, 2.5, 0.0), 16) == (0.0, 49.5, 199.0)


def test_a_target_that_does_not_change_leaves_quantiles():
    x = np.arange(101.0)
    assert bin_edges(x, np.zeros(101, np.int64), 4) == bin_edges(x, None, 4) == (0.0, 25.0, 50.0, 75.0, 100.0)


def test_between_two_edges_of_a_tree_are_enough_rows():
    x, y = RNG.normal(size=300), RNG.integers(0, 2, 300)
    assert np.histogram(x, bin_edges(x, y, 16))[0].min() >= 20


def test_a_wide_table_grows_no_more_trees_than_it_has_room_for(monkeypatch):
    """With 600 numbers not even two bins for each fit into 512 columns, which shows at the 257th at the latest."""
    grown, thresholds = [], bins._thresholds
    monkeypatch.setattr(bins, "_thresholds", lambda *a, **b: grown.append(a) or thresholds(*a, **b))
    columns = {f"x{i}": RNG.normal(size=60) for i in range(600)} | {"y": RNG.normal(size=60)}
    _, encoder = fit(columns)
    assert not any(feature.edges for feature in encoder.features)
    assert len(grown) <= 257
    _, encoder = fit({name: columns[name] for name in ("x0", "x1", "y")})
    assert all(feature.edges for feature in encoder.features)


def test_too_few_rows_for_two_sides_of_a_threshold_grow_no_tree(monkeypatch):
    monkeypatch.setattr(bins, "_thresholds", None)
    assert bin_edges(np.arange(39.0), np.arange(39) // 20, 4) == bin_edges(np.arange(39.0), None, 4)


@pytest.mark.parametrize("values", [[1.0] * 50, [0.0, 1.0] * 25], ids=["constant", "two values"])
def test_a_number_of_two_values_has_no_bins(values):
    assert bin_edges(np.array(values), np.arange(50) % 2, 16) == ()


@pytest.mark.parametrize(
    "x",
    [
        2.0**53 - 200 + np.arange(200),
        np.linspace(-0.85e308, 0.85e308, 200) * 2,
        np.concatenate([np.full(100, 1e-320), np.linspace(1e-310, 3e-308, 100)]),
        1e300 * np.exp(RNG.normal(size=200)),
    ],
    ids=["whole numbers above 2^24", "both ends of floats", "subnormal", "1e300"],
)
def test_numbers_beyond_float32_are_split_where_the_target_changes(x):
    x = np.sort(x)
    table, encoder = fit({"x": x, "y": np.where(np.arange(200) >= 120, "b", "a")})
    low, inner, high = encoder.features[0].edges
    assert low == x[0] and x[119] <= inner <= x[120] and high == x[-1]
    out = encoder.transform(table)[:, 1:]
    assert np.isfinite(out).all() and (np.diff(out, axis=0) >= 0).all()
    assert (out[:119, 1] == 0).all() and (out[121:, 0] == 1).all()


def test_names_say_what_each_bin_spans():
    _, encoder = fit({"age": np.arange(20.0, 90.0), "y": np.where(np.arange(70) >= 25, "b", "a")})
    assert encoder.feature_names == ("age", "age 20 to 44.5", "age 44.5 to 89")
    assert list(bin_labels((2.0**40, 2.0**40 + 1, 2.0**40 + 3))) == [
        "1,099,511,627,776 to 1,099,511,627,777",
        "1,099,511,627,777 to 1,099,511,627,779",
    ]


def test_the_scaled_number_and_the_indicator_stand_beside_the_bins_and_missing_is_the_median():
    x = np.where(np.arange(120) % 6 == 0, np.nan, np.arange(120.0))
    table, encoder = fit({"x": x, "y": np.where(np.arange(120) > 70, "b", "a")})
    out, plain = encoder.transform(table), fit_encoder(table, np.arange(120), target="y").transform(table)
    assert np.array_equal(out[:, [0, -1]], plain) and encoder.feature_names[-1] == "x is missing"
    median = encoder.transform(read_table({"x": np.array([np.nanmedian(x)])}))
    assert np.array_equal(out[0, :-1], median[0, :-1]) and out[0, -1] == 1


def test_without_bins_or_with_the_name_of_the_target_nothing_follows_the_target():
    x, y = RNG.normal(size=(2, 300))
    table, rows = read_table({"x": x, "y": y}), np.arange(300)
    target = fit_target(table, "y", rows)
    assert fit_encoder(table, rows, target=target) == fit_encoder(table, rows, target="y")
    assert fit_encoder(table, rows, target="y", bins=4).features[0].edges == pytest.approx(
        np.quantile(x, [0, 0.25, 0.5, 0.75, 1])
    )


def test_bins_are_learned_from_training_rows_alone():
    x = RNG.normal(size=200)
    labels = np.where(x > 0.3, "b", "a")
    train = np.arange(0, 200, 2)
    changed_x, changed = np.where(np.arange(200) % 2, 1e6, x), np.where(np.arange(200) % 2, "a", labels)
    first, second = fit({"x": x, "y": labels}, train)[1], fit({"x": changed_x, "y": changed}, train)[1]
    assert first == second and first.features[0].edges


def test_a_wide_table_gets_fewer_bins_within_the_width():
    x = RNG.normal(size=(60, 500))
    columns = {f"x{i}": column for i, column in enumerate(x)} | {"y": np.sin(3 * x).sum(axis=0)}
    _, encoder = fit(columns)
    counts = [len(feature.edges) - 1 for feature in encoder.features]
    assert 450 < len(encoder.feature_names) <= 512 and max(counts) < 16
    _, narrow = fit({name: columns[name] for name in ("x0", "x1", "y")})
    assert max(len(feature.edges) - 1 for feature in narrow.features) > max(counts)


def test_a_table_wider_than_the_limit_has_no_bins():
    columns = {f"x{i}": column for i, column in enumerate(RNG.normal(size=(515, 60)))}
    _, encoder = fit(columns | {"y": RNG.normal(size=60)})
    assert len(encoder.feature_names) == 515


def test_a_round_trip_through_json_keeps_the_bins():
    table, encoder = fit({"x": RNG.normal(size=200), "y": RNG.normal(size=200)})
    again = Encoder.from_json(json.loads(json.dumps(encoder.to_json(), allow_nan=False)))
    assert again == encoder and np.array_equal(again.transform(table), encoder.transform(table))


@pytest.mark.parametrize("edges", [[0.0, 2.0, 1.0], [0.0, 1.0, 1.0], [0.0, 1.0], [0.0, 1.0, float("inf")], ["a"] * 3])
def test_damaged_edges_are_refused(edges):
    _, encoder = fit({"x": RNG.normal(size=200), "y": RNG.normal(size=200)})
    record = encoder.to_json()
    record["features"][0]["edges"] = edges
    with pytest.raises(DataError, match="record of the encoder is damaged"):
        Encoder.from_json(record)


def test_bins_of_many_rows_and_columns_are_quick():
    x = RNG.normal(size=(8, 13_000))
    start = time.process_time()
    fit({f"x{i}": column for i, column in enumerate(x)} | {"y": np.tanh(x).sum(axis=0)})
    assert time.process_time() - start < 2


def test_reference_models_learn_from_the_columns_that_are_not_bins():
    x = RNG.normal(size=200)
    columns = {"x": x, "gap": np.where(x > 1, np.nan, x), "word": ["a", "b"] * 100, "y": (x > 0).astype(int)}
    table, encoder = fit(columns)
    scaled = fit_encoder(table, np.arange(table.n_rows), target="y")
    kept = [encoder.feature_names[i] for i in encoder.without_bins]
    assert len(encoder.feature_names) > len(kept)
    assert kept == list(scaled.feature_names)
    np.testing.assert_array_equal(encoder.transform(table)[:, encoder.without_bins], scaled.transform(table))
