"""What is said of the start from an earlier network."""

from dataclasses import replace

import pytest

from goodfit.experiment.fine_tuning import Transfer
from goodfit.reporting.page import _start
from goodfit.reporting.transfer_sentences import of_transfer

FOUND = Transfer("runs/old", True, 0.31, 0.42, 0.55, 0.11, 0.02, 96)


@pytest.mark.parametrize(
    ("gain", "error", "said"),
    [
        (0.11, 0.02, "The start helps: the loss is 0.1100 ± 0.0200 lower (96 validation rows)."),
        (0.03, 0.02, "Whether the start helps cannot be told: the loss is 0.0300 ± 0.0200 lower (96 validation rows)."),
        (-0.11, 0.02, "The start harms: the loss is 0.1100 ± 0.0200 higher (96 validation rows)."),
    ],
)
def test_the_gain_is_named_only_beyond_two_standard_errors(gain, error, said):
    assert said in of_transfer(replace(FOUND, gain=gain, standard_error=error), "old")


def test_losses_and_what_was_kept():
    said = of_transfer(FOUND, "old")
    assert said.startswith("From the network of old the validation loss is 0.3100, from scratch 0.4200")
    assert "that network unchanged has 0.5500." in said
    assert said.endswith("What was kept starts from it.")
    assert of_transfer(replace(FOUND, selected=False), "").endswith("What was kept is trained from scratch.")


def test_columns_that_are_not_shared_are_named():
    said = of_transfer(replace(FOUND, new_columns=("garden",), missing_columns=("floor", "lift")), "old")
    assert "New columns, whose weights start at zero: garden." in said
    assert said.endswith("Columns that this table lacks, taken as missing: floor, lift.")


def test_commands_go_on_from_the_earlier_run_unless_they_change_its_layers():
    assert _start(FOUND, {"l2": 0.1}) == {"start": "old"}
    assert _start(FOUND, {"hidden": (9,)}) == _start(None, {}) == _start(replace(FOUND, earlier=""), {}) == {}
