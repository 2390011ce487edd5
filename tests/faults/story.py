"""Two evenings in a small, messy Westhoek: what lies in the folders before the first night and the second."""

from __future__ import annotations

import csv
import io
import shutil
import zipfile
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, NamedTuple

import geopandas as gpd
import shapely
from PIL import Image

from hydrants import demo
from hydrants.settings import Settings
from tests.batches import as_csv, good

SEED, SCALE = 5, 0.01
AS_OF = date(2019, 12, 31)
CLOCK = (datetime(2020, 1, 1, 1, tzinfo=UTC), datetime(2020, 1, 2, 1, tzinfo=UTC))
"""When the nights take place; a fixed moment, so that they can be compared to the byte."""

WESTLANDIA, INTERWEST, SMALL = "westlandia/33021", "interwest/32003", "westlandia/33016"
_NIS = {"33021", "32003", "33016"}
_EXPORT = "brandkranen_2019-01-01.csv"
_FIRST = {
    WESTLANDIA: ("2019-01_controle.csv", "2019-02_controle.xlsx", "2019-03_controle.xlsx"),
    INTERWEST: ("2019-01_lijst.csv",),
}
_SECOND = {
    WESTLANDIA: ("2019-05_controle.xlsx", "2019-07_controle.csv"),
    INTERWEST: ("2019-07_veldapp.gpkg",),
    SMALL: ("2019-01_controle.xlsx",),
}


class Story(NamedTuple):
    """Where the inputs of both nights lie."""

    folder: Path

    def settings(self, evening: int, database_url: str, own: Path) -> Settings:
        """Settings of a night: the inputs of that evening, and results in a folder of its own."""
        inputs = self.folder / f"evening_{evening}"
        return Settings(
            _env_file=None,
            database_url=database_url,
            uploads=inputs / "uploads",
            registers=inputs / "registers",
            boundaries=inputs / "boundaries.geojson",
            addresses=inputs / "addresses.csv",
            landing=own / "landing",
            photos=own / "photos",
            site=own / "site",
            campaign_start=date(2019, 1, 1),
            campaign_end=AS_OF,
            upload_stable_s=0,
            workers=1,  # in the process that is watched
        )


def write(folder: Path) -> Story:
    """Write both evenings below `folder`.

    In the second every kind of thing has happened to a folder: new files, one that cannot be read, an empty
    one, one whose rows are mostly refused, one with photos, one overwritten, one taken away, one moved to
    another gemeente, one sent twice; and there is a new export of a register, and other addresses.
    """
    world = folder / "world"
    demo.write(world, seed=SEED, scale=SCALE)
    _shrink_register(world / "registers" / "dewatergroep" / _EXPORT, world / "boundaries.geojson")
    for number in (1, 2):
        evening = folder / f"evening_{number}"
        shutil.copytree(world / "registers", evening / "registers")
        shutil.copy(world / "boundaries.geojson", evening)
        _write_addresses(world / "addresses.csv", evening / "addresses.csv", every=3 - number)
        for sent in (_FIRST, _SECOND)[:number]:
            _send(world / "uploads", evening / "uploads", sent)
    first, second = (folder / f"evening_{number}" / "uploads" for number in (1, 2))
    for uploads in (first, second):
        (uploads / WESTLANDIA / "weg.csv").write_bytes(as_csv([good(301)]))
        (uploads / WESTLANDIA / "verkeerde map.csv").write_bytes(as_csv([good(302), good(303, Datum="?")]))
        (uploads / WESTLANDIA / "week.csv").write_bytes(as_csv([good(304, Resultaat="afgekeurd")]))
    _happen(second)
    _write_register(second.parent / "registers" / "dewatergroep")
    return Story(folder)


