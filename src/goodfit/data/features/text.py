"""Texts: the frequent words and two-word phrases, weighted by TF-IDF."""

from __future__ import annotations

import re
from collections import Counter
from itertools import chain, pairwise
from typing import ClassVar

import lazy_loader
import numpy as np
import pyarrow as pa

from goodfit.data.features.base import ALL_MISSING, Block, ColumnFeature, Finite, Text
from goodfit.data.table import Kind

sklearn = lazy_loader.load("sklearn")  # it takes longer to import than most tables to encode; predictions do without

MIN_ROWS_WORD = 3
"""Fewest training rows of a word, or of two words in a row, that gets a column of its own."""
_WORD = re.compile(r"\b\w\w+\b")
"""What TfidfVectorizer takes as a word."""
MAX_WORDS = 500
"""Most columns of one text, the most frequent words and pairs."""


class TextFeature(ColumnFeature, frozen=True, tag="text"):
    """One column for each word, and each two words in a row, that enough training rows have.

    A word w that occurs n times in a text counts (1 + ln n) · idf(w), with idf(w) = ln((1 + N)/(1 + df(w))) + 1 for N
    training texts, of which df(w) have it; then each text is divided by its Euclidean norm. So words of every text
    count little, and rare ones much. A text without any of the words is all zeros; so is a missing one, which has an
    indicator if training has any. Words are lower case, with two letters or digits or more.

    Source: scikit-learn's TfidfVectorizer with `sublinear_tf`; Salton and Buckley, Term-weighting approaches in
    automatic text retrieval (1988).
    """

    kind: ClassVar[Kind] = "text"

    words: tuple[Text, ...]
    idf: tuple[Finite, ...]
    indicator: bool

    def __post_init__(self) -> None:
        if len(self.words) != len(self.idf) or len(set(self.words)) < len(self.words):
            raise ValueError(f"words of {self.name!r} do not match their weights")

    @classmethod
    def fit(cls, name: str, column: pa.ChunkedArray) -> TextFeature | str:
        texts = column.drop_null().to_pylist()
        if not texts:
            return ALL_MISSING
        vectorizer = sklearn.feature_extraction.text.TfidfVectorizer(
            ngram_range=(1, 2), min_df=MIN_ROWS_WORD, max_features=MAX_WORDS, sublinear_tf=True
        )
        try:
            vectorizer.fit(texts)
        except ValueError:  # scikit-learn's way to say that no word is left
            return f"no word is in {MIN_ROWS_WORD} or more training rows"
        words = tuple(vectorizer.get_feature_names_out().tolist())
        return cls(name, words, tuple(vectorizer.idf_.tolist()), len(texts) < len(column))

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(f"{self.name}: {word}" for word in self.words) + (f"{self.name} is missing",) * self.indicator

    def write(self, column: pa.ChunkedArray, out: Block) -> None:
        places, idf = {word: place for place, word in enumerate(self.words)}, np.array(self.idf)
        out[:] = 0
        for row, text in enumerate(column.fill_null("").to_pylist()):
            tokens = _WORD.findall(text.lower())
            phrases = (f"{one} {two}" for one, two in pairwise(tokens))
            counts = Counter(places[term] for term in chain(tokens, phrases) if term in places)
            if counts:
                known = np.array(sorted(counts))
                weights = (1 + np.log([counts[place] for place in known.tolist()])) * idf[known]
                out[row, known] = weights / np.sqrt(weights @ weights)
        if self.indicator:
            out[:, -1] = column.is_null().to_numpy()
