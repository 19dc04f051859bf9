"""The choices of a training on a table, all of them plain values that a run folder can hold.

Only plain Python is imported, so that a wrong argument is refused, and help shown, before JAX, NumPy and Arrow are.
"""

import re
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from difflib import get_close_matches
from functools import cached_property
from numbers import Number
from typing import TYPE_CHECKING, Any, Literal, Union, get_args

from goodfit.data.choices import DEFAULT_THRESHOLD, AskedTask, MissingTarget
from goodfit.errors import ConfigError
from goodfit.experiment.goal import COST, GOALS, Goal, Rule
from goodfit.nn.names import OPTIMIZER_NAMES, validate_activation
from goodfit.search.choices import RULES, SelectionRule, validate_values
from goodfit.search.race_arithmetic import rung_rows
from goodfit.validation import is_weight, validate_count, validate_not_negative, validate_size

if TYPE_CHECKING:
    from goodfit.data.splits.rules import Splitter
    from goodfit.data.table import Kind

NamedSplit = Literal["random", "last", "group", "time", "duplicates"]
SplitRule = Union[NamedSplit, "Splitter"]
AUTO_BATCH_SIZES = {32: 0, 64: 4_000, 128: 8_000, 256: 16_000}
"""``batch_size="auto"``: batch size, and the smallest number of known rows that gets it. From 4,000 to 16,000
known rows an epoch has 50 to 100 updates; measured in docs/benchmarks.md."""
_SIZE = re.compile(r"(\d+(?:\.\d*)?)\s*([kMGT]?B)?", re.IGNORECASE)
_UNITS = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
KEPT = ("ensemble", "one")
NUMBERS = ("auto", "scaled", "piecewise")
BINS, ROWS_PER_BIN = (4, 16), 80
"""Fewest and most bins of a number that is encoded piecewise, and training rows for each bin in between. On six tables
of 100 to 1,000 training rows this lowered the test loss by 3 %, and the training time by a quarter."""
MAX_ROWS_AUTO_FOLDS = 5_000
"""On more known rows one fold is enough to tell configs apart, and five would take five times as long."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The keyword arguments of ``goodfit.train``.

    Attributes:
        l2: λ of the penalty λ·Σw² on every kernel; no ½, independent of the batch size. One value, several, or ``auto``
            for the guide's: 0, 0.0001, 0.001, 0.01, 0.1, 1. More than one training is a sweep.
        learning_rate: η. One value, several, or ``auto`` for the guide's: 0.00001, 0.0001, 0.001, 0.01, 0.1.
        seeds: trainings of every pair of values, with first weights and row orders of their own.
        folds: number of cross-validation folds. 1 judges by one set of validation rows; k judges by every known row, in
            k trainings of every pair. ``auto``: on up to 5,000 known rows as many folds as ``validation_split`` makes,
            five by default, where only contenders are trained on the folds after the first; otherwise 1, and from
            20,000 training rows the grid is trained on 10,000 of them, and only its best configs on more and on all.
        keep: what predicts. ``ensemble``: the weighted mean of the best configs, each with its networks of all folds;
            ``one``: the one network of the selected config.
        choice: ``best``, or ``1se``: the largest l2 within one standard error of the best.
        freeze: number of hidden layers, from the first, that keep the weights of the earlier run in ``start``.
        optimizer: ``adam`` or ``sgd``.
        hidden: units of each hidden layer; empty for a linear model.
        activation: of the hidden layers. The slope of ``leaky_relu`` below 0 keeps units from dying at large rates.
        dropout: share of the hidden outputs set to 0 in training.
        epochs: the most that are run. An epoch is a pass over the training rows, or 1,000 updates if these are fewer.
        batch_size: rows of one update. ``auto``: 32 below 4,000 known rows, 64 below 8,000, 128
            below 16,000, 256 from there.
        patience: epochs without improvement of the validation loss after which training stops.
        test_size: share of all rows that is sealed for the exam, or their number; 0 for no exam.
        validation_split: share of the other rows that chooses the epoch.
        split: ``random`` (stratified by class), ``last``, ``group``, ``time``, or ``duplicates``: random, but rows
            that are equal, up to about 0.002 standard deviations, are kept in one split.
        group: column whose rows stay together; implies ``split="group"``. It is no feature.
        time: column that orders the rows; implies ``split="time"``. It is a feature as well, unless ``drop`` names it.
        seed: of splits, first weights, row orders and dropout.
        task: ``auto``, ``classification`` or ``regression``.
        threshold: of two classes, the probability of the positive one above which it is predicted; or ``accuracy``,
            ``balanced_accuracy`` or ``f1``: the threshold that maximises it on out-of-fold rows.
        costs: cost of a false positive and of a false negative, ``{"fp": 1, "fn": 10}``; the threshold is then the one
            of the lowest cost on out-of-fold rows.
        class_weight: class to weight, 1 for those not named, or ``balanced``; in training and validation.
        kinds: column to kind, where the table was misunderstood.
        numbers: how numbers are encoded. ``scaled``; ``piecewise``: in 4 to 16 bins, too, which follow the target;
            ``auto``: piecewise where an ensemble is kept. A single network on one split is overconfident with bins.
        drop: columns not to be used.
        missing_target: ``drop`` leaves rows without a value of the target out, with a warning; ``error`` refuses them.
        memory: most memory for the rows of a table, such as ``1GB``. A file that needs more, or a folder of files, is
            read in blocks; see docs/scale.md.

    Raises:
        ConfigError: a value is outside its range; it is named.
    """

    l2: float | Sequence[float] | str = "auto"
    learning_rate: float | Sequence[float] | str = "auto"
    seeds: int = 1
    folds: int | Literal["auto"] = "auto"
    keep: Literal["ensemble", "one"] = "ensemble"
    choice: SelectionRule = "best"
    freeze: int = 0
    optimizer: str = "adam"
    hidden: tuple[int, ...] = (64, 64)
    activation: str = "leaky_relu"
    dropout: float = 0.0
    epochs: int = 200
    batch_size: int | Literal["auto"] = "auto"
    patience: int = 10
    test_size: float = 0.2
    validation_split: float = 0.2
    split: SplitRule = "random"
    group: str | None = None
    time: str | None = None
    seed: int = 0
    task: AskedTask = "auto"
    threshold: float | str = DEFAULT_THRESHOLD
    costs: Mapping[str, float] | None = None
    class_weight: Mapping[str, float] | str | None = None
    kinds: Mapping[str, "Kind"] = field(default_factory=dict)
    numbers: Literal["auto", "scaled", "piecewise"] = "auto"
    drop: tuple[str, ...] = ()
    missing_target: MissingTarget = "drop"
    memory: str | int | None = None

    def __post_init__(self) -> None:
        for f in fields(self):
            object.__setattr__(self, f.name, _plain(getattr(self, f.name)))
        for name in ("l2", "learning_rate"):
            if isinstance(getattr(self, name), Iterable) and not isinstance(getattr(self, name), str):
                object.__setattr__(self, name, _tuple(getattr(self, name)))
        for name in ("hidden", "drop"):
            object.__setattr__(self, name, _tuple(getattr(self, name)))
        object.__setattr__(self, "split", self._implied_split())
        object.__setattr__(self, "class_weight", _checked_weights(self.class_weight))
        object.__setattr__(self, "costs", _checked_costs(self.costs))
        self._check_threshold()
        self._check_numbers()
        self._check_names()
        self._check_columns()
        _ = self.memory_bytes
        for name, values in self.space.items():
            for value in values:
                validate_not_negative(name, value)

    def _check_numbers(self) -> None:
        if not (is_weight(self.dropout) and 0 <= self.dropout < 1):
            raise ConfigError(f"dropout must be at least 0 and below 1, not {self.dropout!r}.")
        ranges = {
            "epochs": (1, 1_000_000),
            "patience": (0, 2**31 - 1),
            "seed": (0, 2**31 - 1),
            "seeds": (1, 10_000),
            "freeze": (0, 100),
        }
        for name, (smallest, largest) in ranges.items():
            validate_count(name, getattr(self, name), smallest=smallest, largest=largest)
        validate_count("batch_size", self.batch_size, largest=2**24, auto=True)
        validate_count("folds", self.folds, auto=True)
        validate_count("the number of hidden layers", len(self.hidden), smallest=0, largest=100)
        for units in self.hidden:
            validate_count("units in hidden", units, largest=2**20)
        validate_size("test_size", self.test_size, zero=True, counts=True)
        validate_size("validation_split", self.validation_split)

    def _check_threshold(self) -> None:
        chosen = isinstance(self.threshold, str) and self.threshold in GOALS
        if not chosen and not (is_weight(self.threshold) and 0 < float(self.threshold) < 1):
            raise ConfigError(
                f"threshold must be a number between 0 and 1, or one of {', '.join(GOALS)}, not {self.threshold!r}."
            )
        if self.costs is not None and self.threshold != DEFAULT_THRESHOLD:
            raise ConfigError("give threshold or costs, not both: costs choose the threshold.")

    def _check_names(self) -> None:
        for name, known in (
            ("optimizer", OPTIMIZER_NAMES),
            ("task", get_args(AskedTask)),
            ("split", get_args(NamedSplit)),
            ("choice", RULES),
            ("keep", KEPT),
            ("numbers", NUMBERS),
            ("missing_target", get_args(MissingTarget)),
        ):
            value = getattr(self, name)
            is_splitter = name == "split" and not isinstance(value, str) and callable(getattr(value, "split", None))
            if value not in known and not is_splitter:
                raise ConfigError(f"{name} must be one of {', '.join(known)}, not {value!r}.")

    def _check_columns(self) -> None:
        validate_activation(self.activation)
        for name in ("group", "time"):
            if not isinstance(getattr(self, name), str | None):
                raise ConfigError(f"{name} must be the name of a column, not {getattr(self, name)!r}.")
        if not all(isinstance(name, str) for name in self.drop):
            raise ConfigError(f"drop must be names of columns, not {self.drop!r}.")
        pairs = self.kinds.items() if isinstance(self.kinds, Mapping) else [(None, None)]
        if not all(isinstance(word, str) for pair in pairs for word in pair):
            raise ConfigError(f"kinds must map columns to their kinds, not {self.kinds!r}.")

    def _implied_split(self) -> SplitRule:
        if isinstance(self.split, str) and str(self.split) == "copies":
            warnings.warn("split='copies' is now called split='duplicates'.", DeprecationWarning, stacklevel=4)
            object.__setattr__(self, "split", "duplicates")
        if self.group is not None and self.time is not None:
            raise ConfigError("give group or time, not both: rows are kept together or in order.")
        implied: SplitRule = "group" if self.group is not None else "time" if self.time is not None else self.split
        if self.split not in ("random", implied):
            raise ConfigError(f"{implied}={getattr(self, str(implied))!r} needs split={implied!r}, not {self.split!r}.")
        if implied in ("group", "time") and getattr(self, implied) is None:
            raise ConfigError(f"split={implied!r} needs the column: {implied}='…'.")
        return implied

    @cached_property
    def space(self) -> Mapping[str, tuple[float, ...]]:
        """The values of l2 and of the learning rate, ascending."""
        return {name: validate_values(name, getattr(self, name)) for name in ("l2", "learning_rate")}

    @property
    def decision_rule(self) -> Rule:
        """The threshold of two classes, or what it is chosen for.

        >>> Settings(costs={"fp": 1, "fn": 3}).decision_rule.nearest
        0.25
        """
        if self.costs is not None:
            return Goal(COST, self.costs["fp"], self.costs["fn"])
        return Goal(self.threshold) if isinstance(self.threshold, str) else float(self.threshold)

    @property
    def sweeps(self) -> bool:
        """Whether there is more than one training."""
        folds = 1 if self.folds == "auto" else self.folds
        return max(self.seeds, folds, *(len(values) for values in self.space.values())) > 1

    @property
    def memory_bytes(self) -> int | None:
        """The bound of memory in bytes; None for none.

        >>> Settings(memory="1.5GB").memory_bytes, Settings(memory=2_000_000).memory_bytes
        (1500000000, 2000000)
        """
        if self.memory is None:
            return None
        found = _SIZE.fullmatch(str(self.memory))
        n_bytes = int(float(found[1]) * _UNITS[(found[2] or "B").upper()]) if found else 0
        if n_bytes < _UNITS["MB"]:
            raise ConfigError(f"memory must be a size of at least 1MB, such as '500MB' or '2GB', not {self.memory!r}.")
        return n_bytes

    def n_folds(self, n_known: int) -> int:
        """Return the number of folds for so many known rows.

        ``auto`` is 1 for a single training, and where rows have an order or are split by an object; it is at most 10.

        >>> Settings().n_folds(800), Settings(validation_split=0.25).n_folds(800), Settings().n_folds(8000)
        (5, 4, 1)
        """
        if self.folds != "auto":
            return self.folds
        ordered = self.split not in ("random", "group", "duplicates")
        if ordered or not self.sweeps or n_known > MAX_ROWS_AUTO_FOLDS:
            return 1
        return min(10, round(1 / self.validation_split))

    def max_bins(self, n_train: int) -> int:
        """Return the most bins of a number for so many training rows; 0 where numbers are scaled only.

        >>> [Settings().max_bins(n) for n in (100, 640, 5000)]
        [4, 8, 16]
        """
        ensemble = self.keep == "ensemble" and self.sweeps
        if self.numbers == "scaled" or (self.numbers == "auto" and not ensemble):
            return 0
        return max(BINS[0], min(BINS[1], n_train // ROWS_PER_BIN))

    @property
    def races(self) -> bool:
        """Whether only contenders are trained on the folds after the first, or on all rows of a large table."""
        return self.folds == "auto"

    def rung_rows(self, n_folds: int, n_train: int) -> list[int]:
        """Return the training rows of each rung of a search; all of them where it has none."""
        return rung_rows(n_train) if self.races and self.sweeps and n_folds == 1 else [n_train]

    def rows_per_update(self, n_known: int) -> int:
        """Return the batch size for so many known rows, the same on every fold.

        >>> [Settings().rows_per_update(n_known) for n_known in (800, 4_000, 8_000, 100_000)]
        [32, 64, 128, 256]
        """
        if self.batch_size != "auto":
            return self.batch_size
        return max(size for size, smallest in AUTO_BATCH_SIZES.items() if n_known >= smallest)

    def to_json(self) -> dict[str, Any]:
        """Plain values by name; ConfigError for a splitter object, which no file can hold."""
        if not isinstance(self.split, str):
            raise ConfigError(
                "a run folder cannot hold a splitter object; train without out, or choose a split by name."
            )
        return asdict(self) | {"hidden": list(self.hidden), "drop": list(self.drop)}


def _plain(value: Any) -> Any:  # noqa: ANN401
    """NumPy's numbers as Python's, which a file can hold."""
    return value.item() if isinstance(value, Number | str) and hasattr(value, "item") else value


def _tuple(values: Any) -> tuple[Any, ...]:  # noqa: ANN401
    """One value, or several, as a tuple."""
    several = isinstance(values, Iterable) and not isinstance(values, str)
    return tuple(_plain(value) for value in values) if several else (values,)


def _checked_weights(weights: object) -> dict[str, float] | str | None:
    """Class weights as plain values; ConfigError for what is none."""
    if weights is None or (isinstance(weights, str) and weights == "balanced"):
        return weights
    if not isinstance(weights, Mapping):
        raise ConfigError(f"class_weight must map classes to weights, or be 'balanced', not {weights!r}.")
    for label, weight in weights.items():
        if not is_weight(weight):
            raise ConfigError(f"class_weight of {label!r} must be a finite number, zero or larger, not {weight!r}.")
    return {str(label): float(weight) for label, weight in weights.items()}


def _checked_costs(costs: object) -> dict[str, float] | None:
    """Costs of the two errors as plain values; ConfigError for what is none."""
    if costs is None:
        return None
    sound = isinstance(costs, Mapping) and set(costs) == {"fp", "fn"} and all(map(is_weight, costs.values()))
    if not sound or not any(costs.values()):  # type: ignore[attr-defined]
        raise ConfigError(
            "costs must give the cost of a false positive and of a false negative, zero or larger, such as "
            f"costs={{'fp': 1, 'fn': 10}}, not {costs!r}."
        )
    return {name: float(cost) for name, cost in costs.items()}  # type: ignore[attr-defined]


def settings_from(values: Mapping[str, Any]) -> Settings:
    """Settings of these values; ConfigError for a name that is not known."""
    known = [f.name for f in fields(Settings)]
    for name in values:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"choose from {', '.join(known)}."
            raise ConfigError(f"{name!r} is not a setting; {hint}")
    return Settings(**values)


def apply_change(settings: Settings, change: Mapping[str, Any]) -> Settings:
    """Return the settings after the advice of a finding or data check.

    ``drop``, ``kinds`` and ``class_weight`` are added to what is set; the other values replace it. A new ``group``,
    ``time`` or ``split`` ends the split that was set before. ``refine`` is an argument of ``train``, not a setting.

    Raises:
        ConfigError: an unknown name, or a value outside its range.

    >>> apply_change(Settings(drop="id"), {"drop": ["duration"]}).drop
    ('id', 'duration')
    """
    values = {f.name: getattr(settings, f.name) for f in fields(settings)}
    if {"group", "time", "split"} & set(change):
        values |= {"group": None, "time": None, "split": "random"}
    for name, value in change.items():
        if name == "drop":
            values[name] = tuple(dict.fromkeys((*settings.drop, *_tuple(value))))
        elif name in ("kinds", "class_weight") and isinstance(values[name], Mapping) and isinstance(value, Mapping):
            values[name] = {**values[name], **value}
        elif name != "refine":
            values[name] = value
    return settings_from(values)
