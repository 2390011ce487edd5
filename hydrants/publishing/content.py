"""What a snapshot's page, map and workbooks show, read back from its immutable rows."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyogrio
import pyproj
import sqlalchemy as sa

from hydrants import reference, store
from hydrants.publishing import labels, schedule
from hydrants.publishing.frame import Frame, Tiles
from hydrants.publishing.reads import judged, progress
from hydrants.publishing.schedule import Schedule
from hydrants.reference.boundaries import LAMBERT_72
from hydrants.store.tables import (
    hydrant_state,
    raw_row,
    raw_sheet,
    record,
    snapshot,
    snapshot_hydrant,
    upload,
)

WGS84 = "EPSG:4326"


class Content(NamedTuple):
    """A snapshot, and what is said about it as a whole.

    Args:
        lines: the progress table (`reads.progress`), and of each line last_checked_on: day of its last
            deciding inspection, or None.
        source: what the boundaries file says of its own origin; empty when it says nothing.
        tiles: background of the maps.
        schedules: how far each water company and gemeente (NIS code) is, beside the plan.
    """

    snapshot_id: int
    as_of: date
    campaign_start: date
    campaign_end: date
    lines: list[dict[str, Any]]
    source: str
    tiles: Tiles
    schedules: dict[tuple[str, str], Schedule]

    def frame(self, root: str) -> Frame:
        """What stands around a page that lies so far below the snapshot's folder."""
        return Frame(
            root,
            self.snapshot_id,
            self.as_of,
            self.campaign_start,
            self.campaign_end,
            self.source,
            self.tiles,
        )

    def gemeenten(self) -> dict[str, str]:
        """Names by NIS code, in order of the name."""
        named = {line["nis"]: line["gemeente"] for line in self.lines if line["nis"] is not None}
        return dict(sorted(named.items(), key=lambda item: item[1]))

    def of(self, nis: str) -> list[dict[str, Any]]:
        """The progress lines of a gemeente, one per water company."""
        return [line for line in self.lines if line["nis"] == nis]


def read(connection: sa.Connection, snapshot_id: int, boundaries: Path, tiles: Tiles) -> Content:
    """Read what is said of a snapshot as a whole."""
    row = connection.execute(sa.select(snapshot).where(snapshot.c.snapshot_id == snapshot_id)).one()
    last = _last_checked(connection, snapshot_id)
    lines = [
        {**line, "last_checked_on": last.get((line["operator"], line["nis"]))}
        for line in progress(connection, snapshot_id)
    ]
    return Content(
        snapshot_id,
        row.as_of,
        row.campaign_start,
        row.campaign_end,
        lines,
        _source(boundaries),
        tiles,
        schedule.read(connection, snapshot_id),
    )


def _last_checked(connection: sa.Connection, snapshot_id: int) -> dict[tuple[str, str | None], date]:
    """The day of the last deciding inspection, per water company and gemeente, and per water company."""
    own = snapshot_hydrant.c
    query = (
        sa.select(own.operator, own.nis, sa.func.max(own.inspected_on))
        .where(own.snapshot_id == snapshot_id, own.inspected_on.is_not(None))
        .group_by(own.operator, own.nis)
    )
    found: dict[tuple[str, str | None], date] = {}
    for operator, nis, day in connection.execute(query):
        for key in ((operator, nis), (operator, None)):
            found[key] = max(found.get(key, day), day)
    return found


def _source(boundaries: Path) -> str:
    if "bron" not in pyogrio.read_info(boundaries)["fields"]:
        return ""
    said = pyogrio.read_dataframe(boundaries, columns=["bron"], read_geometry=False)["bron"]
    return "; ".join(sorted(set(said.dropna().astype(str))))


def hydrants(connection: sa.Connection, snapshot_id: int, nis: str) -> pd.DataFrame:
    """The hydrants of a gemeente in a snapshot.

    Returns:
        One row per hydrant, in order of hydrant_id: hydrant_id, operator, contractor, status,
        outcome, inspected_on, tried_on, is_conflict, is_repaired, x_l72, y_l72 (metres), lon, lat
        (WGS84 degrees), street_names, hydrant_type, diameter_mm, defects (list of codes), and the
        deciding row's file, sheet, row_number; and in Dutch operator_nl, contractor_nl, type_nl,
        status_nl, finding_nl, remark_nl. What is missing is None.
    """
    status, state = snapshot_hydrant.c, hydrant_state.c
    query = (
        judged(
            snapshot_id,
            status.hydrant_id,
            status.operator,
            status.contractor,
            status.status,
            status.outcome,
            status.inspected_on,
            status.tried_on,
            status.is_conflict,
            status.is_repaired,
            status.x_l72,
            status.y_l72,
            state.street_names,
            state.hydrant_type,
            state.diameter_mm,
            record.c.defects,
            (upload.c.contractor + "/" + upload.c.nis + "/" + upload.c.file_name).label("file"),
            raw_sheet.c.sheet,
            raw_row.c.row_number,
        )
        .outerjoin(
            raw_sheet,
            (raw_sheet.c.upload_id == raw_row.c.upload_id)
            & (raw_sheet.c.sheet_number == raw_row.c.sheet_number),
        )
        .where(status.nis == nis)
    )
    frame = store.read_frame(connection, query).astype(object)
    frame = frame.where(frame.notna(), None)
    for name in ("diameter_mm", "row_number"):  # a column that lacks some came as float
        frame[name] = pd.Series([value and int(value) for value in frame[name]], frame.index, dtype=object)
    lon, lat = _to_wgs84().transform(*(frame[name].to_numpy(dtype="float64") for name in ("x_l72", "y_l72")))
    names = {operator.operator: operator.name for operator in reference.operators().values()}
    dutch = {
        "operator_nl": [names[key] for key in frame["operator"]],
        "contractor_nl": [key and labels.firm(key) for key in frame["contractor"]],
        "type_nl": [labels.HYDRANT_TYPE.get(key) for key in frame["hydrant_type"]],
        "status_nl": [labels.STATUS[key] for key in frame["status"]],
        "finding_nl": [
            labels.finding(*pair) for pair in zip(frame["outcome"], frame["defects"], strict=True)
        ],
        "remark_nl": [
            labels.remark(is_conflict=is_conflict, is_repaired=is_repaired)
            for is_conflict, is_repaired in zip(frame["is_conflict"], frame["is_repaired"], strict=True)
        ],
    }
    words = pd.DataFrame(dutch, index=frame.index, dtype=object)
    return frame.join(words).assign(lon=np.round(lon, 7), lat=np.round(lat, 7))


@lru_cache(maxsize=1)
def _to_wgs84() -> pyproj.Transformer:
    return pyproj.Transformer.from_crs(LAMBERT_72, WGS84, always_xy=True)
