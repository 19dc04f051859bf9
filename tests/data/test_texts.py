"""Texts as weighted words: the formula, what is learned from training rows alone, and texts without words."""

import numpy as np
import pyarrow as pa
import pytest
from sklearn.datasets import load_wine
from sklearn.feature_extraction.text import TfidfVectorizer

from goodfit.data.encoder import Encoder, fit_encoder
from goodfit.data.features import text as module
from goodfit.data.table import read_table
from goodfit.errors import DataError
from goodfit.workflow import train

SPAM = ["win a prize now", "free prize win", "win free entry now"]
HAM = ["see you at home", "are you at home now", "home at nine you say"]
TEXTS = SPAM * 5 + HAM * 5


def fit(texts, rows=None, **columns):
    table = read_table({"message": texts, **columns}, kinds={"message": "text"})
    return table, fit_encoder(table, np.arange(table.n_rows) if rows is None else rows)


def weights(n_texts, counts, document_counts):
    """The formula of the docstring."""
    idf = np.log((1 + n_texts) / (1 + np.array(document_counts))) + 1
    found = (1 + np.log(counts)) * idf
    return found / np.linalg.norm(found)


def test_words_and_pairs_have_the_weights_of_the_formula():
    table, encoder = fit(["red red blue"] * 3 + ["red green"] * 3 + ["once"])
    assert encoder.feature_names == tuple(
        f"message: {word}" for word in ("blue", "green", "red", "red blue", "red green", "red red")
    )
    x = encoder.transform(table)
    first = weights(7, [1, 2, 1, 1], [3, 6, 3, 3])
    assert x[0] == pytest.approx([first[0], 0, first[1], first[2], 0, first[3]], abs=1e-7)
    second = weights(7, [1, 1, 1], [3, 6, 3])
    assert x[3] == pytest.approx([0, second[0], second[1], 0, second[2], 0], abs=1e-7)
    assert not x[6].any(), "a word of fewer than three training rows has no column"


def test_the_numbers_are_those_of_scikit_learn_also_for_letters_beyond_ascii():
    texts = (
        load_wine().DESCR.split("\n")
        + ["Größe x ÉTÉ été a1_b", "東京 タワー 東京", "İstanbul's 3.5 — naïve"] * 4
        + [""]
    )
    column = pa.chunked_array([texts])
    feature = module.TextFeature.fit("message", column)
    ours = np.empty((len(texts), len(feature.names)), np.float32)
    feature.write(column, ours)
    theirs = TfidfVectorizer(ngram_range=(1, 2), min_df=3, max_features=500, sublinear_tf=True).fit_transform(texts)
    assert "東京 タワー" in feature.words and "été" in feature.words
    assert ours == pytest.approx(theirs.toarray(), abs=1e-7)


def test_words_are_learned_from_training_rows_only():
    rows = np.arange(15)
    table, encoder = fit(TEXTS, rows)
    _, other = fit(TEXTS[:15] + ["quite another text"] * 15, rows)
    assert encoder == other
    assert not any("home" in name for name in encoder.feature_names)
    assert not encoder.transform(table)[15:, encoder.feature_names.index("message: prize")].any()


def test_the_most_frequent_words_have_columns(monkeypatch):
    monkeypatch.setattr(module, "MAX_WORDS", 3)
    _, encoder = fit(["one"] * 9 + ["two"] * 8 + ["three"] * 7 + ["four"] * 6)
    assert encoder.feature_names == ("message: one", "message: three", "message: two")


def test_a_missing_text_is_no_words_and_has_an_indicator():
    table, encoder = fit([*TEXTS, None])
    x = encoder.transform(table)
    assert encoder.feature_names[-1] == "message is missing"
    assert x[-1].tolist() == [0.0] * (x.shape[1] - 1) + [1.0]
    assert not x[:-1, -1].any()


def test_a_saved_encoder_gives_the_same_numbers_to_new_texts():
    _, encoder = fit(TEXTS)
    new = read_table({"message": ["WIN, a prize!", "unheard of", "home"]}, kinds={"message": "text"})
    x = encoder.transform(new)
    assert (Encoder.from_json(encoder.to_json()).transform(new) == x).all()
    assert x[0, encoder.feature_names.index("message: prize")] > 0
    assert not x[1].any()


def test_a_record_whose_words_and_weights_differ_in_number_is_damaged():
    record = fit(TEXTS)[1].to_json()
    record["features"][0]["idf"] = record["features"][0]["idf"][:-1]
    with pytest.raises(DataError, match="damaged"):
        Encoder.from_json(record)


@pytest.mark.parametrize(
    ("texts", "reason"),
    [
        (["? !", "a b c", "- -"] * 4, "message: no word is in 3 or more training rows"),
        ([f"word{i} only{i}" for i in range(12)], "message: no word is in 3 or more training rows"),
        ([None, ""] * 6, "message: all"),
    ],
)
def test_texts_without_words_are_refused_by_the_name_of_the_column(texts, reason):
    with pytest.raises(DataError, match=f"No column is left to learn from \\({reason}"):
        fit(texts)


def test_a_network_learns_what_the_words_say(tmp_path):
    rng = np.random.default_rng(0)
    texts = [f"{TEXTS[i % 30]} {rng.integers(1000)}" for i in range(300)]
    labels = ["spam" if any(word in text for word in ("prize", "free")) else "ham" for text in texts]
    run = train(
        {"message": texts, "label": labels}, "label", l2=0.001, learning_rate=0.01, epochs=30, out=tmp_path / "run"
    )
    assert run.test().scores["accuracy"].value == 1
    assert run.predict({"message": ["claim your free prize now"]}).values.tolist() == ["spam"]
    rarest = min(run.record.measurements.features, key=lambda feature: feature[1])
    assert rarest[0].startswith("message: ")
