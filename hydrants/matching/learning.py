"""What a batch itself tells about its errors, before any of its records is matched.

The exact numbers are the teachers: most records that bear one are about that hydrant, so
that their distances show how the positions of this firm's phones scatter. Without numbers
the nearest hydrants teach, by repeated guessing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from hydrants.matching import density
from hydrants.matching.blocking import Pairs
from hydrants.matching.frames import BoolArray, FloatArray, Hydrants, IntArray, Records, distinct
from hydrants.matching.parameters import Parameters
from hydrants.matching.scoring import Scores

_ENOUGH = 30
_SAMPLE = 20_000
_LEAST_M = 0.1
_DAYS = 100_000  # more than lie between any two inspections, so that hydrant and day make one number
_RATE_LIMITS = (0.02, 0.9)  # nothing is ever left out for sure, nor complete
_AROUND_M, _FEW = 250.0, 5.0
_NEIGHBOURS = 4
_RIGHT_AT_SIGMAS = 2.0
_SURE = 50.0
_PASSES = 30
_RAYLEIGH_MEDIAN = 1.1774  # of the distance, when both axes have standard deviation 1
_STRAY_SPAN_M = 5_000.0  # how far apart a number and a place may be that have nothing to do with each other
_PRIOR_WEIGHT = 100.0  # records that the given rates are worth
_AGAIN_WEIGHT = 1_000.0  # the same for what is seen seldom
_SIGMA_LIMITS_M = (1.0, 50.0)


@dataclass(frozen=True)
class Lessons:
    """What a batch taught.

    Attributes:
        parameters: the given ones with the noise of positions and the rates that the batch shows.
        inspected: per hydrant, how likely it is to be inspected at all: as its surroundings are.
    """

    parameters: Parameters
    inspected: FloatArray


def learned(
    records: Records, sound: BoolArray, hydrants: Hydrants, numbered: Pairs, given: Parameters
) -> Lessons:
    """Learn from a batch.

    Args:
        sound: the records to learn from.
        numbered: pairs of equal numbers, of which only those of a number that one hydrant has teach.
        given: what holds where the batch says too little.
    """
    times = np.bincount(numbered.record, minlength=len(records))
    single = (sound & (times == 1))[numbered.record]
    is_there = numbered.distance_m <= given.gross_to_m  # and not a slip that made the number of another
    counts = single & is_there & records.competes[numbered.record]
    hydrant = numbered.hydrant[counts]
    uses = np.bincount(hydrant, minlength=len(hydrants))
    inspected = np.flatnonzero(uses)
    # only a hydrant that was inspected again can have been so on one day
    is_again = uses[hydrant] > 1
    day = records.day[numbered.record[counts][is_again]]
    n_visits = len(hydrant) - is_again.sum() + len(distinct(hydrant[is_again] * _DAYS + day % _DAYS))
    p = replace(
        given,
        id_given_rate=_shrunk((records.number.known & sound).sum(), sound.sum(), given.id_given_rate),
        again_rate=_shrunk(n_visits - len(inspected), len(hydrant), given.again_rate, _AGAIN_WEIGHT),
        again_same_day_rate=_shrunk(
            len(hydrant) - n_visits, len(hydrant), given.again_same_day_rate, _AGAIN_WEIGHT
        ),
    )
    distance_m = numbered.distance_m[single & np.isfinite(numbered.distance_m)]
    if len(distance_m) >= _ENOUGH:
        p = _from_distances(distance_m, p)
    else:
        p = _from_neighbours(records.place[sound & records.has_place], hydrants, p)
        inspected = _stood_at(records.place[sound & records.has_place & records.competes], hydrants, p)
    n_competing = int((records.competes & sound).sum())
    rates = _inspected_rates(inspected, hydrants, n_competing, given)
    return Lessons(replace(p, inspected_rate=float(rates.mean()) if len(rates) else p.inspected_rate), rates)


def unregistered_rate(scores: Scores, asked: BoolArray, given_rate: float) -> float:
    """The share of records that speak of a hydrant that no register has, by EM over their own evidence.

    Args:
        scores: made with `given_rate`.
        asked: the records to learn from, by preference those with a position.
    """
    best = scores.other.copy()
    np.maximum.at(best, scores.pairs.record, scores.pair)
    registered = np.exp(scores.other - best) + np.bincount(
        scores.pairs.record, np.exp(scores.pair - best[scores.pairs.record]), len(best)
    )
    odds = np.exp(np.minimum(scores.unregistered - best, _SURE))[asked] / registered[asked] / given_rate
    rate = given_rate
    for _ in range(_PASSES):
        # 1 - 1 / (1 + x) is x / (1 + x), the probability
        rate = _shrunk(len(odds) - (1 / (1 + rate * odds)).sum(), len(odds), given_rate)
    # those that stand beside a registered hydrant go unseen here
    return max(rate, given_rate)


def _inspected_rates(inspected: IntArray, hydrants: Hydrants, n_competing: int, p: Parameters) -> FloatArray:
    """Per hydrant, how many of the firm's around it are inspected; for another firm's, what is given.

    Args:
        inspected: those that are known for sure; what share of the inspected that is follows from the
            number of competing records.
    """
    rates = np.full(len(hydrants), p.inspected_rate)
    own = np.flatnonzero(hydrants.is_contracted)
    is_known = np.zeros(len(hydrants), bool)
    is_known[inspected] = True
    known = np.flatnonzero(is_known & hydrants.is_contracted)
    if len(known) < _ENOUGH:
        return rates
    known_share = min(1.0, len(inspected) / n_competing)
    place = hydrants.place.take(own, axis=0)
    # the hydrant itself says nothing of whether a record without number is about it
    others = density.counts_around(place, place, _AROUND_M) - 1
    found = density.counts_around(place, hydrants.place.take(known, axis=0), _AROUND_M) - is_known[own]
    found = np.maximum(found, 0.0) / known_share
    rates[own] = (found + _FEW * p.inspected_rate) / (np.maximum(others, 0.0) + _FEW)
    return np.clip(rates, *_RATE_LIMITS)


def _stood_at(places: FloatArray, hydrants: Hydrants, p: Parameters) -> IntArray:
    """The hydrants right at a position."""
    if not (len(places) and len(hydrants)):
        return np.empty(0, np.int64)
    apart_m, hydrant = hydrants.tree.query(places)
    return distinct(hydrant[apart_m <= _RIGHT_AT_SIGMAS * p.sigma_m])


def _shrunk(count: float, of: float, given_rate: float, weight: float = _PRIOR_WEIGHT) -> float:
    return float((count + weight * given_rate) / (of + weight))


def _from_distances(distance_m: FloatArray, p: Parameters) -> Parameters:
    """From distances to a number's hydrant: noise, gross errors and strays, told apart by EM."""
    # a position copied from the register has distance 0, which no noise has
    r = np.maximum(distance_m[:: max(1, len(distance_m) // _SAMPLE)], _LEAST_M)
    sigma_m = _within(float(np.median(r)) / _RAYLEIGH_MEDIAN)
    gross, stray = p.gross_rate, p.lost_rate
    in_ring = (r >= p.gross_from_m) & (r <= p.gross_to_m)
    for _ in range(_PASSES):
        noise = (1 - gross - stray) * r / sigma_m**2 * np.exp(-0.5 * (r / sigma_m) ** 2)
        ring = np.where(in_ring, gross / (p.gross_to_m - p.gross_from_m), 0.0)
        total = noise + ring + stray / _STRAY_SPAN_M
        by_noise, by_ring = noise / total, ring / total
        if not by_noise.sum() > 0:
            return p
        sigma_m = _within(float(np.sqrt((by_noise * r**2).sum() / (2 * by_noise.sum()))))
        gross = _shrunk(by_ring.sum(), len(r), p.gross_rate)
        stray = _shrunk((1 - by_noise - by_ring).sum(), len(r), p.lost_rate)
    return replace(p, sigma_m=sigma_m, gross_rate=gross)


def _within(sigma_m: float) -> float:
    return min(max(sigma_m, _SIGMA_LIMITS_M[0]), _SIGMA_LIMITS_M[1])


def _from_neighbours(places: FloatArray, hydrants: Hydrants, p: Parameters) -> Parameters:
    """Without numbers: each position belongs to one of its neighbours, or to none; EM over which."""
    if len(places) < _ENOUGH or not len(hydrants):
        return p
    places = places[:: max(1, len(places) // _SAMPLE)]
    r = hydrants.tree.query(places, k=np.arange(1, min(_NEIGHBOURS, len(hydrants)) + 1))[0]
    r = r[r[:, 0] <= p.gross_to_m]
    if len(r) < _ENOUGH:
        return p
    sigma_m = _within(float(np.median(r[:, 0])) / _RAYLEIGH_MEDIAN)
    stray = (p.gross_rate + p.lost_rate) / (np.pi * p.gross_to_m**2)
    for _ in range(_PASSES):
        near = np.exp(-0.5 * (r / sigma_m) ** 2) / (2 * np.pi * sigma_m**2)
        share = near / (near.sum(axis=1, keepdims=True) + stray)
        if share.sum() < _ENOUGH:
            return p
        sigma_m = _within(float(np.sqrt((share * r**2).sum() / (2 * share.sum()))))
    return replace(p, sigma_m=sigma_m)
