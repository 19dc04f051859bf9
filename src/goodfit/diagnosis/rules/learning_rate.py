"""Rules about the learning rate: baby steps, perfect pace, jumping around."""

from goodfit.diagnosis.findings import Finding
from goodfit.diagnosis.observations import Case, Neighbour
from goodfit.diagnosis.rules.comparisons import (
    at_the_end,
    clear,
    fall,
    faster,
    gain,
    jumps,
    number,
    perhaps,
    rate,
    roughness,
    slower,
    times,
)

SMOOTH = 0.01
"""A training loss of whose way less than this leads upwards comes down in baby steps, or at least in even ones."""
EVEN_FALL = 0.005
"""A validation loss that fell by this share of what can be learned in the last tenth of the epochs was on its way."""
LEARNS_TOO = 0.02
"""A larger rate must reach a training loss lower by this share of what can be learned, too."""
JUMP = 0.06
"""A validation loss jumps whose steps from epoch to epoch are of this share of the baseline's loss."""
LEAP = 0.07
"""A training loss that jumps by this share of the baseline's loss leaps over what it looks for."""


def diverged(case: Case) -> Finding | None:
    """The loss is no longer a finite number."""
    if case.outcome != "diverged":
        return None
    return Finding(
        "diverged",
        "serious",
        f"The steps were so long that the loss was no longer a number after epoch {case.n_epochs}.",
        {"epochs": case.n_epochs, "learning_rate": number(case.learning_rate)},
        "Try a learning rate ten times smaller.",
        rate(times(case.learning_rate, 0.1)),
    )


def rate_too_small(case: Case) -> Finding | None:
    """The next larger rate does clearly better in the grid; alone: an even fall that was not over at the end."""
    if case.neighbours:
        better = faster(case)
        if better is None or not _better(case, better, slower(case)):
            return None
        if case.given_loss - better.loss <= LEARNS_TOO * case.reach:
            return None
        return _too_small(case, better.learning_rate, {"val_loss_there": better.val_loss})
    falling, rough = fall(case.curve), roughness(case.loss)
    if not case.judged or not at_the_end(case) or rough > SMOOTH or falling <= EVEN_FALL * case.reach:
        return None
    return _too_small(case, times(case.learning_rate, 10), {"fall_at_the_end": falling, "roughness": rough})


def _better(case: Case, better: Neighbour, other: Neighbour | None) -> bool:
    """Whether a learning rate does clearly better than the training's own, and no worse than that on the other side."""
    size, _ = gain(case, better, clear(case))
    return size >= 1 and size >= gain(case, other, clear(case))[0]


def _too_small(case: Case, better: float | None, evidence: dict[str, float]) -> Finding:
    return Finding(
        "rate_too_small",
        "warning",
        "Baby steps: the learning rate is so small that the loss was still on its way down.",
        {"val_loss": case.given_val_loss, "learning_rate": number(case.learning_rate), **evidence},
        "Take longer steps.",
        rate(better),
    )


def rate_too_large(case: Case) -> Finding | None:
    """The next smaller rate does clearly better in the grid; alone: the training loss leaps up and down."""
    if case.outcome == "diverged" or not case.judged:
        return None
    if case.neighbours:
        better = slower(case)
        if better is None or not _better(case, better, faster(case)):
            return None
        return _too_large(case, better, {"val_loss_there": better.val_loss})
    leaps = jumps(case.loss)
    return _too_large(case, None, {"jumps": leaps}) if leaps > LEAP * abs(case.start) else None


def _too_large(case: Case, better: Neighbour | None, evidence: dict[str, float]) -> Finding:
    return Finding(
        "rate_too_large",
        "warning",
        "Jumping around: the learning rate is so large that the steps leap over the low loss.",
        {"val_loss": case.given_val_loss, "learning_rate": number(case.learning_rate), **evidence},
        "Take shorter steps.",
        rate(better.learning_rate if better else times(case.learning_rate, 0.1)),
    )


def jumping(case: Case) -> Finding | None:
    """The validation loss jumps from epoch to epoch; this alone does not say that a smaller rate does better."""
    size = jumps(case.val_loss)
    if not case.judged or size <= JUMP * abs(case.start) or rate_too_large(case) is not None:
        return None
    return Finding(
        "jumping",
        "note",
        f"The validation loss jumps by about {size:.2g} from epoch to epoch: which epoch is best is partly luck.",
        {"jumps": size, "learning_rate": number(case.learning_rate)},
        "" if case.neighbours else "See whether shorter steps come lower.",
        "" if case.neighbours else rate(times(case.learning_rate, 0.1)),
    )


def perfect_pace(case: Case) -> Finding | None:
    """Rates on both sides were tried, and neither does clearly better."""
    sides = slower(case), faster(case)
    if not case.judged or None in sides or any(perhaps(*gain(case, side, clear(case))) for side in sides):
        return None
    return Finding(
        "perfect_pace",
        "good",
        "Perfect pace: neither a smaller nor a larger learning rate of the grid does clearly better.",
        {"learning_rate": number(case.learning_rate), "val_loss": case.given_val_loss, "clear": clear(case)},
    )
