"""How well a record fits each of its candidates, and how well it fits none of them.

Every term is a likelihood: how probable is what the row says, if it speaks of this
hydrant? Terms of different evidence multiply. Two rival explanations are always
there: some other registered hydrant (by a gross error), and a hydrant that no
register has.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from hydrants.matching.blocking import surroundings
from hydrants.matching.identifiers import slips_between
from hydrants.matching.parameters import FloatArray, Parameters


@dataclass(frozen=True)
class Scores:
    """Likelihoods of a batch.

    Attributes:
        pairs: `record`, `hydrant`, `likelihood`, `slips` (0, 1, 2; 3 for unlike numbers; -1 without a
            number), ordered by record, hydrant.
        other: per record, likelihood of some hydrant that is not among its pairs.
        unregistered: per record, likelihood of a hydrant that no register has.
    """

    pairs: pd.DataFrame
    other: FloatArray
    unregistered: FloatArray


def score(pairs: pd.DataFrame, records: pd.DataFrame, hydrants: pd.DataFrame, p: Parameters) -> Scores:
    """Give each candidate pair its likelihood, and each record that of the rival explanations.

    Args:
        pairs: `record`, `hydrant` as `blocking.candidate_pairs` gives them.
        records: see `matching.link`.
        hydrants: see `matching.link`.
    """
    record = records.iloc[pairs["record"]].reset_index(drop=True)
    hydrant = hydrants.iloc[pairs["hydrant"]].reset_index(drop=True)
    distance_m = _distance_m(record["x"], record["y"], hydrant)
    slips = _slips(record["ref"], hydrant["ref"])
    is_valid = records["ref"].isin(hydrants["ref"].dropna()).to_numpy()
    likelihood = (
        _id_term(slips, is_valid[pairs["record"]], p)
        * _position_term(distance_m, p)
        * _address_term(record, hydrant, p)
        * _attribute_terms(record, hydrant, p)
        * _prior(record, hydrant, p)
    )
    scored = pairs.assign(likelihood=likelihood, slips=slips)
    other, unregistered = _rivals(records, hydrants, is_valid, p)
    return Scores(scored, other, unregistered)


def _distance_m(x: pd.Series, y: pd.Series, hydrant: pd.DataFrame) -> FloatArray:
    return np.hypot(x.to_numpy(float) - hydrant["x"].to_numpy(), y.to_numpy(float) - hydrant["y"].to_numpy())


def _slips(written: pd.Series, registered: pd.Series) -> np.ndarray:
    slips = np.full(len(written), -1, np.int64)
    both = (written.notna() & registered.notna()).to_numpy()
    slips[both] = slips_between(written[both].to_numpy(object), registered[both].to_numpy(object))
    slips[(written.notna() & registered.isna()).to_numpy()] = 3
    return slips


def _wrong_id(is_valid: np.ndarray, p: Parameters) -> FloatArray:
    """Probability of exactly this number on a record of a hydrant it does not belong to."""
    return p.id_wrong_rate / np.where(is_valid, p.valid_id_pool, p.invalid_id_pool)


def _id_term(slips: np.ndarray, is_valid: np.ndarray, p: Parameters) -> FloatArray:
    given = np.choose(
        np.clip(slips, 0, 3),
        [
            p.id_exact_rate,
            p.id_one_slip_rate / p.slips_per_id,
            p.id_two_slips_rate / (p.slips_per_id**2 / 2),
            _wrong_id(is_valid, p),
        ],
    )
    return np.where(slips < 0, 1 - p.id_given_rate, p.id_given_rate * given)


def _gaussian(distance_m: FloatArray, sigma_m: FloatArray | float) -> FloatArray:
    """Density per square metre of a two-dimensional normal distribution, `sigma_m` on each axis."""
    return np.exp(-0.5 * (distance_m / sigma_m) ** 2) / (2 * np.pi * np.square(sigma_m))


def _position_term(distance_m: FloatArray, p: Parameters) -> FloatArray:
    in_ring = (distance_m >= p.gross_from_m) & (distance_m <= p.gross_to_m)
    density = (
        (1 - p.gross_rate - p.lost_rate) * _gaussian(distance_m, p.sigma_m)
        + np.where(in_ring, p.gross_density_per_m2, 0.0)
        + p.lost_rate / p.lost_area_m2
    )
    return np.where(np.isfinite(distance_m), density, 1.0)


def _address_term(record: pd.DataFrame, hydrant: pd.DataFrame, p: Parameters) -> FloatArray:
    """Distance to where the address points, and whether the register names the same street."""
    distance_m = _distance_m(record["address_x"], record["address_y"], hydrant)
    density = _address_density(distance_m, record["address_accuracy_m"].to_numpy(float), p)
    street = record["street_key"].to_numpy(object)
    named = hydrant["street_keys"].to_numpy(object)
    agreement = np.fromiter(
        (
            1.0
            if not key
            else p.street_unknown
            if not keys
            else p.street_agrees
            if key in keys
            else p.street_differs
            for key, keys in zip(street, named, strict=True)
        ),
        float,
        len(record),
    )
    return density * agreement


def _address_density(distance_m: FloatArray, sigma_m: FloatArray, p: Parameters) -> FloatArray:
    """Density per square metre of an address this far from its hydrant; 1 where there is none."""
    known = np.isfinite(distance_m) & np.isfinite(sigma_m)
    near = _gaussian(np.where(known, distance_m, 0.0), np.where(known, sigma_m, 1.0))
    return np.where(known, (1 - p.address_wrong_rate) * near + p.address_wrong_rate / p.lost_area_m2, 1.0)


def _attribute_terms(record: pd.DataFrame, hydrant: pd.DataFrame, p: Parameters) -> FloatArray:
    term = np.ones(len(record))
    for column, differs in (("hydrant_type", p.type_differs), ("diameter_mm", p.diameter_differs)):
        seen, registered = record[column], hydrant[column]
        both = (seen.notna() & registered.notna()).to_numpy()
        same = (seen == registered).to_numpy(bool, na_value=False)
        term *= np.where(both, np.where(same, 1 - differs, differs), 1.0)
    return term


def _prior(record: pd.DataFrame, hydrant: pd.DataFrame, p: Parameters) -> FloatArray:
    same_gemeente = record["nis"].to_numpy(object) == hydrant["nis"].to_numpy(object)
    return np.where(hydrant["is_contracted"].to_numpy(bool), 1.0, p.other_operator) * np.where(
        same_gemeente, 1.0, p.other_gemeente
    )


def _rivals(
    records: pd.DataFrame, hydrants: pd.DataFrame, is_valid: np.ndarray, p: Parameters
) -> tuple[FloatArray, FloatArray]:
    """Likelihood of the two explanations that need no candidate, on the scale of the pairs.

    Summed over all hydrants, a gross error that ends exactly here has the density with which hydrants
    stand around; an unregistered hydrant is as likely to stand here as a registered one, but not right
    beside one.
    """
    given = records[["x", "y"]].to_numpy(float)
    by_address = records[["address_x", "address_y"]].to_numpy(float)
    has_position = np.isfinite(given).all(axis=1)
    has_address = np.isfinite(by_address).all(axis=1)
    density, nearest_m = surroundings(
        np.where(has_position[:, None], given, by_address), hydrants, p.gross_to_m
    )
    clearance = np.where(has_position, -np.expm1(-((nearest_m / p.unregistered_clearance_m) ** 2)), 1.0)
    anywhere = float(max(len(hydrants), 1))

    # the rival hydrant's own evidence of place: by position, by address alone, or by neither
    other_place = np.select(
        [has_position, has_address],
        [(p.gross_rate + p.lost_rate) * density, p.address_wrong_rate * density],
        anywhere,
    )
    unregistered_place = np.select([has_position, has_address], [density * clearance, density], anywhere)
    # and an address beside the position: wrong for a hydrant elsewhere, close by for one that stands here
    both = has_position & has_address
    apart_m = np.where(both, np.hypot(*(given - by_address).T), np.nan)
    other_place = np.where(both, other_place * p.address_wrong_rate / p.lost_area_m2, other_place)
    near = _address_density(apart_m, records["address_accuracy_m"].to_numpy(float), p)
    unregistered_place = unregistered_place * near

    has_id = records["ref"].notna().to_numpy()
    street = np.where(records["street_key"].notna(), p.street_unknown, 1.0)
    wrong_id = np.where(has_id, p.id_given_rate * _wrong_id(is_valid, p), 1 - p.id_given_rate)
    odd_id = np.where(
        has_id,
        p.id_given_unregistered / np.where(is_valid, p.valid_id_pool, p.invalid_id_pool),
        1 - p.id_given_unregistered,
    )
    return wrong_id * street * other_place, p.unregistered_rate * odd_id * street * unregistered_place
