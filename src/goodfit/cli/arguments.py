"""What was typed, as settings of a training; their defaults stand in ``goodfit.Settings`` and nowhere else."""

from collections.abc import Callable, Sequence
from dataclasses import fields
from itertools import takewhile
from typing import Any

import typer
from typer.core import TyperCommand

import goodfit
from goodfit.errors import ConfigError
from goodfit.experiment.budget import seconds_of

OTHER_WORDS = {
    "--lr": "--learning-rate",
    "--eta": "--learning-rate",
    "--lambda": "--l2",
    "--alpha": "--l2",
    "--batch": "--batch-size",
    "--cv": "--folds",
    "--layers": "--hidden",
    "--units": "--hidden",
    "--hidden-layer-sizes": "--hidden",
    "--early-stopping": "--patience",
    "--max-iter": "--epochs",
    "--random-state": "--seed",
    "--label": "--target",
    "--output": "--out",
}
"""What other programs call an option; those that are spelled alike are found by typer."""


class CommandWithDefaults(TyperCommand):
    """A command whose help takes the defaults from ``goodfit.Settings``, where alone they are written.

    An option by the name that another program has for it is refused with its own.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401
        for typed in takewhile("--".__ne__, args):
            name = typed.partition("=")[0]
            if name in OTHER_WORDS:
                raise ConfigError(f"There is no option {name}: did you mean {OTHER_WORDS[name]}?")
        return super().parse_args(ctx, args)

    def get_help(self, ctx: Any) -> str:  # noqa: ANN401
        defaults = goodfit.Settings().to_json()
        for option in self.params:
            default = defaults.get(str(option.name))
            if default not in (None, [], {}):
                option.default = ",".join(map(str, default)) if isinstance(default, list) else default
        return super().get_help(ctx)


def _units(text: str) -> tuple[int, ...]:
    """64,64 as numbers; no hidden layer for "none" and ""."""
    try:
        return tuple(int(units) for units in text.split(",")) if text.strip() not in ("", "none") else ()
    except ValueError:
        raise typer.BadParameter(f"{text!r}: give units such as 64,64, or none.", param_hint="--hidden") from None


def _share_or_rows(text: str) -> float:
    try:
        return int(text) if text.isdigit() else float(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r}: give a share such as 0.2.", param_hint="--test-size") from None


def _axis(option: str) -> Callable[[str], Any]:
    """A number, several with commas between them, or ``auto``."""

    def values(text: str) -> float | tuple[float, ...] | str:
        if text.strip() == "auto":
            return "auto"
        try:
            found = tuple(float(value) for value in text.split(",") if value.strip())
        except ValueError:
            message = f"{text!r}: give a number, several with commas between them, or auto."
            raise typer.BadParameter(message, param_hint=option) from None
        return found[0] if len(found) == 1 and "," not in text else found

    return values


def _count(option: str) -> Callable[[str], int | str]:
    """A whole number, or ``auto``."""

    def value(text: str) -> int | str:
        try:
            return "auto" if text.strip() == "auto" else int(text)
        except ValueError:
            raise typer.BadParameter(f"{text!r}: give a whole number, or auto.", param_hint=option) from None

    return value


def _kinds(entries: Sequence[str]) -> dict[str, str]:
    return _pairs("--kind", entries)


def _class_weight(entries: Sequence[str]) -> dict[str, float] | str:
    if list(entries) == ["balanced"]:
        return "balanced"
    try:
        return {name: float(weight) for name, weight in _pairs("--class-weight", entries).items()}
    except ValueError:
        raise typer.BadParameter("give balanced, or CLASS=NUMBER.", param_hint="--class-weight") from None


def _threshold(text: str) -> float | str:
    """A number, or the name of a metric."""
    try:
        return float(text)
    except ValueError:
        return text


def _costs(entries: Sequence[str]) -> dict[str, float]:
    """fp=NUMBER,fn=NUMBER, in one entry or two."""
    pairs = _pairs("--costs", [pair for entry in entries for pair in entry.split(",")])
    try:
        return {name: float(cost) for name, cost in pairs.items()}
    except ValueError:
        raise typer.BadParameter("give both costs, such as fp=1,fn=10.", param_hint="--costs") from None


def _pairs(option: str, entries: Sequence[str]) -> dict[str, str]:
    """NAME=VALUE, where the name may hold = as well."""
    pairs = [entry.rpartition("=") for entry in entries]
    for entry, (name, _, value) in zip(entries, pairs, strict=True):
        if not name or not value:
            raise typer.BadParameter(f"{entry!r}: write NAME=VALUE.", param_hint=option)
    return {name: value for name, _, value in pairs}


TOGETHER = ({"group", "time", "split"}, {"threshold", "costs"})
"""Settings that depend on each other: who types one of them decides all of them anew."""
CONVERTED: dict[str, Callable[[Any], Any]] = {
    "hidden": _units,
    "l2": _axis("--l2"),
    "learning_rate": _axis("--learning-rate"),
    "test_size": _share_or_rows,
    "batch_size": _count("--batch-size"),
    "folds": _count("--folds"),
    "kinds": _kinds,
    "class_weight": _class_weight,
    "threshold": _threshold,
    "costs": _costs,
}


def is_typed(context: typer.Context, name: str) -> bool:
    """Whether a parameter is not its default."""
    source = context.get_parameter_source(name)
    return source is not None and source.name != "DEFAULT"


def training_given(context: typer.Context) -> dict[str, Any]:
    """Keyword arguments of ``goodfit.train``: those of the file of ``--config``, and over them what was typed."""
    own = ("target", "out", "resume", "start", "refine", "budget", "cluster", "insecure")
    typed = {name: context.params[name] for name in own if context.params[name] not in (None, False)}
    if is_typed(context, "data"):
        typed["table"] = context.params["data"]
    chosen = _settings_given(context)
    # What is wrong is refused before JAX is imported.
    if "budget" in typed:
        seconds_of(typed["budget"])
    if "resume" not in typed:
        goodfit.Settings(**chosen)
    typed |= chosen
    if context.params["config"] is None:
        return typed
    if "resume" in typed:
        raise ConfigError("Give config or resume, not both: a training that is resumed keeps its own settings.")
    found = goodfit.read_config(context.params["config"])
    decided_anew = {name for names in TOGETHER if names & typed.keys() for name in names}
    return {name: value for name, value in found.items() if name not in decided_anew and value is not None} | typed


def _settings_given(context: typer.Context) -> dict[str, Any]:
    """The settings that were typed; the others are left to the file of ``--config`` and to ``Settings``."""
    known = {field.name for field in fields(goodfit.Settings)}
    given = {name: value for name, value in context.params.items() if name in known and value not in (None, [], ())}
    return {name: CONVERTED.get(name, _as_it_is)(value) for name, value in given.items()}


def _as_it_is(value: object) -> object:
    return value
