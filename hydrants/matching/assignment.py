"""Turn likelihoods into posterior probabilities, knowing that a hydrant is inspected once.

Records of one campaign compete: a second conclusive record of the same hydrant, not
declared to be a re-inspection, is improbable (`again_rate`), on the same day more so.
Each record's claim on a hydrant therefore weakens the claims of the others, and a
claim that is pushed away strengthens the neighbour it is left with. The claims are
brought to agreement by repeated passes over all pairs (mean-field inference). Two
records with equal claims on two hydrants stay undecided, whatever their order.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from hydrants.matching.parameters import FloatArray, Parameters
from hydrants.matching.scoring import Scores

_MAX_PASSES = 60
_SETTLED = 1e-6
_DAMPING = 0.5


@dataclass(frozen=True)
class Posteriors:
    """Probabilities that sum to one per record.

    Attributes:
        pair: aligned with `Scores.pairs`.
        other, unregistered: per record.
    """

    pair: FloatArray
    other: FloatArray
    unregistered: FloatArray


def posteriors(scores: Scores, day: np.ndarray, competes: np.ndarray, p: Parameters) -> Posteriors:
    """The probability of each explanation of each record, given the others' claims.

    Args:
        scores: likelihoods.
        day: per record, the day of its inspection as an integer.
        competes: per record, whether it counts as the one inspection of its hydrant.
    """
    record = scores.pairs["record"].to_numpy()
    hydrant = scores.pairs["hydrant"].to_numpy()
    likelihood = scores.pairs["likelihood"].to_numpy(float)
    rivals = scores.other + scores.unregistered
    pair_competes = competes[record]
    visit = pd.factorize(pd.MultiIndex.from_arrays([hydrant, day[record]]))[0] if len(record) else hydrant
    n_visits, n_hydrants = visit.max(initial=-1) + 1, hydrant.max(initial=-1) + 1

    claim = _normalised(likelihood, record, rivals)
    for _ in range(_MAX_PASSES):
        held = np.where(pair_competes, claim, 0.0)
        # log of what a claim leaves to the others: nothing lost when it is 0, again_rate when it is sure
        other_day = np.log1p(-held * (1 - p.again_rate))
        same_day = np.log1p(-held * (1 - p.again_same_day_rate))
        of_hydrant = np.bincount(hydrant, other_day, n_hydrants)[hydrant]
        of_visit = np.bincount(visit, other_day, n_visits)[visit]
        of_visit_same_day = np.bincount(visit, same_day, n_visits)[visit]
        left = np.where(pair_competes, of_hydrant - of_visit + of_visit_same_day - same_day, 0.0)
        settled = _normalised(likelihood * np.exp(left), record, rivals)
        change = np.abs(settled - claim).max(initial=0.0)
        claim = settled if change < _SETTLED else _DAMPING * claim + (1 - _DAMPING) * settled
        if change < _SETTLED:
            break

    total = np.bincount(record, claim, len(rivals))
    share = np.divide(1 - total, rivals, out=np.zeros_like(rivals), where=rivals > 0).clip(min=0.0)
    return Posteriors(claim, scores.other * share, scores.unregistered * share)


def _normalised(weight: FloatArray, record: np.ndarray, rivals: FloatArray) -> FloatArray:
    total = np.bincount(record, weight, len(rivals)) + rivals
    return weight / total[record]
