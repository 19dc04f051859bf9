"""What is said of a training that started from an earlier network. Plain Python, which the shell loads quickly."""

from __future__ import annotations

from typing import TYPE_CHECKING

from goodfit.formatting import count, join, numbers, printable

if TYPE_CHECKING:
    from goodfit.experiment.fine_tuning import Transfer


def of_transfer(transfer: Transfer, name: str, *, freeze: int = 0) -> str:
    """What the earlier network bought, and which columns it did not share.

    Args:
        name: of the earlier run, "" for one in memory.
        freeze: number of hidden layers that kept their weights.
    """
    loss, scratch, unchanged, gain, error = numbers(
        transfer.loss, transfer.scratch_loss, transfer.unchanged_loss, abs(transfer.gain), transfer.standard_error
    )
    rows = count(transfer.n_rows, "validation row")
    earlier = f"the network of {printable(name)}" if name else "the earlier network"
    frozen = f" with {count(freeze, 'frozen hidden layer')}" * bool(freeze)
    said = (
        f"From {earlier}{frozen} the validation loss is {loss}, from scratch {scratch}; that network unchanged has "
        f"{unchanged}. {_verdict(transfer, gain, error)} ({rows})."
    )
    kept = "starts from it" if transfer.selected else "is trained from scratch"
    return " ".join([said, f"What was kept {kept}.", *_columns(transfer)])


def _verdict(transfer: Transfer, gain: str, error: str) -> str:
    """Whether the difference is more than chance."""
    lower = "lower" if transfer.gain >= 0 else "higher"
    difference = f"the loss is {gain} ± {error} {lower}"
    if abs(transfer.gain) <= 2 * transfer.standard_error:
        return f"Whether the start helps cannot be told: {difference}"
    return f"The start {'helps' if transfer.gain > 0 else 'harms'}: {difference}"


def _columns(transfer: Transfer) -> list[str]:
    new, missing = (join(map(printable, names), most=5) for names in (transfer.new_columns, transfer.missing_columns))
    said = [f"New columns, whose weights start at zero: {new}."] * bool(new)
    return said + [f"Columns that this table lacks, taken as missing: {missing}."] * bool(missing)
