"""Honest data, early stopping, and the complete training cycle."""

from collections.abc import Mapping, Sequence
from typing import Any

import altair as alt
import numpy as np
import numpy.typing as npt

from goodfit.formatting import count, numbers, share
from goodfit.guided_tour.chapter import Chapter, Names, Picture, Step, trial
from goodfit.reporting import sentences
from goodfit.reporting.charts.basics import Layer, epochs_x, rows, sized
from goodfit.reporting.charts.curves import loss_curves
from goodfit.reporting.charts.table import COLOURS, splits_chart
from goodfit.reporting.theme import IDLE, INK, TRAIN, VALIDATION
from goodfit.training.fit import Outcome, Training

Counts = npt.NDArray[np.integer[Any]]
PARTS = ("train", "validation", "test")


def parts(names: Names) -> Picture:
    """All rows, and the rows of each digit, by part."""
    rows_of = {part: names[part] for part in PARTS}
    sizes = {part: len(found) for part, found in rows_of.items()}
    classes = {part: np.bincount(names["y"][found], minlength=10) for part, found in rows_of.items()}
    said = f"{of_parts(sizes, classes)} {of_flattery(next(iter(names['pair'].values())))}"
    return Picture(said, [splits_chart(sizes), class_chart(classes)])


def of_parts(sizes: Mapping[str, int], classes: Mapping[str, Counts]) -> str:
    """Who is in which part, and whether each class is cut alike."""
    teach = 100 * classes["train"] / sum(classes.values())
    low, high = f"{teach.min():.0f}%", f"{teach.max():.0f}%"
    alike = f"of every digit {low}" if low == high else f"of the digits between {low} and {high}"
    return (
        f"{sizes['train']} of {count(sum(sizes.values()), 'row')} teach, {sizes['validation']} choose, and "
        f"{sizes['test']} are for the exam; {alike} teach."
    )


def of_flattery(training: Training) -> str:
    """What a network's own rows say of it, and what others say."""
    history = training.history
    own, other = history["accuracy"][-1], history["val_accuracy"][-1]
    said = f"The network without L2 is right in {share(own, 1)} of its own rows and in {share(other, 1)} of the others"
    return f"{said}: ask rows that were learned from, and they flatter." if own > other else f"{said}."


def class_chart(classes: Mapping[str, Counts]) -> Layer:
    """Rows of each digit, stacked by part."""
    found = [
        {"digit": digit, "rows": int(n), "part": part, "order": order}
        for order, (part, counts) in enumerate(classes.items())
        for digit, n in enumerate(counts)
    ]
    colour = alt.Color(
        "part:N", scale=alt.Scale(domain=list(classes), range=[COLOURS[part] for part in classes]), legend=None
    )
    bars = (
        alt.Chart(rows(found))
        .mark_bar()
        .encode(
            x=alt.X("digit:O", axis=alt.Axis(title="digit", labelAngle=0)),
            y=alt.Y("rows:Q", axis=alt.Axis(title="rows")),
            color=colour,
            order="order:Q",
        )
    )
    return sized(bars, height=170)


def stopping(names: Names) -> Picture:
    """The curves of a training that early stopping ended."""
    training, patience = names["stopped"], names["early_stop"].patience
    seen = trial(training, l2=0.0, learning_rate=float(training.history["learning_rate"][-1]))
    chart = loss_curves(
        seen.loss,
        seen.val_loss,
        best_epoch=seen.best_epoch,
        patience=patience,
        stopped=training.outcome is Outcome.STOPPED_EARLY,
    )
    longer = next(iter(names["pair"].values()))
    return Picture(f"{sentences.of_curves(seen, patience=patience)} {of_given_back(training, longer)}", [chart])


def of_given_back(training: Training, longer: Training) -> str:
    """Which weights one gets, and what the last ones are worth, here and in the same training without a stop."""
    values = training.history["val_loss"]
    best, last, end = numbers(values[training.best_epoch - 1], values[-1], longer.history["val_loss"][-1])
    if training.best_epoch == len(values):
        return f"The weights given back are those of the last epoch, {best}."
    return (
        f"The weights given back are those of epoch {training.best_epoch}, {best}, not those of the last one, {last}; "
        f"without a stop the same training is at {end} after {count(longer.history.n_epochs, 'epoch')}."
    )


def cycle(names: Names) -> Picture:
    """The steps of the cycle with what was measured of each, and the whole training."""
    training = names["training"]
    return Picture(
        of_cycle(training, names["exam"], len(names["y_test"])), [objective_chart(training)], cycle_steps(training)
    )


