"""From records and hydrants to verdicts: the matcher itself, without a database."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from hydrants.matching.assignment import Posteriors, best_together, largest_of_each, posteriors
from hydrants.matching.blocking import Pairs, candidate_pairs, numbered_pairs
from hydrants.matching.frames import (
    BoolArray,
    FloatArray,
    Hydrants,
    IntArray,
    ObjectArray,
    Records,
    apart_m,
    as_arrays,
)
from hydrants.matching.identifiers import SAME, UNLIKE
from hydrants.matching.learning import learned, unregistered_rate
from hydrants.matching.noticing import Finding, findings
from hydrants.matching.parameters import Parameters
from hydrants.matching.scoring import Scores, score

_NEAR_SIGMAS = 5.0
_HOUSE_NUMBER_M = 30.0  # an address this sure names a house, not just a street
_DECIDED_LOG_ODDS = 20.0  # a person's word
_SAME_PLACE = 3  # competing rows without number that may share a position
_A_FILE = 10  # records that a source must have to be judged as a whole
CONCLUSIVE = ("ok", "failed", "not_found")


@dataclass(frozen=True)
class Linked:
    """What the matcher makes of a batch.

    Attributes:
        verdicts: one row per record, in order: `verdict` (linked, review, new, unlocated), `match_method`,
            `score`, `distance_m`, `best_hydrant_id`, `runner_up_hydrant_id`, `runner_up_score`.
        parameters: given, or learned from the batch.
        findings: what is wrong with the batch as a whole; its records are then left to a person.
        scores, chances: the evidence and what follows from it, with positions in the two frames.
        doubts: per record, why it is not linked though its score would do; empty otherwise.
        competes: per record, whether it is the one inspection of its hydrant.
        inspected: per hydrant, how likely it is to be inspected at all.
    """

    verdicts: pd.DataFrame
    parameters: Parameters
    findings: tuple[Finding, ...]
    scores: Scores
    chances: Posteriors
    doubts: ObjectArray
    competes: BoolArray
    inspected: FloatArray

    @cached_property
    def together(self) -> IntArray:
        """Per record its place in the likeliest joint answer, as a position in the pairs; -1 for none."""
        return best_together(self.scores, self.chances, self.competes, self.inspected, self.parameters)


def link(
    records: pd.DataFrame,
    hydrants: pd.DataFrame,
    parameters: Parameters | None = None,
    link_probability: float = 0.95,
) -> Linked:
    """Match records to registered hydrants.

    Args:
        records: one row per record; `ref` (folded number or None), `x`, `y` (given position, EPSG:31370
            metres, NaN if none), `address_x`, `address_y`, `address_accuracy_m`, `street_key`,
            `hydrant_type`, `diameter_mm` (None if unknown), `nis`, `day` (integer), `competes` (bool: counts
            as the one inspection of its hydrant), `decided` (hydrant_id that a person chose, "" for none in
            the register, or None); and, if known, `source` (the file it comes from), `is_outside` (bool: its
            place lies outside its gemeente) and `is_current` (bool: no later version replaced it).
        hydrants: one row per active hydrant; `hydrant_id`, `ref`, `x`, `y`, `street_keys` (a set),
            `hydrant_type`, `diameter_mm`, `nis`, `is_contracted`.
        parameters: rates to use; by default the standard ones with what the batch itself shows.
        link_probability: posterior from which a record is linked without review.
    """
    these, registered = as_arrays(records, hydrants)
    numbered = numbered_pairs(these, registered)
    found, is_amiss = findings(these, registered, numbered)
    lessons = learned(these, ~is_amiss, registered, numbered, parameters or Parameters())
    p, inspected = parameters or lessons.parameters, lessons.inspected
    pairs = candidate_pairs(these, registered, numbered, p)
    is_valid = np.zeros(len(these), bool)
    is_valid[numbered.record] = True
    scores = score(pairs, is_valid, these, registered, p)
    if parameters is None:
        rate = unregistered_rate(scores, these.has_place & ~is_amiss, p.unregistered_rate)
        scores = replace(scores, unregistered=scores.unregistered + np.log(rate / p.unregistered_rate))
        p = replace(p, unregistered_rate=rate)
    scores = _with_decisions(scores, these, registered)
    chances = posteriors(scores, these.day, these.competes, inspected, p)
    best = largest_of_each(chances.pair, scores.pairs.record, len(these))
    witnessed = _has_witness(these, registered, scores.pairs, best, p)
    is_sure = _of(chances.pair, best, -1.0) >= link_probability
    is_linked = is_sure & witnessed & (these.decided.known | ~is_amiss)
    verdicts = _verdicts(these, registered, scores, chances, best, is_linked, is_amiss)
    doubts = _first_of(
        ("", is_linked | ~is_sure),
        ("its file is amiss", is_amiss),
        ("nothing points at this very one", ~witnessed),
        otherwise="",
    )
    return Linked(verdicts, p, found, scores, chances, doubts, these.competes, inspected)


def _with_decisions(scores: Scores, records: Records, hydrants: Hydrants) -> Scores:
    """A decided record has its decided hydrant as the only explanation, so that it claims it for sure."""
    is_decided = records.decided.known
    if not records.decided.any_known:
        return scores
    position = {hydrant_id: at for at, hydrant_id in enumerate(hydrants.hydrant_id)}
    asked = np.flatnonzero(is_decided)
    found = np.array([position.get(chosen, -1) for chosen in records.decided.objects[asked]], np.int64)
    record, hydrant = asked[found >= 0], found[found >= 0]
    distance_m = apart_m(records.place, record, hydrants.place, hydrant)
    own = Pairs(record, hydrant, distance_m, np.full(len(record), UNLIKE))
    undecided = ~is_decided[scores.pairs.record]
    return Scores(
        scores.pairs.where(undecided).and_(own),
        np.concatenate([scores.pair[undecided], np.full(len(record), _DECIDED_LOG_ODDS)]),
        np.where(is_decided, -_DECIDED_LOG_ODDS, scores.other),
        np.where(is_decided, 0.0, scores.unregistered),
    )


def _verdicts(
    records: Records,
    hydrants: Hydrants,
    scores: Scores,
    chances: Posteriors,
    best: IntArray,
    is_linked: BoolArray,
    is_amiss: BoolArray,
) -> pd.DataFrame:
    pairs, n = scores.pairs, len(records)
    others = chances.pair.copy()
    others[best[best >= 0]] = -1.0
    second = largest_of_each(others, pairs.record, n)
    second[_of(others, second, -1.0) < 0] = -1

    best_score, slips = _of(chances.pair, best, np.nan), _of(pairs.slips, best, UNLIKE)
    is_decided = records.decided.known
    # what lies elsewhere than it says is not known well enough to be new, nor is most of a file
    is_new = (chances.unregistered > 0.5) & ~records.is_outside & ~is_amiss
    is_new &= ~_mostly(is_new & ~is_linked, records.source)
    verdict = _first_of(
        ("linked", is_linked),
        ("new", is_decided),  # by a person, and to no hydrant that is known here
        ("unlocated", ~records.has_place & ~records.has_address & (best < 0)),
        ("new", is_new),
        otherwise="review",
    )
    method = _first_of(
        (None, ~(is_linked | is_decided)),
        ("decision", is_decided),
        ("id", slips == SAME),
        ("repaired_id", (slips > SAME) & (slips < UNLIKE)),
        ("position", records.has_place),
        otherwise="address",
    )
    best_hydrant, second_hydrant = _of(pairs.hydrant, best, -1), _of(pairs.hydrant, second, -1)
    columns = {
        "verdict": verdict,
        "match_method": method,
        "score": best_score,
        "distance_m": np.where(
            records.has_place,
            _of(pairs.distance_m, best, np.nan),
            _by_address_m(records, hydrants, best_hydrant),
        ),
        "best_hydrant_id": _of(hydrants.hydrant_id, best_hydrant, None),
        "runner_up_hydrant_id": _of(hydrants.hydrant_id, second_hydrant, None),
        "runner_up_score": _of(chances.pair, second, np.nan),
    }
    index = pd.RangeIndex(n)
    series = {name: pd.Series(of, index, of.dtype, copy=False) for name, of in columns.items()}
    return pd.DataFrame(series, index, copy=False)


def _first_of(*cases: tuple[str | None, BoolArray], otherwise: str) -> ObjectArray:
    """Per record the word of the first case that holds."""
    words, masks = zip(*cases, strict=True)
    # numbers, not words, until the end: a tenth of the time for a million records
    which = np.full(len(masks[0]), len(words))
    for number in reversed(range(len(words))):
        which[masks[number]] = number
    return np.array([*words, otherwise], object)[which]


def _mostly(what: BoolArray, source: IntArray) -> BoolArray:
    """Per record, whether its source consists mostly of what holds."""
    records, those = np.bincount(source), np.bincount(source[what], minlength=source.max(initial=-1) + 1)
    return ((records >= _A_FILE) & (2 * those > records))[source]


def _of(values: np.ndarray, position: IntArray, missing: object) -> np.ndarray:
    """The values at the positions; `missing` at -1."""
    if not len(values):
        return np.full(len(position), missing, values.dtype)
    found = values[position]
    found[position < 0] = missing
    return found


def _has_witness(
    records: Records, hydrants: Hydrants, pairs: Pairs, best: IntArray, p: Parameters
) -> BoolArray:
    """Whether something on the row points at this very hydrant.

    A probability alone may come from what the rivals lack; "a gross error, and the only hydrant of that
    street" is a guess that a person should make.
    """
    hydrant, slips = _of(pairs.hydrant, best, -1), _of(pairs.slips, best, UNLIKE)
    position, accuracy_m = _of(pairs.distance_m, best, np.nan), records.address_accuracy_m
    address = _by_address_m(records, hydrants, hydrant)
    is_alike = (slips >= SAME) & (slips < UNLIKE)
    # beyond any gross error, number and place speak of two hydrants; an address alone, which may be that of
    # a namesake street, contradicts only a number that had to be repaired
    far_m = p.gross_to_m + _NEAR_SIGMAS * p.sigma_m
    is_elsewhere = (position > far_m) | (
        (slips > SAME) & np.isnan(position) & (address > far_m + np.nan_to_num(accuracy_m))
    )
    by_number = is_alike & ~is_elsewhere
    by_position = (position <= max(p.gross_from_m, _NEAR_SIGMAS * p.sigma_m)) & ~_is_default(records)
    by_address = (accuracy_m <= _HOUSE_NUMBER_M) & (address <= _NEAR_SIGMAS * accuracy_m)
    return records.decided.known | by_number | by_position | by_address


def _is_default(records: Records) -> BoolArray:
    """Whether a position is written on many rows to the last digit: no phone repeats itself, a form does."""
    x, y = records.place.T
    asked = np.flatnonzero(records.has_place & records.competes & ~records.number.known)
    is_default = np.zeros(len(records), bool)
    ordered = np.sort(x[asked])  # fast, and mostly there is none
    if not (ordered[_SAME_PLACE:] == ordered[:-_SAME_PLACE]).any():
        return is_default
    _, which, times = np.unique(x[asked] + 1j * y[asked], return_inverse=True, return_counts=True)
    is_default[asked] = times[which] > _SAME_PLACE
    return is_default


def _by_address_m(records: Records, hydrants: Hydrants, hydrant: IntArray) -> FloatArray:
    """From where the address points to the hydrant; NaN without address or without a hydrant."""
    distance_m = np.full(len(hydrant), np.nan)
    known = np.flatnonzero((hydrant >= 0) & records.has_address)
    distance_m[known] = apart_m(records.address, known, hydrants.place, hydrant[known])
    return distance_m
