"""The bytes of a register export: rows of text, each with its row number and perhaps a point.

The first bytes decide the format, not the file's name: GDAL would open whatever
driver recognises the content, so its choice is held against the one expected.
"""

from __future__ import annotations

import csv
import io
import tempfile
import zipfile
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyogrio
import shapely
import yaml

from hydrants.errors import RegisterRejected

SUFFIXES = (".csv", ".gpkg", ".geojson", ".zip")

_DRIVERS = {".gpkg": "GPKG", ".geojson": "GeoJSON", ".shp": "ESRI Shapefile"}
_SHAPEFILE_PARTS = (".shp", ".shx", ".dbf", ".prj", ".cpg")
_MAX_UNPACKED_BYTES = 2_000_000_000
_ROWS_AT_ONCE = 50_000
"""So many are made into a frame at a time: as lists of texts, rows take several times the room."""


class Export(NamedTuple):
    """An export as text.

    Args:
        rows: one column of text per column of the export, empty cells missing; indexed
            by row number (CSV: line; GeoPackage: feature id; else: ordinal from 1).
        points: x, y in `crs`, aligned with `rows`; None for a CSV.
        crs: coordinate system that the file declares, if it does.
        broken: reason in Dutch by row number, for rows that are no rows.
    """

    rows: pd.DataFrame
    points: np.ndarray | None
    crs: str | None
    broken: dict[int, str]


