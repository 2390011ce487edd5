"""What the matcher believes before it sees a record."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hydrants.matching.frames import FloatArray


@dataclass(frozen=True)
class Parameters:
    """Rates and scales of what goes wrong between a hydrant and the row that speaks of it.

    Rates are shares of records; `sigma_m` is the standard deviation per axis of a given
    position. The defaults are what a limited usability check by crews with phones shows;
    `matching.learning` replaces `sigma_m`, `gross_rate`, `id_given_rate`, `again_rate`,
    `again_same_day_rate`, `inspected_rate` and `unregistered_rate` by what a batch shows.
    """

    sigma_m: float = 4.0

    # position: Gaussian noise, or a gross error at any distance between two limits, or anywhere at all
    gross_rate: float = 0.02
    gross_from_m: float = 30.0
    gross_to_m: float = 300.0
    lost_rate: float = 0.005
    lost_area_m2: float = 1e7

    # number: written right, with one slip, with two, or another number altogether
    id_given_rate: float = 0.8
    id_exact_rate: float = 0.88
    id_one_slip_rate: float = 0.10
    id_two_slips_rate: float = 0.02
    id_wrong_rate: float = 0.001
    slips_per_id: float = 80.0  # ways to make one slip in a number of seven digits
    valid_id_pool: float = 10_000.0  # numbers that a crew could take from another line of its list
    invalid_id_pool: float = 1e7

    # address: the hydrant stands near it, or the address is wrong
    address_wrong_rate: float = 0.03
    street_agrees: float = 0.90
    street_unknown: float = 0.20
    street_differs: float = 0.03

    # attributes
    type_differs: float = 0.03
    diameter_differs: float = 0.05

    # prior: whose hydrant, and whether it is registered at all
    other_operator: float = 0.02
    other_gemeente: float = 0.02
    unregistered_rate: float = 0.005
    unregistered_beside: float = 0.5  # a crew seldom passes over the registered one within reach
    id_given_unregistered: float = 0.2

    # hydrants that are inspected; where crews have been it is learned around each hydrant
    inspected_rate: float = 0.7

    # a second conclusive record of a hydrant in one campaign that is not declared a re-inspection
    again_rate: float = 0.10
    again_same_day_rate: float = 0.03

    @property
    def reach_m(self) -> float:
        """Beyond this no hydrant explains a position by noise."""
        return max(60.0, 6.0 * self.sigma_m)

    def gross_density_per_m2(self, distance_m: FloatArray) -> FloatArray:
        """Density of a gross error: every distance between the limits is as likely, every direction too."""
        in_ring = (distance_m >= self.gross_from_m) & (distance_m <= self.gross_to_m)
        ring_m2 = (
            2 * np.pi * np.maximum(distance_m, self.gross_from_m) * (self.gross_to_m - self.gross_from_m)
        )
        return np.where(in_ring, self.gross_rate / ring_m2, 0.0)
