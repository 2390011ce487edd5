"""Rows as the earlier stages leave them, for tests of what comes after matching."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import geopandas as gpd
import shapely
import sqlalchemy as sa

from hydrants.store import tables

NOON = datetime(2019, 12, 31, 12, tzinfo=UTC)


def square_gemeenten(path: Path, nis: Iterable[str], source: str = "verzonnen demogegevens") -> None:
    """Write gemeenten as squares of 1 km, side by side from (30000, 170000) on."""
    codes = list(nis)
    boxes = [shapely.box(30_000 + 1_000 * i, 170_000, 31_000 + 1_000 * i, 171_000) for i in range(len(codes))]
    frame = gpd.GeoDataFrame({"nis": codes, "bron": source}, geometry=boxes, crs="EPSG:31370")
    frame.to_crs("EPSG:4326").to_file(path, driver="GeoJSON", layer_options={"COORDINATE_PRECISION": 9})


class World:
    """Inserts rows directly. `row` numbers the rows of each file from 2 on."""

    def __init__(self, connection: sa.Connection) -> None:
        self.connection = connection
        self._ordinals: dict[int, itertools.count[int]] = {}

    def _insert(self, table: sa.Table, **values: Any) -> None:
        self.connection.execute(sa.insert(table).values(**values))

    def register(self, version: int = 1, operator: str = "dewatergroep") -> int:
        self._insert(
            tables.register_version,
            register_version_id=version,
            operator=operator,
            sha256=f"{version:064d}",
            file_name=f"brandkranen_{version}.csv",
            exported_on=date(2019, 1, version),
            scope=[],
            loaded_at=NOON,
            counts={},
        )
        return version

    def hydrant(
        self,
        hydrant_id: str,
        nis: str = "33021",
        operator: str = "dewatergroep",
        *,
        x: float = 30_500.0,
        y: float = 170_500.0,
        from_version: int = 1,
        to_version: int | None = None,
        **state: Any,
    ) -> str:
        self._insert(tables.hydrant, hydrant_id=hydrant_id, operator=operator, supplier_id=None)
        self._insert(
            tables.hydrant_state,
            hydrant_id=hydrant_id,
            from_version_id=from_version,
            to_version_id=to_version,
            row_number=1,
            nis=nis,
            x_l72=x,
            y_l72=y,
            **state,
        )
        return hydrant_id

    def upload(
        self,
        upload_id: int,
        sha256: str,
        nis: str = "33021",
        file_name: str = "controle.xlsx",
        sheet: str = "Controle",
    ) -> int:
        self._insert(
            tables.upload,
            upload_id=upload_id,
            sha256=sha256.ljust(64, "0"),
            contractor="westlandia",
            nis=nis,
            file_name=file_name,
            size_bytes=1,
            landed_at=NOON,
        )
        self._insert(
            tables.raw_sheet,
            upload_id=upload_id,
            sheet_number=1,
            format="xlsx",
            sheet=sheet,
            blank_rows=0,
        )
        self._ordinals[upload_id] = itertools.count(1)
        return upload_id

    def row(
        self,
        hydrant_id: str,
        outcome: str,
        inspected_on: date,
        *,
        upload_id: int = 1,
        verdict: str = "linked",
        disposition: str = "accepted",
        defects: Iterable[str] = (),
        photos: Iterable[str] = (),
        match_method: str | None = None,
        distance_m: float | None = None,
        **said: Any,
    ) -> int:
        ordinal = next(self._ordinals[upload_id])
        row_id = upload_id * tables.ROWS_PER_UPLOAD + ordinal
        key = {"row_id": row_id, "upload_id": upload_id}
        self._insert(tables.raw_row, **key, sheet_number=1, row_number=ordinal + 1, cells=[])
        self._insert(tables.ledger, **key, disposition=disposition, reasons=[])
        self._insert(
            tables.record,
            **key,
            contractor="westlandia",
            nis="33021",
            inspected_on=inspected_on,
            outcome=outcome,
            photos=list(photos),
            defects=list(defects),
            **{"is_reinspection": False, "is_withdrawn": False, **said},
        )
        self._insert(
            tables.match,
            **key,
            verdict=verdict,
            hydrant_id=hydrant_id if verdict == "linked" else None,
            best_hydrant_id=hydrant_id,
            match_method=match_method,
            distance_m=distance_m,
            is_other_contractor=False,
        )
        return row_id

    def photo(self, upload_id: int, file_name: str, sha256: str | None) -> None:
        """A picture that came along; without a hash it is refused."""
        self._insert(
            tables.raw_photo,
            upload_id=upload_id,
            file_name=file_name,
            sha256=sha256,
            refused_because=None if sha256 else "geen foto",
        )

    def supersede(self, row_id: int, by: int) -> None:
        record = tables.record
        self.connection.execute(
            sa.update(record).where(record.c.row_id == row_id).values(superseded_by_row_id=by)
        )