def cycle_steps(training: Training) -> Sequence[Step]:
    """From the forward pass to the decision to go on, as it was in the first epoch and in the best one."""
    first, best = (training.history.row(epoch) for epoch in (1, training.best_epoch))

    def went(name: str) -> str:
        return " → ".join(numbers(first[name], best[name]))

    moved = [f"{100 * row['update_ratio']:.2f}%" for row in (first, best)]
    stop = training.history.n_epochs
    ended = {Outcome.STOPPED_EARLY: "stopped early", Outcome.FINISHED: "all epochs done"}.get(training.outcome, "ended")
    return (
        Step("Forward pass", "A batch of rows goes through the network; prediction error.", f"loss {went('loss')}"),
        Step("Loss with penalty", "λ × the sum of squared weights is added.", f"new loss {went('objective')}"),
        Step("Backward pass", "In which direction each weight should move.", f"gradient {went('gradient_norm')}"),
        Step("Adam update", "Each weight takes a step of its own.", f"moves {moved[0]} → {moved[1]} of its size"),
        Step("Validation", "After each epoch, rows that teach nothing.", f"validation loss {went('val_loss')}"),
        Step(
            "Again, or stop",
            "Until all epochs are done or patience is over.",
            f"best epoch {training.best_epoch}, {ended} at {stop}",
        ),
    )


def of_cycle(training: Training, exam: Mapping[str, float], n_test: int) -> str:
    """What the new loss is made of at the best epoch, and the exam."""
    best = training.history.row(training.best_epoch)
    loss, penalty, objective, val_loss = numbers(*(best[name] for name in ("loss", "penalty", "objective", "val_loss")))
    right = round(exam["accuracy"] * n_test)
    return (
        f"At the best epoch, {training.best_epoch}, loss {loss} + penalty {penalty} = new loss {objective}, and the "
        f"validation loss is {val_loss}. The exam, opened once at the very end: {right} of {count(n_test, 'test row')} "
        f"are right, {share(right, n_test)}."
    )


def objective_chart(training: Training) -> Layer:
    """Loss and penalty on top of each other, the validation loss, and the best epoch."""
    history = training.history
    scale = alt.Scale(domain=["loss", "penalty", "validation loss"], range=[TRAIN, IDLE, VALIDATION])
    legend = alt.Legend(symbolType="square", symbolSize=110, symbolStrokeWidth=0)
    colour = alt.Color("what:N", scale=scale, legend=legend)
    areas = [
        {"epoch": epoch, "low": float(low), "high": float(high), "what": what}
        for what, lows, highs in (
            ("loss", np.zeros(history.n_epochs), history["loss"]),
            ("penalty", history["loss"], history["objective"]),
        )
        for epoch, (low, high) in enumerate(zip(lows, highs, strict=True), start=1)
    ]
    judged = [
        {"epoch": epoch, "loss": float(loss), "what": "validation loss"}
        for epoch, loss in enumerate(history["val_loss"], start=1)
    ]
    y = alt.Y("low:Q", axis=alt.Axis(title="new loss = loss + penalty"))
    filled = (
        alt.Chart(rows(areas))
        .mark_area(opacity=0.75)
        .encode(x=epochs_x(history.n_epochs), y=y, y2="high:Q", color=colour)
    )
    line = alt.Chart(rows(judged)).mark_line(strokeWidth=2.4).encode(x="epoch:Q", y="loss:Q", color=colour)
    best = alt.Chart(rows([{"epoch": training.best_epoch}])).mark_rule(color=INK).encode(x="epoch:Q")
    return sized(alt.layer(filled, line, best), height=240)


CHAPTERS: tuple[Chapter, ...] = (
    Chapter(
        name="parts",
        heading="The split of 1,000 rows",
        idea="Whoever has seen the answers cannot show how well they guess. Before anything is learned the rows are "
        "dealt out, at random and by class: one part teaches, one chooses λ, rate and epoch, one is kept for the end.",
        picture=parts,
    ),
    Chapter(
        name="stopping",
        heading="Early stopping",
        idea="After every epoch the validation rows are asked. When they have not got better for as many epochs as "
        "patience allows, the training ends, and the weights of the best epoch are given back.",
        picture=stopping,
    ),
    Chapter(
        name="cycle",
        heading="The complete training cycle",
        idea="All of it together, as in every training of goodfit. The numbers are those of the first epoch and of the "
        "best one.",
        picture=cycle,
    ),
)
