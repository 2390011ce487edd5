"""Hydrants that crews saw and no register has, proposed to the register's owner.

`sightings` reads the records, `same_hydrant` tells which speak of one hydrant, `listing`
makes one line of each place, `workbook` is what the water company gets.
"""

from hydrants.proposals.listing import as_lines, places
from hydrants.proposals.workbook import write

__all__ = ["as_lines", "places", "write"]
