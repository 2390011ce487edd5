"""What the matcher believes before it sees a record; the position noise it learns from the data."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

_MEDIAN_OF_UNIT_RAYLEIGH = (
    1.1774  # median distance = 1.1774 sigma when both axes have standard deviation sigma
)
_ENOUGH_PAIRS = 30
_TRUSTED_PAIR_M = 30.0  # an exact-id pair farther apart is a gross error, not noise


@dataclass(frozen=True)
class Parameters:
    """Rates and scales of what goes wrong between a hydrant and the row that speaks of it.

    Rates are shares of records; `sigma_m` is the standard deviation per axis of a given
    position. The defaults are what a limited usability check by crews with phones shows;
    `sigma_m` is replaced by `estimate_sigma_m` per batch.
    """

    sigma_m: float = 4.0

    # position: Gaussian noise, or a gross error somewhere in a ring, or anywhere at all
    gross_rate: float = 0.02
    gross_from_m: float = 30.0
    gross_to_m: float = 300.0
    lost_rate: float = 0.005
    lost_area_m2: float = 1e7

    # number: written right, with one slip, with two, or another number altogether
    id_given_rate: float = 0.8
    id_exact_rate: float = 0.88
    id_one_slip_rate: float = 0.10
    id_two_slips_rate: float = 0.01
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
    unregistered_rate: float = 0.01
    id_given_unregistered: float = 0.2
    unregistered_clearance_m: float = 30.0  # nobody puts a new hydrant right beside another

    # a second conclusive record of a hydrant in one campaign that is not declared a re-inspection
    again_rate: float = 0.03
    again_same_day_rate: float = 0.002

    @property
    def gross_density_per_m2(self) -> float:
        """Density of a gross error at a point of its ring."""
        ring_m2 = np.pi * (self.gross_to_m**2 - self.gross_from_m**2)
        return float(self.gross_rate / ring_m2)

    def with_sigma(self, sigma_m: float | None) -> Parameters:
        """These parameters with a learned position noise; unchanged for None."""
        return self if sigma_m is None else replace(self, sigma_m=sigma_m)


def estimate_sigma_m(
    exact_id_distances_m: FloatArray, lone_neighbour_distances_m: FloatArray
) -> float | None:
    """Standard deviation per axis of the given positions, in metres.

    Taken from the median, so that gross errors do not count.

    Args:
        exact_id_distances_m: from each record to the hydrant whose number it has exactly.
        lone_neighbour_distances_m: from each record to its nearest hydrant, where no other is near;
            used when there are too few numbers.

    Returns:
        The estimate, at least 1 m; None when there is too little to learn from.
    """
    for distances_m in (exact_id_distances_m, lone_neighbour_distances_m):
        trusted = distances_m[distances_m <= _TRUSTED_PAIR_M]
        if trusted.size >= _ENOUGH_PAIRS:
            return max(1.0, float(np.median(trusted)) / _MEDIAN_OF_UNIT_RAYLEIGH)
    return None