def read(path: Path, delimiter: str) -> Export:
    """Read a CSV, GeoPackage, GeoJSON or zipped shapefile.

    Raises:
        RegisterRejected: when the file as a whole is not what its name says, or not readable.
    """
    suffix = path.suffix.lower()
    with path.open("rb") as file:
        start = file.read(64)
    if suffix == ".csv":
        return _read_csv(path, delimiter)
    if suffix == ".gpkg" and start.startswith(b"SQLite format 3\0"):
        return _read_vector(path)
    if suffix == ".geojson" and start.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{"):
        return _read_vector(path)
    if suffix == ".zip" and start.startswith(b"PK\x03\x04"):
        return _read_zipped_shapefile(path)
    raise RegisterRejected(
        f"{path.name} is not a register export that can be read: expected a CSV, "
        f"GeoPackage, GeoJSON or zipped shapefile that is what its name says ({', '.join(SUFFIXES)})"
    )


def declared(path: Path) -> dict[str, Any]:
    """What `<stem>.yml` beside an export declares of it, where it does.

    Returns:
        exported_on, a date, and scope, a list of NIS codes.

    Raises:
        RegisterRejected: when the file is there but cannot be understood.
    """
    file = path.with_suffix(".yml")
    if not file.is_file():
        return {}
    try:
        said = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
    except yaml.YAMLError as error:
        raise RegisterRejected(f"{file.name}: {error}") from error
    if not isinstance(said, dict):
        raise RegisterRejected(f"{file.name} is not a list of 'name: value' lines")
    result: dict[str, Any] = {}
    if (exported_on := said.get("exported_on")) is not None:
        if type(exported_on) is not date:
            raise RegisterRejected(f"{file.name}: exported_on {exported_on!r} is not a date YYYY-MM-DD")
        result["exported_on"] = exported_on
    if (scope := said.get("scope")) is not None:
        if not isinstance(scope, list):
            raise RegisterRejected(f"{file.name}: scope is not a list of NIS codes")
        result["scope"] = [str(nis) for nis in scope]
    return result


def _read_csv(path: Path, delimiter: str) -> Export:
    raw = path.read_bytes()
    text = io.TextIOWrapper(io.BytesIO(raw), _encoding(raw), errors="replace", newline="")
    reader = csv.reader(text, delimiter=delimiter, strict=True)
    header: list[str] | None = None
    frames: list[pd.DataFrame] = []
    cells: list[list[str]] = []
    numbers: list[int] = []
    broken: dict[int, str] = {}
    line = 1
    try:
        for row in reader:
            starts_at, line = line, reader.line_num + 1
            if not any(cell.strip() for cell in row):
                continue
            if header is None:
                header = _unique([cell.strip() for cell in row], path)
            elif len(row) != len(header):
                broken[starts_at] = f"{len(row)} velden in plaats van {len(header)}"
            else:
                cells.append(row)
                numbers.append(starts_at)
            if len(cells) == _ROWS_AT_ONCE:
                frames.append(_texts(cells, header, numbers))
                cells, numbers = [], []
    except csv.Error as error:
        raise RegisterRejected(f"{path.name}, line {reader.line_num}: {error}") from error
    if header is None:
        raise RegisterRejected(f"{path.name} is empty")
    rows = pd.concat([*frames, _texts(cells, header, numbers)])
    return Export(_emptied(rows), None, None, broken)


def _encoding(raw: bytes) -> str:
    try:
        raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8-sig"


def _texts(cells: list[list[str]], header: list[str] | None, numbers: list[int]) -> pd.DataFrame:
    return pd.DataFrame(cells, columns=header, index=pd.Index(numbers, dtype="int64"), dtype="str")


def _read_zipped_shapefile(path: Path) -> Export:
    """Unpack only the parts of one shapefile, under names of our own."""
    try:
        with zipfile.ZipFile(path) as archive, tempfile.TemporaryDirectory() as folder:
            members = [item for item in archive.infolist() if not item.is_dir()]
            shapes = [item for item in members if item.filename.lower().endswith(".shp")]
            if len(shapes) != 1:
                raise RegisterRejected(f"{path.name} holds {len(shapes)} shapefiles; one is expected")
            stem = shapes[0].filename[:-4]
            parts = [
                item
                for item in members
                if item.filename[:-4] == stem and item.filename[-4:].lower() in _SHAPEFILE_PARTS
            ]
            if sum(item.file_size for item in parts) > _MAX_UNPACKED_BYTES:
                raise RegisterRejected(f"{path.name} unpacks to more than {_MAX_UNPACKED_BYTES} bytes")
            for item in parts:
                target = Path(folder) / f"export{item.filename[-4:].lower()}"
                target.write_bytes(archive.read(item))
            return _read_vector(Path(folder) / "export.shp", path.name)
    except (zipfile.BadZipFile, RuntimeError) as error:  # RuntimeError: protected by a password
        raise RegisterRejected(f"{path.name} cannot be unpacked: {error}") from error


def _read_vector(path: Path, name: str | None = None) -> Export:
    name = name or path.name
    try:
        layers = pyogrio.list_layers(path)
        if len(layers) != 1:
            raise RegisterRejected(f"{name} holds {len(layers)} layers; one is expected")
        info = pyogrio.read_info(path)
        if info["driver"] != _DRIVERS[path.suffix]:
            raise RegisterRejected(f"{name} is read as {info['driver']}, not as {_DRIVERS[path.suffix]}")
        frame = pyogrio.read_dataframe(path, fid_as_index=True, datetime_as_string=True)
    except pyogrio.errors.DataSourceError as error:
        raise RegisterRejected(f"{name} cannot be read: {error}") from error
    if "geometry" not in frame.columns:
        raise RegisterRejected(f"{name} has no points")
    shapes = frame.pop("geometry").to_numpy()
    is_point = (shapely.get_type_id(shapes) == shapely.GeometryType.POINT) & ~shapely.is_empty(shapes)
    points = np.column_stack([shapely.get_x(shapes), shapely.get_y(shapes)])
    points[~is_point] = np.nan
    if path.suffix != ".gpkg":  # a feature id is a number the sender sees in a GeoPackage only
        frame.index = pd.RangeIndex(1, len(frame) + 1)
    frame.columns = pd.Index(_unique([str(column) for column in frame.columns], path))
    rows = pd.DataFrame({column: _as_text(frame[column]) for column in frame.columns}, index=frame.index)
    return Export(_emptied(rows), points, info["crs"], {})


def _unique(header: list[str], path: Path) -> list[str]:
    folded = [column.lower() for column in header]
    twice = sorted({column for column in folded if column and folded.count(column) > 1})
    if twice:
        raise RegisterRejected(f"{path.name} has more than one column {', '.join(twice)}")
    return folded


def _as_text(values: pd.Series) -> pd.Series:
    """Text of typed cells; whole numbers that came as floats lose their '.0'."""
    if pd.api.types.is_float_dtype(values):
        is_whole = values.notna() & (values % 1 == 0)
        text = values.astype("object").map(repr)
        return text.mask(is_whole, values[is_whole].astype("int64").astype("str")).mask(values.isna())
    return values.astype("object").where(values.notna(), None).map(str, na_action="ignore")


def _emptied(rows: pd.DataFrame) -> pd.DataFrame:
    """Outer blanks gone, and empty cells missing."""
    stripped = rows.apply(lambda column: column.astype("str").str.strip()) if len(rows.columns) else rows
    return stripped.mask(stripped == "") if len(rows.columns) else rows
