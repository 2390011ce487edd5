"""Why a record was judged as it was: each explanation of it, and what each kind of evidence says for it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from hydrants.matching.frames import as_arrays
from hydrants.matching.linking import Linked
from hydrants.matching.scoring import Terms, pair_terms, rival_terms

OTHER, UNREGISTERED = "other", "unregistered"
COMPETITION = "competition"
"""What the claims of the other records add or take, beside the terms of `scoring`."""
DECISION = "decision"
"""What a person decided, in the place of all other evidence."""


@dataclass(frozen=True)
class Explanation:
    """One explanation of a record.

    Attributes:
        hydrant_id: of a candidate; `OTHER` for a hydrant that is none of the candidates, `UNREGISTERED` for
            one that no register has.
        probability: posterior; those of all explanations of a record sum to one.
        terms: natural logarithms of the likelihood by kind of evidence, `COMPETITION` included.
        x_l72, y_l72: the hydrant's place, EPSG:31370 metres; None for the last two.
        number: the supplier's, folded; None if it has none.
        distance_m: from the position, else from where the address points; None without either.
    """

    hydrant_id: str
    probability: float
    terms: dict[str, float]
    x_l72: float | None = None
    y_l72: float | None = None
    number: str | None = None
    distance_m: float | None = None

    @property
    def score(self) -> float:
        """The sum of the terms."""
        return sum(self.terms.values())


def explanations(records: pd.DataFrame, hydrants: pd.DataFrame, linked: Linked, at: int) -> list[Explanation]:
    """Every explanation of one record, the likeliest first.

    Args:
        records, hydrants: the frames that `link` was given.
        linked: what it made of them.
        at: position of the record.
    """
    these, registered = as_arrays(records, hydrants)
    p, scores, chances = linked.parameters, linked.scores, linked.chances
    mine = scores.pairs.record == at
    pairs = scores.pairs.where(mine)
    is_valid = these.number.known.copy()
    is_valid[at] = is_valid[at] and bool((registered.number.objects == these.number.objects[at]).any())
    none = np.logaddexp(scores.other[at], scores.unregistered[at])
    chance_of_none = chances.other[at] + chances.unregistered[at]
    found = []
    is_decided = bool(these.decided.known[at])
    terms = {DECISION: scores.pair[mine]} if is_decided else pair_terms(pairs, is_valid, these, registered, p)
    place = these.place[at] if these.has_place[at] else these.address[at]
    for number, hydrant in enumerate(pairs.hydrant):
        chance = float(chances.pair[mine][number])
        own = _of(terms, number)
        # how far the probability lies from what the row alone would give
        with np.errstate(divide="ignore"):
            posterior = np.log(chance) - np.log(chance_of_none)
        own[COMPETITION] = float(posterior - (scores.pair[mine][number] - none))
        apart_m = float(np.hypot(*(place - registered.place[hydrant])))
        found.append(
            Explanation(
                str(registered.hydrant_id[hydrant]),
                chance,
                own,
                x_l72=float(registered.place[hydrant, 0]),
                y_l72=float(registered.place[hydrant, 1]),
                number=registered.number.objects[hydrant] if registered.number.known[hydrant] else None,
                distance_m=None if np.isnan(apart_m) else apart_m,
            )
        )
    other, unregistered = rival_terms(scores.pairs, is_valid, these, registered, p)
    if is_decided:
        other, unregistered = {DECISION: scores.other}, {DECISION: scores.unregistered}
    found.append(Explanation(OTHER, float(chances.other[at]), _of(other, at)))
    found.append(Explanation(UNREGISTERED, float(chances.unregistered[at]), _of(unregistered, at)))
    return sorted(found, key=lambda one: (-one.probability, one.hydrant_id))


def _of(terms: Terms, at: int) -> dict[str, float]:
    return {name: float(term[at]) for name, term in terms.items()}
