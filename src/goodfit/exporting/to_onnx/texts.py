"""Words of texts in ONNX: the TF-IDF of `goodfit.data.features.text`."""

from collections.abc import Iterable
from itertools import product

import numpy as np

from goodfit.data.features.text import TextFeature
from goodfit.exporting.to_onnx.cells import codes, is_missing, strings, tokens, trimmed
from goodfit.exporting.to_onnx.graph import Graph

_WORDS = r"[\pL\pN_]{2,}"
_MAX_LETTERS = 6
"""Most letters beyond ASCII of which every combination of cases is entered."""


class TextCounts:
    """How often the words of all folds occur in each text.

    counts: float64 (rows, words). missing: whether the cell is missing (rows,).
    """

    def __init__(self, graph: Graph, column: str, features: Iterable[TextFeature]) -> None:
        self.places = {word: place for place, word in enumerate(sorted({w for f in features for w in f.words}))}
        cells = trimmed(graph, column)
        self.missing = is_missing(graph, cells)
        texts = graph.add("Reshape", graph.add("Where", self.missing, strings(""), cells), np.array([-1]))
        # The locale C is on every machine; it knows the letters of ASCII only, hence `spellings`.
        lower = graph.add("StringNormalizer", texts, case_change_action="LOWER", locale="C")
        words = tokens(graph, lower, _WORDS, blank="", at_least=2)
        self.counts = graph.cast(self._counted(graph, words), float)

    def _counted(self, graph: Graph, words: str) -> str:
        """Return the counts (rows, words) from the words in order (rows, longest)."""
        single = {word: number for number, word in enumerate(sorted({w for k in self.places for w in k.split(" ")}))}
        numbers = {spelled: number for word, number in single.items() for spelled in spellings(word)}
        known = sorted(self.places, key=lambda word: (" " in word, word))
        return graph.add(
            "TfIdfVectorizer",
            codes(graph, words, numbers, default=-1),
            mode="TF",
            min_gram_length=1,
            max_gram_length=2,
            max_skip_count=0,
            ngram_counts=[0, sum(" " not in word for word in known)],
            ngram_indexes=[self.places[word] for word in known],
            pool_int64s=[single[word] for words in known for word in words.split(" ")],
        )

    def weighted(self, graph: Graph, feature: TextFeature) -> str:
        """Return the TF-IDF of a fold, float32 (rows, its words): (1 + ln n)·idf, each row of length 1."""
        own = np.array([self.places[word] for word in feature.words])
        counts = graph.add("Gather", self.counts, own, axis=1)
        logs = graph.add("Log", graph.add("Max", counts, 1.0))
        damped = graph.add("Add", logs, graph.add("Min", counts, 1.0))
        weights = graph.add("Mul", damped, np.array(feature.idf)[None])
        length = graph.add("ReduceL2", weights, np.array([1]), keepdims=1)
        return graph.cast(graph.add("Div", weights, graph.add("Max", length, 1e-300)), np.float32)


def spellings(word: str) -> set[str]:
    """Return how a word may be written once its ASCII letters are lower case.

    >>> sorted(spellings("über")), spellings("free")
    (['Über', 'über'], {'free'})
    """
    cases = [{letter, letter.upper()} if _has_two_cases(letter) else {letter} for letter in word]
    if sum(len(case) > 1 for case in cases) <= _MAX_LETTERS:
        return {"".join(letters) for letters in product(*cases)}
    upper = [max(case, key=lambda letter: letter.isupper()) for case in cases]
    return {word, upper[0] + word[1:], "".join(upper)}


def _has_two_cases(letter: str) -> bool:
    upper = letter.upper()
    return not letter.isascii() and upper != letter and len(upper) == 1 and upper.lower() == letter
