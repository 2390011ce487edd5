"""A fire zone: what does not work now, and the nearest hydrant that does."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.spatial import cKDTree

from hydrants.publishing import labels
from hydrants.publishing.content import Content, Places
from hydrants.publishing.pages.rendering import write as write_page
from hydrants.reference import Zone

_WINDS = ("N", "NO", "O", "ZO", "Z", "ZW", "W", "NW")
_PLACE = ["x_l72", "y_l72"]


class Alternative(NamedTuple):
    """The nearest working hydrant, as seen from one that fails.

    Args:
        direction: towards it, in Dutch: N, NO, O, ZO, Z, ZW, W or NW.
    """

    hydrant_id: str
    nis: str
    street_names: str
    distance_m: int
    direction: str


class Failing(NamedTuple):
    """A hydrant that does not work.

    Args:
        what_nl: what is wrong with it.
        remark_nl: whether it is contradicted or repaired since; mostly empty.
        alternative: None when no hydrant of the zone works.
    """

    hydrant_id: str
    what_nl: str
    remark_nl: str
    is_found: bool
    is_repaired: bool
    inspected_on: date
    street_names: str
    kind_nl: str
    alternative: Alternative | None


class Part(NamedTuple):
    """A gemeente of the zone: its failing hydrants by street, and how many have not been looked at."""

    nis: str
    name: str
    registered: int
    remaining: int
    failing: list[Failing]


def write(folder: Path, content: Content, zone: Zone, failing: pd.DataFrame, working: Places) -> None:
    """Write zones/<zone>/index.html.

    Args:
        folder: the snapshot's.
        failing: the failing hydrants of the zone's gemeenten, as `content.hydrants` gives them.
        working: their hydrants in order.
    """
    own = folder / "zones" / zone.zone
    own.mkdir(parents=True)
    parts = list(_parts(content, zone, failing, working))
    write_page(
        own / "index.html",
        "zone.html.j2",
        content.frame("../../"),
        zone=zone,
        parts=parts,
        failing=[one for part in parts for one in part.failing],
        registered=sum(part.registered for part in parts),
        remaining=sum(part.remaining for part in parts),
        gemeenten=content.gemeenten(),
        address=address,
    )


def address(nis: str, hydrant_id: str) -> str:
    """The way from a zone's page to that of a hydrant."""
    return f"../../{nis}/hydrant.html#{urlencode({'id': hydrant_id})}"


def _parts(content: Content, zone: Zone, failing: pd.DataFrame, working: Places) -> Iterator[Part]:
    """The gemeenten by name."""
    alternatives = nearest(failing[_PLACE].to_numpy(dtype="float64"), working)
    found = failing.assign(alternative=pd.Series(alternatives, failing.index, dtype=object))
    for nis, name in content.gemeenten().items():
        if nis not in zone.gemeenten:
            continue
        own = found[found["nis"] == nis]
        shown = [
            Failing(
                row["hydrant_id"],
                _what(row["outcome"], row["defects"] or []),
                row["remark_nl"] or "",
                row["outcome"] != "not_found",
                bool(row["is_repaired"]),
                row["inspected_on"],
                row["street_names"] or "",
                _kind(row),
                row["alternative"],
            )
            for row in own.to_dict("records")
        ]
        # those without a street last: they are the hardest to place
        shown.sort(key=lambda one: (not one.street_names, one.street_names.casefold(), one.hydrant_id))
        registered, remaining = (
            sum(line[figure] for line in content.of(nis)) for figure in ("registered", "remaining")
        )
        yield Part(nis, name, registered, remaining, shown)


def _what(outcome: str, codes: list[str]) -> str:
    """What is wrong; that a hydrant is not in order, the whole page says."""
    if outcome == "failed" and codes:
        return ", ".join(map(labels.defect, codes))
    return labels.finding(outcome, codes)


def _kind(row: dict[Hashable, Any]) -> str:
    diameter = f"{row['diameter_mm']:.0f} mm" if row["diameter_mm"] else ""
    return ", ".join(part for part in (row["type_nl"], diameter) if part)


def nearest(starts: npt.NDArray[np.float64], working: Places) -> Sequence[Alternative | None]:
    """For each of some places the nearest hydrant that is in order, whatever its gemeente.

    Args:
        starts: (n, 2), metres in Lambert 72.

    Returns:
        In their order. Distances are straight lines in Lambert 72; of several as near, the first of
        `working`. None for each when none works.
    """
    if not len(starts) or not working.names:
        return [None] * len(starts)
    distances_m, found = cKDTree(working.xy_l72).query(starts, k=[1, 2])
    chosen = found[:, 0].copy()
    # the tree takes any of several that are as near; equal figures shall make equal pages
    for index in np.flatnonzero(distances_m[:, 0] == distances_m[:, 1]):
        chosen[index] = np.argmin(np.hypot(*(working.xy_l72 - starts[index]).T))
    winds = _winds(working.xy_l72[chosen] - starts)
    return [
        Alternative(hydrant_id, nis, street or "", round(distance_m), wind)
        for (nis, hydrant_id, street), distance_m, wind in zip(
            map(working.names.__getitem__, chosen.tolist()), distances_m[:, 0].tolist(), winds, strict=True
        )
    ]


def _winds(towards_m: npt.NDArray[np.float64]) -> list[str]:
    """The compass direction of each step to the east and north."""
    turns = np.arctan2(towards_m[:, 0], towards_m[:, 1]) / (2 * np.pi)
    return [_WINDS[place] for place in np.rint(turns * len(_WINDS)).astype(int) % len(_WINDS)]
