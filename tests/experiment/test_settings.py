"""The settings of a training, and what the advice of a finding makes of them."""

import pytest

from goodfit.errors import ConfigError
from goodfit.experiment.settings import Settings, apply_change


def test_advice_adds_columns_and_classes_and_replaces_the_rest():
    settings = Settings(drop="id", kinds={"zip": "category"}, class_weight={"a": 2}, l2=0.1)
    change = {"drop": ["id", "duration"], "kinds": {"age": "number"}, "class_weight": {"b": 3}, "l2": 0.01}
    found = apply_change(settings, change)
    assert found.drop == ("id", "duration") and found.kinds == {"zip": "category", "age": "number"}
    assert found.class_weight == {"a": 2.0, "b": 3.0} and found.l2 == 0.01
    assert apply_change(settings, {"class_weight": "balanced"}).class_weight == "balanced"


def test_a_new_way_of_splitting_ends_the_one_before():
    by_group = Settings(group="patient")
    assert (apply_change(by_group, {"time": "day"}).split, by_group.split) == ("time", "group")
    assert apply_change(by_group, {"split": "duplicates"}).group is None
    assert apply_change(Settings(split="last"), {"group": "patient"}).split == "group"


def test_refine_is_no_setting_and_an_unknown_name_is_refused():
    assert apply_change(Settings(), {"refine": True}) == apply_change(Settings(), {}) == Settings()
    with pytest.raises(ConfigError, match="'lr' is not a setting"):
        apply_change(Settings(), {"lr": 1})


def test_the_old_name_of_a_split_still_works():
    with pytest.warns(DeprecationWarning, match="split='duplicates'"):
        assert Settings(split="copies").split == "duplicates"


def test_the_batch_grows_with_the_rows_from_32_to_256():
    settings = Settings()
    sizes = [settings.rows_per_update(n) for n in range(1, 200_000, 7)]
    assert sizes == sorted(sizes) and sorted(set(sizes)) == [32, 64, 128, 256]
    # The guide's thousand rows, of which 800 are known, are trained in its batches of 32.
    assert settings.rows_per_update(800) == 32
    rows = (3_999, 4_000, 7_999, 8_000, 15_999, 16_000)
    assert [settings.rows_per_update(n) for n in rows] == [32, 64, 64, 128, 128, 256]


@pytest.mark.parametrize("n_known", [1, 800, 100_000])
def test_a_batch_size_that_is_given_is_kept(n_known):
    assert Settings(batch_size=48).rows_per_update(n_known) == 48
