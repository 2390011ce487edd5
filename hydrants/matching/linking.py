"""From records and hydrants to verdicts: the matcher itself, without a database."""

from __future__ import annotations

import numpy as np
import pandas as pd

from hydrants.matching.assignment import Posteriors, posteriors
from hydrants.matching.blocking import candidate_pairs
from hydrants.matching.parameters import FloatArray, Parameters, estimate_sigma_m
from hydrants.matching.scoring import Scores, score

_EXACT_ID, _REPAIRED_ID = 0, 2
_LONE_M = 40.0
_NEAR_SIGMAS = 5.0
_HOUSE_NUMBER_M = 30.0  # an address this sure names a house, not just a street
CONCLUSIVE = ("ok", "failed", "not_found")


def link(
    records: pd.DataFrame,
    hydrants: pd.DataFrame,
    parameters: Parameters | None = None,
    link_probability: float = 0.95,
) -> tuple[pd.DataFrame, Parameters]:
    """Match records to registered hydrants.

    Args:
        records: one row per record; `ref` (folded number or None), `x`, `y` (given position, EPSG:31370
            metres, NaN if none), `address_x`, `address_y`, `address_accuracy_m`, `street_key`,
            `hydrant_type`, `diameter_mm` (None if unknown), `nis`, `day` (integer), `competes` (bool: counts
            as the one inspection of its hydrant), `decided` (hydrant_id that a person chose, "" for none in
            the register, or None).
        hydrants: one row per active hydrant; `hydrant_id`, `ref`, `x`, `y`, `street_keys` (a set),
            `hydrant_type`, `diameter_mm`, `nis`, `is_contracted`.
        parameters: rates to use; by default the standard ones with the position noise learned here.
        link_probability: posterior from which a record is linked without review.

    Returns:
        One row per record, in order: `verdict` (linked, review, new, unlocated), `match_method`, `score`,
        `distance_m`, `best_hydrant_id`, `runner_up_hydrant_id`, `runner_up_score`; and the parameters used.
    """
    records, hydrants = records.reset_index(drop=True), hydrants.reset_index(drop=True)
    p = parameters or Parameters()
    pairs = candidate_pairs(records, hydrants, p.sigma_m)
    if parameters is None:
        p = p.with_sigma(_learned_sigma_m(pairs, records, hydrants))
        pairs = candidate_pairs(records, hydrants, p.sigma_m)
    scores = _with_decisions(score(pairs, records, hydrants, p), records, hydrants)
    chances = posteriors(scores, records["day"].to_numpy(np.int64), records["competes"].to_numpy(bool), p)
    return _verdicts(records, hydrants, scores, chances, link_probability, p), p


def _learned_sigma_m(pairs: pd.DataFrame, records: pd.DataFrame, hydrants: pd.DataFrame) -> float | None:
    record, hydrant = pairs["record"].to_numpy(), pairs["hydrant"].to_numpy()
    distance_m = np.hypot(
        records["x"].to_numpy(float)[record] - hydrants["x"].to_numpy(float)[hydrant],
        records["y"].to_numpy(float)[record] - hydrants["y"].to_numpy(float)[hydrant],
    )
    same_id = records["ref"].to_numpy(object)[record] == hydrants["ref"].to_numpy(object)[hydrant]
    by_distance = pd.Series(distance_m).groupby(record)
    is_nearest = distance_m == by_distance.transform("min").to_numpy()
    within = pd.Series(distance_m < _LONE_M).groupby(record).transform("sum").to_numpy()
    measured = np.isfinite(distance_m)
    return estimate_sigma_m(
        distance_m[measured & same_id & records["ref"].notna().to_numpy()[record]],
        distance_m[measured & is_nearest & (within == 1)],
    )


def _with_decisions(scores: Scores, records: pd.DataFrame, hydrants: pd.DataFrame) -> Scores:
    """A decided record has its decided hydrant as the only explanation, so that it claims it for sure."""
    decided = records["decided"].notna().to_numpy()
    if not decided.any():
        return scores
    position = pd.Series(hydrants.index, index=hydrants["hydrant_id"])
    chosen = records.loc[decided, "decided"].map(position)
    known = chosen.dropna().astype(np.int64)
    own = pd.DataFrame({"record": known.index, "hydrant": known.to_numpy(), "likelihood": 1.0, "slips": -1})
    others = scores.pairs[~decided[scores.pairs["record"]]]
    pairs = pd.concat([others, own], ignore_index=True).sort_values(["record", "hydrant"], ignore_index=True)
    return Scores(pairs, np.where(decided, 0.0, scores.other), np.where(decided, 1e-12, scores.unregistered))


