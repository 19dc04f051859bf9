"""The data sets on which the rules were made and their thresholds chosen."""

from benchmarks.bank.draws import DRAWS
from benchmarks.bank.formulas import FORMULAS
from benchmarks.bank.generated import GENERATED
from benchmarks.bank.shapes import SHAPES
from benchmarks.bank.tables import BUILT

SEEN = (*BUILT, *GENERATED, *SHAPES, *FORMULAS, *DRAWS)
