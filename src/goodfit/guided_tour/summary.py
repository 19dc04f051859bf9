"""The table at the end of the tour: each concept, what it does, an analogy, and what was measured on this page."""

from typing import NamedTuple

import numpy as np

from goodfit.formatting import numbers, share
from goodfit.guided_tour import paths
from goodfit.guided_tour.chapter import Names
from goodfit.guided_tour.fits import fits_of, verdict
from goodfit.guided_tour.penalty import ended
from goodfit.reporting.trials import Trial, short_value


class Row(NamedTuple):
    """One concept. measured: a sentence computed from the trainings of this page."""

    concept: str
    what: str
    analogy: str
    measured: str


def summary(names: Names) -> list[Row]:
    """Return the rows, in the order of the chapters."""
    return [
        Row(
            "Underfitting",
            "The model is too simple, or restrained too much: both errors are high.",
            "Studied too little for the exam",
            _of_fit(names, "underfitting"),
        ),
        Row(
            "Overfitting",
            "The model learns the noise of its training rows as well.",
            "Learned the answers by heart",
            _of_fit(names, "overfitting"),
        ),
        Row(
            "L2 regularization",
            "Adds λ × the sum of all squared weights to the loss, so that weights stay small.",
            "A tax on large weights",
            _of_l2(names),
        ),
        Row(
            "Learning rate",
            "How far each update moves the weights.",
            "Baby steps, perfect pace, jumping around",
            _of_rates(names),
        ),
        Row(
            "Adam",
            "Gives each weight a step of its own, from the mean and the size of its past gradients.",
            "A smooth path instead of a zigzag",
            _of_adam(names),
        ),
        Row(
            "Train, validation and test rows",
            "Some rows train the network, some select its settings, some are scored once at the end.",
            "Lessons, practice tests, final exam",
            _of_splits(names),
        ),
        Row(
            "Early stopping",
            "Ends the training when the validation loss stops falling, and restores the best weights.",
            "Stop while you are ahead",
            _of_stopping(names),
        ),
    ]


def _of_fit(names: Names, word: str) -> str:
    """Errors of the fit that is called so, and those of the good fit."""
    fits = fits_of(names)
    found = [fit for fit in fits if verdict(fit, fits) == word]
    if not found:
        return f"None of the {len(fits)} fits is {word}."
    worst, good = found[0], min(fits, key=lambda fit: fit.val_loss)
    own, other, best = numbers(worst.loss, worst.val_loss, good.val_loss)
    return f"λ {short_value(worst.l2)}: error {own} on training points, {other} on new ones (good fit: {best})"


def _of_l2(names: Names) -> str:
    """Width of the weights and validation loss without L2 and with it."""
    without, penalised = ended(names["pair"])
    widths = numbers(*(float(np.ptp(np.quantile(each.quantiles, [0.05, 0.95]))) for each in (without, penalised)))
    losses = numbers(*(each.at_best(each.val_loss) for each in (without, penalised)))
    return (
        f"λ {short_value(without.l2)} → {short_value(penalised.l2)}: the central 90% of the weights span {widths[0]} → "
        f"{widths[1]}, validation loss {losses[0]} → {losses[1]}"
    )


def _of_rates(names: Names) -> str:
    """Lowest validation loss of each learning rate."""
    losses = numbers(*(float(np.nanmin(training.history["val_loss"])) for training in names["rates"].values()))
    pairs = (f"{loss} at {short_value(rate)}" for rate, loss in zip(names["rates"], losses, strict=True))
    return f"lowest validation loss {', '.join(pairs)}"


def _of_adam(names: Names) -> str:
    """How often the paths of SGD and Adam turn back."""
    walks = {name: paths.measure(path) for name, path in names["paths"].items()}
    turns = (f"{name} {walk.turns or 'none'}" for name, walk in walks.items())
    return f"steps that turn back, of {walks['Adam'].steps}: {', '.join(turns)}"


def _of_splits(names: Names) -> str:
    """Sizes, and the accuracy on the rows of each split."""
    sizes = " / ".join(f"{len(names[split]):,}" for split in ("train", "validation", "test"))
    training = names["training"]
    best = training.history.row(training.best_epoch)
    scores = (best["accuracy"], best["val_accuracy"], names["exam"]["accuracy"])
    return f"{sizes} rows; accuracy {' / '.join(share(score, 1) for score in scores)}"


def _of_stopping(names: Names) -> str:
    """Best epoch, and the validation loss there and at the end without early stopping."""
    stopped = names["stopped"]
    longer: Trial = ended(names["pair"])[0]
    restored, end = numbers(stopped.history["val_loss"][stopped.best_epoch - 1], longer.val_loss[-1])
    return (
        f"epoch {stopped.best_epoch:,} of {stopped.history.n_epochs:,} restored: validation loss {restored}, instead "
        f"of {end} after {longer.epochs:,}"
    )
