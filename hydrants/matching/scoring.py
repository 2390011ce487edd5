"""How well a record fits each of its candidates, and how well it fits none of them.

Every term is a log-likelihood: how probable is what the row says, if it speaks of this
hydrant? Terms of different evidence add up. Two rival explanations are always there:
some other registered hydrant (by a gross error), and a hydrant that no register has.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hydrants.matching import density
from hydrants.matching.blocking import Pairs
from hydrants.matching.frames import BoolArray, FloatArray, Hydrants, IntArray, Records, apart_m, distance_m
from hydrants.matching.identifiers import NO_NUMBER, SAME, UNLIKE
from hydrants.matching.parameters import Parameters

_BESIDE_SIGMAS = 4.0

Terms = dict[str, FloatArray]
"""Natural logarithms of likelihoods, by the kind of evidence; aligned with pairs or with records."""


@dataclass(frozen=True)
class Scores:
    """Log-likelihoods of a batch.

    Attributes:
        pairs: the candidates.
        pair: per pair, of that hydrant.
        other: per record, of some hydrant that is not among its pairs.
        unregistered: per record, of a hydrant that no register has.
    """

    pairs: Pairs
    pair: FloatArray
    other: FloatArray
    unregistered: FloatArray


def score(pairs: Pairs, is_valid: BoolArray, records: Records, hydrants: Hydrants, p: Parameters) -> Scores:
    """Give each candidate pair its log-likelihood, and each record that of the rival explanations.

    Args:
        pairs: as `blocking.candidate_pairs` gives them.
        is_valid: per record, whether some hydrant has its number.
    """
    other, unregistered = rival_terms(pairs, is_valid, records, hydrants, p)
    return Scores(
        pairs,
        _summed(pair_terms(pairs, is_valid, records, hydrants, p)),
        _summed(other),
        _summed(unregistered),
    )


def _summed(terms: Terms) -> FloatArray:
    first, *others = terms.values()
    total = first.copy()
    for term in others:
        total += term
    return total


def pair_terms(
    pairs: Pairs, is_valid: BoolArray, records: Records, hydrants: Hydrants, p: Parameters
) -> Terms:
    """What each kind of evidence says of each pair."""
    return {
        "number": _number_term(pairs, is_valid, records, p),
        "position": _position_term(pairs.distance_m, p),
        "address": _address_term(pairs, records, hydrants, p),
        "street": _street_term(pairs, records, hydrants, p),
        "attributes": _attributes_term(pairs, records, hydrants, p),
        "gemeente": _prior_term(pairs, records, hydrants, p),
    }


def rival_terms(
    pairs: Pairs, is_valid: BoolArray, records: Records, hydrants: Hydrants, p: Parameters
) -> tuple[Terms, Terms]:
    """What the evidence says of "some other hydrant" and of "none that is registered", per record.

    Summed over all hydrants, a gross error that ends exactly here has the density with which hydrants
    stand around. An unregistered hydrant stands as far from its neighbours as registered ones do.
    """
    has_place, has_address = records.has_place, records.has_address
    per_m2 = density.around(
        np.where(has_place[:, None], records.place, records.address), hydrants, p.gross_to_m
    )
    nearest_m = np.full(len(records), np.inf)
    np.fmin.at(nearest_m, pairs.record, pairs.distance_m)
    at_least = np.maximum(per_m2, density.SPARSE_PER_M2)
    beside_per_m2 = density.beside(nearest_m, at_least, hydrants, p.sigma_m)
    beside_per_m2 *= np.where(nearest_m <= _BESIDE_SIGMAS * p.sigma_m, p.unregistered_beside, 1.0)
    anywhere = float(max(len(hydrants), 1))

    # the rival hydrant's own evidence of place: by position, by address alone, or by neither
    other_place = np.where(has_place, p.gross_rate * per_m2 + p.lost_rate * at_least, anywhere)
    unregistered_place = np.where(has_place, beside_per_m2, anywhere)
    by_address = has_address & ~has_place
    other_place[by_address] = p.address_wrong_rate * at_least[by_address]
    unregistered_place[by_address] = at_least[by_address]
    # and an address beside the position: wrong for a hydrant elsewhere, close by for one that stands here
    wrong, close = np.zeros(len(records)), np.zeros(len(records))
    both = np.flatnonzero(has_place & has_address)
    wrong[both] = np.log(p.address_wrong_rate / p.lost_area_m2)
    from_place_m = distance_m(records.place[both], records.address[both])
    close[both] = np.log(_address_density(from_place_m, records.address_accuracy_m[both], p))

    kind, unnumbered = _kind_of_number(is_valid, records), _share_without_number(hydrants)
    anothers = (1 - unnumbered) * _wrong_number(p) + unnumbered * _strange_number(p)
    street = {"street": np.where(records.street_key.known, np.log(p.street_unknown), 0.0)}
    other = {
        "number": _number_logs(p.id_given_rate, anothers)[kind],
        "position": np.log(other_place),
        "address": wrong,
    }
    unregistered = {
        "number": _number_logs(p.id_given_unregistered, 1 / _pool(p))[kind],
        "position": np.log(unregistered_place),
        "address": close,
        "gemeente": np.full(len(records), np.log(p.unregistered_rate)),
    }
    return other | street, unregistered | street


def _kind_of_number(is_valid: BoolArray, records: Records) -> IntArray:
    """Per record 0 for no number, 1 for one that no hydrant has, 2 for one that a hydrant has."""
    return np.where(records.number.known, 1 + is_valid, 0)


def _number_logs(given_rate: float, given: FloatArray) -> FloatArray:
    """Log-likelihoods by kind of number (in the last axis), from those of kinds 1 and 2 if one is given."""
    none = np.full((*given.shape[:-1], 1), 1 - given_rate)
    return np.log(np.concatenate([none, given_rate * given], axis=-1))


def _share_without_number(hydrants: Hydrants) -> float:
    return 1 - float(hydrants.number.known.mean()) if len(hydrants) else 0.0


def _pool(p: Parameters) -> FloatArray:
    """Numbers that it could have been, if it is of kind 1 or 2."""
    return np.array([p.invalid_id_pool, p.valid_id_pool])


def _wrong_number(p: Parameters) -> FloatArray:
    """Probability of just this number for a hydrant that has another: a neighbour's, or nobody's."""
    return p.id_wrong_rate / _pool(p)


def _strange_number(p: Parameters) -> FloatArray:
    """The same for a hydrant that has none in the register: then any number is as likely."""
    return np.array([1.0, p.id_wrong_rate]) / _pool(p)


def _number_term(pairs: Pairs, is_valid: BoolArray, records: Records, p: Parameters) -> FloatArray:
    by_slips = {
        NO_NUMBER: _strange_number(p),
        SAME: np.full(2, p.id_exact_rate),
        1: np.full(2, p.id_one_slip_rate / p.slips_per_id),
        2: np.full(2, p.id_two_slips_rate / (p.slips_per_id**2 / 2)),
        UNLIKE: _wrong_number(p),
    }
    slips = sorted(by_slips)
    logs = _number_logs(p.id_given_rate, np.array([by_slips[one] for one in slips]))
    return logs[pairs.slips - slips[0], _kind_of_number(is_valid, records)[pairs.record]]


def _position_term(distance_m: FloatArray, p: Parameters) -> FloatArray:
    density = (
        (1 - p.gross_rate - p.lost_rate) * _gaussian(distance_m, p.sigma_m)
        + p.gross_density_per_m2(distance_m)
        + p.lost_rate / p.lost_area_m2
    )
    return np.log(np.where(np.isfinite(distance_m), density, 1.0))


def _gaussian(distance_m: FloatArray, sigma_m: FloatArray | float) -> FloatArray:
    """Density per square metre of a two-dimensional normal distribution, `sigma_m` on each axis."""
    return np.exp(-0.5 * (distance_m / sigma_m) ** 2) / (2 * np.pi * np.square(sigma_m))


def _address_term(pairs: Pairs, records: Records, hydrants: Hydrants, p: Parameters) -> FloatArray:
    term = np.zeros(len(pairs))
    known = np.flatnonzero(records.has_address[pairs.record])
    record, hydrant = pairs.record[known], pairs.hydrant[known]
    from_address_m = apart_m(records.address, record, hydrants.place, hydrant)
    term[known] = np.log(_address_density(from_address_m, records.address_accuracy_m[record], p))
    return term


def _address_density(apart_m: FloatArray, sigma_m: FloatArray, p: Parameters) -> FloatArray:
    """Density per square metre of an address this far from its hydrant."""
    return (1 - p.address_wrong_rate) * _gaussian(apart_m, sigma_m) + p.address_wrong_rate / p.lost_area_m2


def _street_term(pairs: Pairs, records: Records, hydrants: Hydrants, p: Parameters) -> FloatArray:
    """Whether the register names the street that the row names; it may name several of a hydrant."""
    term = np.zeros(len(pairs))
    asked = np.flatnonzero(records.street_key.known[pairs.record])
    written = records.street_key.objects[pairs.record[asked]]
    registered = hydrants.street_keys[pairs.hydrant[asked]]
    likelihood = [
        p.street_unknown if not keys else p.street_agrees if key in keys else p.street_differs
        for key, keys in zip(written, registered, strict=True)
    ]
    term[asked] = np.log(likelihood)
    return term


def _attributes_term(pairs: Pairs, records: Records, hydrants: Hydrants, p: Parameters) -> FloatArray:
    term = np.zeros(len(pairs))
    for seen, registered, differs in (
        (records.hydrant_type, hydrants.hydrant_type, p.type_differs),
        (records.diameter_mm, hydrants.diameter_mm, p.diameter_differs),
    ):
        if seen.any_known and registered.any_known:
            both = np.flatnonzero(seen.known[pairs.record] & registered.known[pairs.hydrant])
            is_same = seen.objects[pairs.record[both]] == registered.objects[pairs.hydrant[both]]
            term[both] += np.where(is_same.astype(bool), np.log(1 - differs), np.log(differs))
    return term


def _prior_term(pairs: Pairs, records: Records, hydrants: Hydrants, p: Parameters) -> FloatArray:
    """Crews mostly visit their own firm's hydrants, of the gemeente they say."""
    is_here = records.gemeente[pairs.record] == hydrants.gemeente[pairs.hydrant]
    is_own = hydrants.is_contracted[pairs.hydrant]
    return np.where(is_here, 0.0, np.log(p.other_gemeente)) + np.where(is_own, 0.0, np.log(p.other_operator))