def _happen(uploads: Path) -> None:
    """What an office does to its folders between two nights."""
    own = uploads / WESTLANDIA
    (own / "weg.csv").unlink()
    (own / "verkeerde map.csv").rename(uploads / SMALL / "juiste map.csv")
    (own / "week.csv").write_bytes(as_csv([good(304), good(305, Resultaat="???"), good(306)]))
    shutil.copy(own / "2019-01_controle.csv", own / "2019-01_controle_nogmaals.csv")
    (own / "leeg.csv").write_bytes(b"")
    (own / "kapot.xlsx").write_bytes((own / "2019-02_controle.xlsx").read_bytes()[:2_000])
    (own / "meest fout.csv").write_bytes(as_csv([good(400 + n, Datum="31/02/2019") for n in range(40)]))
    register = uploads.parent / "registers" / "dewatergroep" / _EXPORT
    (own / "met foto.zip").write_bytes(_with_photos(_one_in_poperinge(register)))


def _one_in_poperinge(register: Path) -> dict[str, str]:
    """The row of a hydrant that surely lies there, in the register."""
    areas = gpd.read_file(register.parents[2] / "boundaries.geojson").to_crs("EPSG:31370")
    poperinge = areas[areas["nis"] == "33021"].geometry.iloc[0].buffer(-500)
    _, rows = _lines(register, ";")
    return next(row for row in rows if poperinge.covers(shapely.Point(float(row["X"]), float(row["Y"]))))


def _with_photos(hydrant: dict[str, str]) -> bytes:
    """A list with a picture of a registered hydrant, so that it is published, and one that is none."""
    picture, archive = io.BytesIO(), io.BytesIO()
    Image.new("RGB", (40, 30), "red").save(picture, "JPEG")
    headings = [*good(500), "Foto"]
    place = {axis: hydrant[axis].replace(".", ",") for axis in ("X", "Y")}
    seen = {"Nr. brandkraan": hydrant["G3E_FID"], **place}
    rows = [good(500) | seen | {"Foto": "a.jpg"}, good(501) | {"Foto": "b.jpg"}]
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("lijst.csv", as_csv(rows, headings=headings))
        file.writestr("a.jpg", picture.getvalue())
        file.writestr("b.jpg", b"MZ no picture at all")
    return archive.getvalue()


def _send(source: Path, target: Path, sent: dict[str, tuple[str, ...]]) -> None:
    for batch, names in sent.items():
        (target / batch).mkdir(parents=True, exist_ok=True)
        for name in names:
            shutil.copy(source / batch / name, target / batch)


def _lines(path: Path, delimiter: str) -> tuple[list[str], list[dict[str, str]]]:
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file, delimiter=delimiter)
        return list(reader.fieldnames or []), list(reader)


def _write(path: Path, names: list[str], rows: list[dict[str, Any]], delimiter: str) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, names, delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)


def _write_addresses(source: Path, target: Path, every: int) -> None:
    names, rows = _lines(source, ",")
    _write(target, names, [row for row in rows if row["municipality_id"] in _NIS][::every], ",")


def _shrink_register(path: Path, boundaries: Path) -> None:
    """Keep the hydrants around the gemeenten of the story: each other one would have a workbook to write."""
    areas = gpd.read_file(boundaries).to_crs("EPSG:31370")
    boxes = [shapely.box(*shape.bounds) for shape in areas[areas["nis"].isin(_NIS)].geometry]
    names, rows = _lines(path, ";")
    near = [
        row
        for row in rows
        if any(box.covers(shapely.Point(float(row["X"]), float(row["Y"]))) for box in boxes)
    ]
    assert len(near) > len(boxes)
    _write(path, names, near, ";")


def _write_register(folder: Path) -> None:
    """A later export: a hydrant gone, one moved, one new. A state of readers that rests on both is wrong."""
    old = folder / _EXPORT
    names, rows = _lines(old, ";")
    gone, moved, *_ = rows
    moved["X"] = f"{float(moved['X']) + 25:.2f}"
    new = {**moved, "G3E_FID": "2199999", "X": f"{float(moved['X']) + 250:.2f}"}
    _write(
        folder / "brandkranen_2019-06-01.csv", names, [*(row for row in rows if row is not gone), new], ";"
    )
    declared = old.with_suffix(".yml").read_text(encoding="utf-8")
    later = declared.replace("2019-01-01", "2019-06-01")
    (folder / "brandkranen_2019-06-01.yml").write_text(later, encoding="utf-8")
