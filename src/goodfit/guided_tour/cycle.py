"""The data split, early stopping, and the complete training cycle."""

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
SPLITS = ("train", "validation", "test")


def splits(names: Names) -> Picture:
    """All rows, and the rows of each digit, by split."""
    rows_of = {split: names[split] for split in SPLITS}
    sizes = {split: len(found) for split, found in rows_of.items()}
    classes = {split: np.bincount(names["y"][found], minlength=10) for split, found in rows_of.items()}
    said = f"{of_splits(sizes, classes)} {of_optimism(next(iter(names['pair'].values())))}"
    return Picture(said, [splits_chart(sizes), class_chart(classes)])


def of_splits(sizes: Mapping[str, int], classes: Mapping[str, Counts]) -> str:
    """Sizes of the splits, and whether each class is split alike."""
    teach = 100 * classes["train"] / sum(classes.values())
    low, high = f"{teach.min():.0f}%", f"{teach.max():.0f}%"
    alike = low if low == high else f"between {low} and {high}"
    return (
        f"{sizes['train']} of {count(sum(sizes.values()), 'row')} are for training, {sizes['validation']} for "
        f"validation, {sizes['test']} for the exam. Of each digit, {alike} of the rows are for training."
    )


def of_optimism(training: Training) -> str:
    """Accuracy on the training rows and on other rows."""
    history = training.history
    own, other = history["accuracy"][-1], history["val_accuracy"][-1]
    said = f"The accuracy without L2 is {share(own, 1)} on training rows and {share(other, 1)} on validation rows"
    return f"{said}: scores on training rows are too optimistic." if own > other else f"{said}."


def class_chart(classes: Mapping[str, Counts]) -> Layer:
    """Rows of each digit, stacked by split."""
    found = [
        {"digit": digit, "rows": int(n), "split": split, "order": order}
        for order, (split, counts) in enumerate(classes.items())
        for digit, n in enumerate(counts)
    ]
    colour = alt.Color(
        "split:N", scale=alt.Scale(domain=list(classes), range=[COLOURS[split] for split in classes]), legend=None
    )
    bars = (
        alt.Chart(rows(found))
        .mark_bar()
        .encode(
            x=alt.X("digit:O", axis=alt.Axis(title="digit", labelAngle=0)),
            y=alt.Y("rows:Q", axis=alt.Axis(title="rows")),
            color=colour,
            order=alt.Order("order:Q"),
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
    return Picture(f"{sentences.of_curves(seen, patience=patience)} {of_restored(training, longer)}", [chart])


def of_restored(training: Training, longer: Training) -> str:
    """Loss of the restored weights, of the last ones, and of the same training without early stopping."""
    values = training.history["val_loss"]
    best, last, end = numbers(values[training.best_epoch - 1], values[-1], longer.history["val_loss"][-1])
    if training.best_epoch == len(values):
        return f"The weights are those of the last epoch, with a validation loss of {best}."
    return (
        f"Early stopping restores the weights of epoch {training.best_epoch:,}, {best}; at the last epoch the loss is "
        f"{last}, and without early stopping {end} after {count(longer.history.n_epochs, 'epoch')}."
    )


def cycle(names: Names) -> Picture:
    """The steps of the cycle with a measurement each, and the whole training."""
    training = names["training"]
    return Picture(
        of_cycle(training, names["exam"], len(names["y_test"])), [objective_chart(training)], cycle_steps(training)
    )


def cycle_steps(training: Training) -> Sequence[Step]:
    """From the forward pass to the stopping rule, measured in the first epoch and in the best one."""
    first, best = (training.history.row(epoch) for epoch in (1, training.best_epoch))

    def went(name: str) -> str:
        return " → ".join(numbers(first[name], best[name]))

    moved = [f"{100 * row['update_ratio']:.2f}%" for row in (first, best)]
    stop = training.history.n_epochs
    ended = {Outcome.STOPPED_EARLY: "stopped early", Outcome.FINISHED: "finished"}.get(training.outcome, "ended")
    return (
        Step("Forward pass", "The network predicts a batch of rows.", f"loss {went('loss')}"),
        Step("Loss with penalty", "λ × the sum of squared weights is added.", f"new loss {went('objective')}"),
        Step(
            "Backward pass",
            "In which direction each weight should move.",
            f"gradient {went('gradient_norm')}",
        ),
        Step("Adam update", "Each weight takes a step of its own size.", f"update / weight {moved[0]} → {moved[1]}"),
        Step("Validation", "After each epoch, the loss of rows not trained on.", f"validation loss {went('val_loss')}"),
        Step(
            "Repeat or stop",
            "Until the last epoch, or until patience runs out.",
            f"best epoch {training.best_epoch:,}, {ended} after {stop}",
        ),
    )


def of_cycle(training: Training, exam: Mapping[str, float], n_test: int) -> str:
    """Loss, penalty and validation loss at the best epoch, and the exam."""
    best = training.history.row(training.best_epoch)
    loss, penalty, objective, val_loss = numbers(*(best[name] for name in ("loss", "penalty", "objective", "val_loss")))
    right = round(exam["accuracy"] * n_test)
    return (
        f"At the best epoch, {training.best_epoch:,}: loss {loss} + penalty {penalty} = new loss {objective}; "
        f"validation loss {val_loss}. The exam, opened once at the very end: {right} of {count(n_test, 'test row')} "
        f"are classified correctly, {share(right, n_test)}."
    )


def objective_chart(training: Training) -> Layer:
    """Loss and penalty stacked, the validation loss, and the best epoch."""
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
        .encode(x=epochs_x(history.n_epochs), y=y, y2=alt.Y2("high:Q"), color=colour)
    )
    line = (
        alt.Chart(rows(judged)).mark_line(strokeWidth=2.4).encode(x=alt.X("epoch:Q"), y=alt.Y("loss:Q"), color=colour)
    )
    best = alt.Chart(rows([{"epoch": training.best_epoch}])).mark_rule(color=INK).encode(x=alt.X("epoch:Q"))
    return sized(alt.layer(filled, line, best), height=240)


CHAPTERS: tuple[Chapter, ...] = (
    Chapter(
        name="splits",
        heading="Train, validation and test rows",
        idea="A model cannot be judged by rows that it was trained on. Before any training, the rows are split at "
        "random, stratified by class: some train the network, some select λ, learning rate and epoch, some are kept "
        "for the end.",
        picture=splits,
    ),
    Chapter(
        name="stopping",
        heading="Early stopping",
        idea="After every epoch the loss of the validation rows is computed. When it has not improved for as many "
        "epochs as patience allows, training stops and the weights of the best epoch are restored.",
        picture=stopping,
    ),
    Chapter(
        name="cycle",
        heading="The complete training cycle",
        idea="All of this together, as in every training of goodfit. The numbers are those of the first epoch and of "
        "the best one.",
        picture=cycle,
    ),
)
