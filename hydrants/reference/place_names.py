"""Names by which an address text tells gemeente or deelgemeente, and the postcode that goes with them."""

from __future__ import annotations

import csv
from functools import lru_cache
from typing import NamedTuple

from hydrants import reference
from hydrants.reference.street_keys import street_key


class Village(NamedTuple):
    """A gemeente or deelgemeente. `postcode` is None for a gemeente that has several."""

    nis: str
    postcode: str | None


@lru_cache
def villages() -> dict[str, Village]:
    """Gemeenten and deelgemeenten by `street_key` of each of their names.

    A name that a gemeente shares with one of its parts, such as Poperinge, stands for the whole.
    """
    with (reference.REFERENCE_DIR / "deelgemeenten.csv").open(encoding="utf-8", newline="") as file:
        parts = list(csv.DictReader(file, strict=True))
    named = {
        street_key(name): Village(row["nis"], row["postcode"])
        for row in parts
        for name in (row["name_nl"], *filter(None, row["also"].split("/")))
    }
    for gemeente in reference.gemeenten().values():
        only = gemeente.postcodes[0] if len(gemeente.postcodes) == 1 else None
        named[street_key(gemeente.name_nl)] = Village(gemeente.nis, only)
    return named
