"""Geocoding: record -> one point in Lambert 72, with its method and accuracy, or none.

Coordinates that the row gives win; what its address says is kept beside them, as
evidence of its own for the matcher. A row with an address alone is placed by it: by the
address table, or where that does not know it by an online service, if one is configured.
"""

from hydrants.geocoding.borders import OUTSIDE_M, is_outside, is_outside_deelgemeente
from hydrants.geocoding.locating import Areas, locate
from hydrants.geocoding.stage import STAGE, VERSION, run

__all__ = [
    "OUTSIDE_M",
    "STAGE",
    "VERSION",
    "Areas",
    "is_outside",
    "is_outside_deelgemeente",
    "locate",
    "run",
]