def _verdicts(
    records: pd.DataFrame,
    hydrants: pd.DataFrame,
    scores: Scores,
    chances: Posteriors,
    link_probability: float,
    p: Parameters,
) -> pd.DataFrame:
    ranked = scores.pairs.assign(chance=chances.pair).sort_values(
        ["record", "chance", "hydrant"], ascending=[True, False, True], ignore_index=True
    )
    place = ranked.groupby("record").cumcount()
    best = ranked[place == 0].set_index("record").reindex(records.index)
    second = ranked[place == 1].set_index("record").reindex(records.index)
    ids = hydrants["hydrant_id"].to_numpy(object)

    def hydrant_ids(rows: pd.DataFrame) -> np.ndarray:
        known = rows["hydrant"].notna().to_numpy()
        names = np.full(len(rows), None, object)
        names[known] = ids[rows.loc[known, "hydrant"].to_numpy(np.int64)]
        return names

    score_ = best["chance"].to_numpy(float)
    has_position = records["x"].notna().to_numpy()
    has_place = has_position | records["address_x"].notna().to_numpy()
    is_linked = (np.nan_to_num(score_) >= link_probability) & _has_witness(records, hydrants, best, p)
    is_decided = records["decided"].notna().to_numpy()
    verdict = np.select(
        [
            is_linked,
            is_decided,  # by a person, and to no hydrant that is known here
            ~has_place & best["hydrant"].isna().to_numpy(),
            chances.unregistered > 0.5,
        ],
        ["linked", "new", "unlocated", "new"],
        "review",
    )
    slips = best["slips"].fillna(-1).to_numpy(np.int64)
    method = np.select(
        [
            is_decided,
            slips == _EXACT_ID,
            (slips > _EXACT_ID) & (slips <= _REPAIRED_ID),
            has_position,
        ],
        ["decision", "id", "repaired_id", "position"],
        "address",
    )
    return pd.DataFrame(
        {
            "verdict": verdict,
            "match_method": pd.Series(method, dtype=object).where(is_linked | is_decided, None).to_numpy(),
            "score": score_,
            "distance_m": _distance_to_best_m(records, hydrants, best),
            "best_hydrant_id": hydrant_ids(best),
            "runner_up_hydrant_id": hydrant_ids(second),
            "runner_up_score": second["chance"].to_numpy(float),
        },
        index=records.index,
    )


def _has_witness(
    records: pd.DataFrame, hydrants: pd.DataFrame, best: pd.DataFrame, p: Parameters
) -> np.ndarray:
    """Whether something on the row points at this very hydrant.

    A probability alone may come from what the rivals lack; "a gross error, and the only hydrant of that
    street" is a guess that a person should make.
    """
    slips = best["slips"].fillna(-1).to_numpy(np.int64)
    target = hydrants[["x", "y"]].reindex(best["hydrant"].to_numpy()).to_numpy(float)
    position = np.hypot(*(records[["x", "y"]].to_numpy(float) - target).T)
    address = np.hypot(*(records[["address_x", "address_y"]].to_numpy(float) - target).T)
    accuracy_m = records["address_accuracy_m"].to_numpy(float)
    is_alike = (slips >= _EXACT_ID) & (slips <= _REPAIRED_ID)
    # beyond any gross error, number and place speak of two hydrants; an address alone, which may be that of
    # a namesake street, contradicts only a number that had to be repaired
    far_m = p.gross_to_m + _NEAR_SIGMAS * p.sigma_m
    is_elsewhere = (position > far_m) | (
        (slips > _EXACT_ID) & np.isnan(position) & (address > far_m + np.nan_to_num(accuracy_m))
    )
    by_number = is_alike & ~is_elsewhere
    by_position = position <= max(p.gross_from_m, _NEAR_SIGMAS * p.sigma_m)
    by_address = (accuracy_m <= _HOUSE_NUMBER_M) & (address <= _NEAR_SIGMAS * accuracy_m)
    return records["decided"].notna().to_numpy() | by_number | by_position | by_address


def _distance_to_best_m(records: pd.DataFrame, hydrants: pd.DataFrame, best: pd.DataFrame) -> FloatArray:
    """From the position, else from where the address points; NaN without either or without a candidate."""
    target = hydrants[["x", "y"]].reindex(best["hydrant"].to_numpy())
    x = records["x"].fillna(records["address_x"]).to_numpy(float)
    y = records["y"].fillna(records["address_y"]).to_numpy(float)
    distance_m: FloatArray = np.hypot(x - target["x"].to_numpy(), y - target["y"].to_numpy())
    return distance_m
