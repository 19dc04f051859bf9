"""A run is a folder: everything a training learned, in files that hold no code and no rows, readable by anyone.

run.json               the rest, with size and SHA-256 of every other file and of itself; written last, so that a run is
                       whole or not there
encoder.json           what the columns became
measurements.json      what was measured of the network on training and validation rows
splits.safetensors     row numbers of train, validation and test
weights.safetensors    best.<layer>.<name> and last.<layer>.<name>
curves.safetensors     the history, by column; of a sweep those of all trials, one after the other
trials.safetensors     of a sweep, its table, and how the weights of each trial are distributed
ensemble.json          of an ensemble, its configs with their weights, its scores, and the encoders of the folds
ensemble.safetensors   of an ensemble, <fold>.<network>.<layer>.<name>
ledger.jsonl           openings of the exam; written by the exam, not here
journal/               while the training runs: what is done so far (``journal``)

Whoever opens a folder may have it from a stranger. Types, lengths and shapes are bounded by the types of the records
(``typed``) and by the plan (``arrays``), and what one file says must agree with the others (``consistency``).
"""

from goodfit.experiment.run_folder.claim import claimed as claimed
from goodfit.experiment.run_folder.journal import Journal as Journal
from goodfit.experiment.run_folder.layout import checksum_of as checksum_of
from goodfit.experiment.run_folder.load import load_run as load_run
from goodfit.experiment.run_folder.plan import ArraysPlan as ArraysPlan
from goodfit.experiment.run_folder.plan import Begun as Begun
from goodfit.experiment.run_folder.plan import Plan as Plan
from goodfit.experiment.run_folder.record import Record as Record
from goodfit.experiment.run_folder.record import SweepRecord as SweepRecord
from goodfit.experiment.run_folder.record import curves_table as curves_table
from goodfit.experiment.run_folder.record import now as now
from goodfit.experiment.run_folder.record import quantiles_table as quantiles_table
from goodfit.experiment.run_folder.record import versions as versions
from goodfit.experiment.run_folder.save import save_run as save_run
