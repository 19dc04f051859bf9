"""Racing: every config is trained on the first fold, and only contenders on the other folds.

A contender is a config that the first fold leaves in doubt: its validation loss is within two standard errors of the
lowest, paired by rows, or among the lowest quarter. Evidence grows while candidates become fewer, so that the search of
five folds takes about half of its trials.

Source: Maron & Moore (1994), "Hoeffding races"; Birattari et al. (2002), "A racing algorithm for configuring
metaheuristics".
"""

import numpy as np

from goodfit.search.choices import SelectionRule
from goodfit.search.race_arithmetic import max_contenders, rung_sizes
from goodfit.search.space import Config
from goodfit.search.trial_table import TrialTable

IN_DOUBT = 2.0
"""Standard errors within which a config may still be the best: a level of about 95 %."""


def find_contenders(first: TrialTable, rule: SelectionRule, most: int | None = None) -> list[Config]:
    """Return the configs to be trained on the other folds, or on the next rung, the best first.

    They are the best config, the best with λ = 0, for other folds the quarter with the lowest means, the configs in
    doubt that differ from the best in one hyperparameter, and then other configs in doubt, the lowest mean first. The
    quarter is there because rows say nothing of how much a loss changes with the training rows: a config that is
    slightly and evenly worse on one fold may be the best on five. For ``1se``, which looks for a large λ within one
    standard error, every config in doubt by the unpaired error is a contender, too.

    Args:
        first: all configs on the first fold or the rung before.
        most: contenders of the rule ``best`` for the next rung; None for other folds, see ``max_contenders``.
    """
    finite = np.flatnonzero(np.isfinite(first.means))
    if not len(finite):
        return []
    order = finite[np.argsort(first.means[finite], kind="stable")].tolist()
    best, near = order[0], first.standard_error(order[0])
    in_doubt = [i for i in order[1:] if _in_doubt(first, i, best)]
    neighbours = [i for i in in_doubt if _differ_in_one(first.configs[i], first.configs[best])]
    without_l2 = [i for i in order if first.l2[i] == 0][:1]
    lowest = order[: rung_sizes(len(order), 2)[1]] if most is None else []
    most = max_contenders(len(first.configs)) if most is None else most
    kept = list(dict.fromkeys([best, *without_l2, *lowest, *neighbours, *in_doubt]))[:most]
    if rule == "1se":
        kept += [i for i in order if i not in kept and first.means[i] <= first.means[best] + IN_DOUBT * near]
    return [first.configs[i] for i in kept]


def _in_doubt(table: TrialTable, config: int, best: int) -> bool:
    return bool(table.means[config] - table.means[best] <= IN_DOUBT * table.standard_error(config, best))


def _differ_in_one(config: Config, other: Config) -> bool:
    return sum(config[name] != other[name] for name in config) == 1
