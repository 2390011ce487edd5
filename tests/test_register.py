"""The register: exports in every format, and what a new export changes."""

from __future__ import annotations

import zipfile
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from hydrants import register, store
from hydrants.errors import ProfileError, ReferenceMissing, RegisterRejected
from hydrants.register import rule
from hydrants.settings import Settings
from hydrants.store import tables
from tests.judged_world import square_gemeenten

HEADER = "G3E_FID;NOMINALE_D;SOORT;X;Y;STR_NAMEN;LEIDING_D;CREATE_DAT;BRON"
POPERINGE, KOKSIJDE = "33021", "38014"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Poperinge from x 30 000 on, Koksijde beside it from x 31 000 on; both y 170 000 to 171 000."""
    square_gemeenten(settings.boundaries, [POPERINGE, KOKSIJDE])
    return settings


def csv_export(
    folder: Path,
    rows: list[str],
    exported_on: str = "2019-01-01",
    scope: list[str] | None = None,
    *,
    header: str = HEADER,
) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"brandkranen_{exported_on}.csv"
    text = "\n".join([header, *rows, ""]).replace("verzonnen demogegevens", f"verzonnen, {exported_on}")
    path.write_text(text, encoding="utf-8")
    said = f"exported_on: {exported_on}\n" + (f"scope: [{', '.join(scope)}]\n" if scope else "")
    path.with_suffix(".yml").write_text(said, encoding="utf-8")
    return path


def point_export(
    folder: Path,
    points: list[tuple[float, float]],
    exported_on: str = "2019-01-01",
    scope: list[str] | None = None,
    crs: str = "EPSG:31370",
) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"brandkranen_{exported_on}.gpkg"
    frame = gpd.GeoDataFrame(geometry=gpd.points_from_xy(*zip(*points, strict=True)), crs="EPSG:31370")
    frame.to_crs(crs).to_file(path, layer="brandkranen", driver="GPKG")
    said = f"exported_on: {exported_on}\n" + (f"scope: [{', '.join(scope)}]\n" if scope else "")
    path.with_suffix(".yml").write_text(said, encoding="utf-8")
    return path


def line(
    number: str, x: float = 30_100, y: float = 170_100, kind: str = "Bovengronds", dn: str = "80"
) -> str:
    return f"{number};{dn};{kind};{x};{y};Kerkstraat;100;05/03/2001;verzonnen demogegevens"


def states(engine: sa.Engine) -> list[tuple[Any, ...]]:
    """Every state ever: id, from, to, x, y, to_check."""
    state = tables.hydrant_state.c
    query = sa.select(
        state.hydrant_id,
        state.from_version_id,
        state.to_version_id,
        state.x_l72,
        state.y_l72,
        state.to_check,
    ).order_by(state.hydrant_id, state.from_version_id)
    with store.read(engine) as connection:
        return [tuple(row) for row in connection.execute(query)]


def rejections(engine: sa.Engine) -> dict[int, str]:
    rejected = tables.register_rejection.c
    with store.read(engine) as connection:
        return dict(connection.execute(sa.select(rejected.row_number, rejected.reason)).tuples().all())


def counted(result: dict[str, Any]) -> dict[str, int]:
    names = ("rows", "added", "unchanged", "moved", "changed", "removed", "rejected")
    return {name: result[name] for name in names if result[name]}


def test_an_export_of_de_watergroep(engine: sa.Engine, settings: Settings, tmp_path: Path) -> None:
    rows = [
        "1234567;80;Bovengronds;30100.25;170100.5;Kerkstraat, Markt;100;05/03/2001;verzonnen",
        "0007;150;ondergronds;31200;170200;;0;;",
    ]
    result = register.load(
        engine, settings, "dewatergroep", csv_export(tmp_path / "in", rows, scope=[POPERINGE])
    )
    assert counted(result) == {"rows": 2, "added": 2}
    assert result["unknown_columns"] == []
    with store.read(engine) as connection:
        active = register.active(connection).astype(object)
        version = connection.execute(sa.select(tables.register_version)).mappings().one()
    columns = ["hydrant_id", "operator", "supplier_id", "nis", "x_l72", "y_l72", "hydrant_type"]
    columns += ["diameter_mm", "main_diameter_mm", "street_names", "created_on", "to_check"]
    found = active.where(active.notna(), None)[columns].to_numpy().tolist()
    aboveground = ["aboveground", 80, 100, "Kerkstraat, Markt", date(2001, 3, 5), None]
    underground = ["underground", 150, None, None, None, None]
    assert found == [
        ["DWG-0007", "dewatergroep", "0007", KOKSIJDE, 31_200.0, 170_200.0, *underground],
        ["DWG-1234567", "dewatergroep", "1234567", POPERINGE, 30_100.25, 170_100.5, *aboveground],
    ]
    assert (version["exported_on"], version["scope"]) == (date(2019, 1, 1), [POPERINGE])
    assert version["file_name"] == "brandkranen_2019-01-01.csv"


class Again(NamedTuple):
    """What the second export says of a hydrant that stood at dx 0, a bovengrondse of 80 mm."""

    dx: float = 0.0
    kind: str = "Bovengronds"
    dn: str = "80"


RULE: dict[str, tuple[Again | None, str, str | None, float]] = {
    # what is said of it again, what becomes of it, to_check, its dx then
    "the same": (Again(), "unchanged", None, 0.0),
    "moved 0.2 m": (Again(dx=0.2), "unchanged", None, 0.0),
    "moved 0.3 m": (Again(dx=0.3), "unchanged", None, 0.0),
    "moved 0.4 m": (Again(dx=0.4), "moved", "coordinates", 0.4),
    "moved 400 m": (Again(dx=400.0), "moved", "coordinates", 400.0),
    "another diameter": (Again(dn="100"), "changed", "attributes", 0.0),
    "a diameter no longer given": (Again(dn=""), "changed", "attributes", 0.0),
    "another type": (Again(kind="Ondergronds"), "changed", "attributes", 0.0),
    "the same type in other words": (Again(kind="BH"), "unchanged", None, 0.0),
    "moved 0.2 m, another type": (Again(dx=0.2, kind="OH"), "changed", "attributes", 0.2),
    "moved and another type": (Again(dx=1.0, kind="OH"), "moved", "coordinates", 1.0),
    "absent": (None, "removed", None, 0.0),
}


def test_a_large_export_is_read_apart(
    engine: sa.Engine, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the same result, and the same complaint."""
    good = csv_export(tmp_path, [line("100"), line("101", x=30_200)])
    bad = csv_export(tmp_path, [line("")], "2019-02-01")
    monkeypatch.setattr("hydrants.register.loading._LARGE_BYTES", 0)
    monkeypatch.setattr("hydrants.register.loading._rows", None)  # not in this process
    settings = settings.model_copy(update={"workers": 2})
    loaded = register.load(engine, settings, "dewatergroep", good)
    assert (loaded["is_new"], counted(loaded)) == (True, {"rows": 2, "added": 2})
    assert len(states(engine)) == 2
    assert not register.load(engine, settings, "dewatergroep", good)["is_new"]
    with pytest.raises(RegisterRejected, match=r"2019-02-01\.csv has no usable row"):
        register.load(engine, settings, "dewatergroep", bad)


def test_what_a_second_export_changes(engine: sa.Engine, settings: Settings, tmp_path: Path) -> None:
    first, second, expected = [], [], []
    for number, (again, change, to_check, dx) in enumerate(RULE.values(), start=10):
        x = 30_100 + 20 * number
        first.append(line(str(number), x=x))
        if again is not None:
            second.append(line(str(number), x=x + again.dx, kind=again.kind, dn=again.dn))
        is_other = change in {"moved", "changed"}
        ended_by = 2 if is_other or change == "removed" else None
        expected.append((f"DWG-{number}", 1, ended_by, float(x), 170_100.0, None))
        if is_other:
            expected.append((f"DWG-{number}", 2, None, x + dx, 170_100.0, to_check))
    register.load(engine, settings, "dewatergroep", csv_export(tmp_path, first))
    path = csv_export(tmp_path, second, "2019-02-01", scope=[POPERINGE])
    assert counted(register.load(engine, settings, "dewatergroep", path)) == {
        "rows": 11,
        "unchanged": 4,
        "moved": 3,
        "changed": 4,
        "removed": 1,
    }
    assert states(engine) == expected


def test_absence_counts_only_where_the_export_says_it_is_complete(
    engine: sa.Engine, settings: Settings, tmp_path: Path
) -> None:
    everything = [line("1"), line("2", x=30_200), line("3", x=31_300)]
    register.load(engine, settings, "dewatergroep", csv_export(tmp_path / "a", everything))
    only_one = csv_export(tmp_path / "b", [line("1")], "2019-02-01")
    assert counted(register.load(engine, settings, "dewatergroep", only_one)) == {"rows": 1, "unchanged": 1}
    koksijde = csv_export(tmp_path / "c", [line("1"), ""], "2019-03-01", scope=[KOKSIJDE])
    assert counted(register.load(engine, settings, "dewatergroep", koksijde)) == {
        "rows": 1,
        "unchanged": 1,
        "removed": 1,
    }
    with store.read(engine) as connection:
        assert list(register.active(connection)["hydrant_id"]) == ["DWG-1", "DWG-2"]


def test_a_removed_hydrant_that_returns_keeps_its_id(
    engine: sa.Engine, settings: Settings, tmp_path: Path
) -> None:
    folder = tmp_path / "in"
    other = line("9", x=30_900)
    for day, rows in (
        ("2019-01-01", [line("1"), other]),
        ("2019-02-01", [other]),
        ("2019-03-01", [line("1"), other]),
    ):
        result = register.load(engine, settings, "dewatergroep", csv_export(folder, rows, day, [POPERINGE]))
    assert counted(result) == {"rows": 2, "added": 1, "unchanged": 1}
    spans = [(row[0], row[1], row[2]) for row in states(engine)]
    assert spans == [("DWG-1", 1, 2), ("DWG-1", 3, None), ("DWG-9", 1, None)]
    with store.read(engine) as connection:
        per_version = {
            version: list(register.active(connection, version)["hydrant_id"]) for version in (1, 2, 3)
        }
    assert per_version == {1: ["DWG-1", "DWG-9"], 2: ["DWG-9"], 3: ["DWG-1", "DWG-9"]}


def test_rows_that_cannot_be_used_are_rejected_each_with_its_reason(
    engine: sa.Engine, settings: Settings, tmp_path: Path
) -> None:
    rows = [
        line("1"),
        line("2", x=30_110),
        line("2", x=30_120),
        line("99994", x=30_130),
        line("", x=30_140),
        line("1.2E+15", x=30_150),
        line("7", kind="Vijver", x=30_160),
        line("8", dn="tachtig", x=30_170),
        line("10", x=40_000),
        "11;80;Bovengronds;;;;;;",
        "12;80;Bovengronds",
        line("13", x=29_701),
        line("14", x=29_699),
        "15;80;Bovengronds;30180;170100;;;31/02/2001;",
    ]
    path = csv_export(tmp_path / "in", rows)
    assert counted(register.load(engine, settings, "dewatergroep", path)) == {
        "rows": 14,
        "added": 2,
        "rejected": 12,
    }
    assert rejections(engine) == {
        3: "nummer 2 staat meer dan eens in de export",
        4: "nummer 2 staat meer dan eens in de export",
        5: "nummer 99994 is een vulwaarde, geen hydrant",
        6: "geen nummer",
        7: "nummer 1.2E+15 is door een rekenblad vervormd",
        8: "SOORT 'Vijver' is onbekend",
        9: "NOMINALE_D 'tachtig' is onbekend",
        10: "ligt meer dan 300 m buiten elke gemeente",
        11: "geen leesbare coördinaten",
        12: "3 velden in plaats van 9",
        14: "ligt meer dan 300 m buiten elke gemeente",
        15: "CREATE_DAT '31/02/2001' is onbekend",
    }
    assert [row[0] for row in states(engine)] == ["DWG-1", "DWG-13"]  # 13 is 299 m from Poperinge


def test_a_rejected_row_does_not_remove_its_hydrant(
    engine: sa.Engine, settings: Settings, tmp_path: Path
) -> None:
    folder = tmp_path / "in"
    register.load(
        engine, settings, "dewatergroep", csv_export(folder, [line("1"), line("2", x=30_200), line("3")])
    )
    rows = [line("1"), line("1"), line("2", kind="?"), line("4", x=30_300)]
    result = register.load(
        engine, settings, "dewatergroep", csv_export(folder, rows, "2019-02-01", [POPERINGE])
    )
    assert counted(result) == {"rows": 4, "added": 1, "rejected": 3, "removed": 1}
    with store.read(engine) as connection:
        assert list(register.active(connection)["hydrant_id"]) == ["DWG-1", "DWG-2", "DWG-4"]


def test_bytes_of_a_replaced_export_are_not_taken_for_a_new_one(
    engine: sa.Engine, settings: Settings, tmp_path: Path
) -> None:
    first = csv_export(tmp_path, [line("1")], "2019-01-01")
    assert register.load(engine, settings, "dewatergroep", first)["is_new"]
    later = date(2019, 1, 15)  # with nothing in between, it says what the register says
    assert not register.load(engine, settings, "dewatergroep", first, exported_on=later)["is_new"]
    assert register.load(engine, settings, "dewatergroep", csv_export(tmp_path, [line("2")], "2019-02-01"))[
        "is_new"
    ]
    assert not register.load(engine, settings, "dewatergroep", first)["is_new"]
    with pytest.raises(RegisterRejected, match="byte for byte"):
        register.load(engine, settings, "dewatergroep", first, exported_on=date(2019, 3, 1))


def test_loading_the_same_bytes_again_changes_nothing(
    engine: sa.Engine, settings: Settings, tmp_path: Path
) -> None:
    path = csv_export(tmp_path / "in", [line("1")])
    first = register.load(engine, settings, "dewatergroep", path)
    again = register.load(engine, settings, "dewatergroep", path)
    assert (first["is_new"], again["is_new"]) == (True, False)
    assert again["register_version_id"] == first["register_version_id"]
    assert len(states(engine)) == 1


def test_aquaduin_knows_a_hydrant_by_its_place(engine: sa.Engine, settings: Settings, tmp_path: Path) -> None:
    first = [(31_100.0, 170_100.0), (31_200.0, 170_200.0), (31_300.04, 170_300.06)]
    path = point_export(tmp_path / "in", first, scope=[KOKSIJDE])
    assert counted(register.load(engine, settings, "aquaduin", path)) == {"rows": 3, "added": 3}
    second = [(31_100.0, 170_100.2), (31_200.0, 170_200.4), (31_300.04, 170_300.06)]
    path = point_export(tmp_path / "in", second, "2019-02-01", scope=[KOKSIJDE])
    assert counted(register.load(engine, settings, "aquaduin", path)) == {
        "rows": 3,
        "unchanged": 2,
        "added": 1,  # 0.4 m away is another hydrant,
        "removed": 1,  # and the one that was there is gone
    }
    assert states(engine) == [
        ("AQD-311000-1701000", 1, None, 31_100.0, 170_100.0, None),
        ("AQD-312000-1702000", 1, 2, 31_200.0, 170_200.0, None),
        ("AQD-312000-1702004", 2, None, 31_200.0, 170_200.4, None),
        ("AQD-313000-1703001", 1, None, 31_300.04, 170_300.06, None),
    ]
    path = point_export(tmp_path / "in", first, "2019-03-01", scope=[KOKSIJDE])
    assert counted(register.load(engine, settings, "aquaduin", path)) == {
        "rows": 3,
        "unchanged": 2,
        "added": 1,
        "removed": 1,
    }
    assert [row[:3] for row in states(engine)][1:4] == [
        ("AQD-312000-1702000", 1, 2),
        ("AQD-312000-1702000", 3, None),
        ("AQD-312000-1702004", 2, 3),
    ]


def test_places_that_cannot_be_told_apart_are_rejected(
    engine: sa.Engine, settings: Settings, tmp_path: Path
) -> None:
    first = [(31_100.0, 170_100.0), (31_200.0, 170_200.0), (31_200.5, 170_200.0)]
    register.load(engine, settings, "aquaduin", point_export(tmp_path / "in", first))
    second = [
        (31_099.8, 170_100.0),  # two points, 0.4 m apart,
        (31_100.2, 170_100.0),  # that both could be the first hydrant
        (31_200.25, 170_200.0),  # one point between two hydrants
        (31_700.0, 170_700.0),  # two new points in one place
        (31_700.1, 170_700.0),
        (31_800.0, 170_800.0),
    ]
    path = point_export(tmp_path / "in", second, "2019-02-01", scope=[KOKSIJDE])
    assert counted(register.load(engine, settings, "aquaduin", path)) == {
        "rows": 6,
        "added": 1,
        "rejected": 5,
    }
    ambiguous = "meer dan een hydrant komt ervoor in aanmerking"
    crowded = "staat binnen 0.3 m van een andere rij van de export"
    assert rejections(engine) == {1: ambiguous, 2: ambiguous, 3: ambiguous, 4: crowded, 5: crowded}


@pytest.mark.parametrize(
    ("suffix", "crs"),
    [
        ("gpkg", "EPSG:31370"),
        ("gpkg", "EPSG:4326"),
        ("geojson", "EPSG:4326"),
        ("zip", "EPSG:31370"),
        ("zip", "EPSG:3812"),
    ],
)
def test_vector_files_say_the_same_as_the_csv(
    engine: sa.Engine, settings: Settings, tmp_path: Path, suffix: str, crs: str
) -> None:
    frame = gpd.GeoDataFrame(
        {
            "G3E_FID": [1234567, 7],
            "NOMINALE_D": [80.0, np.nan],
            "SOORT": ["Bovengronds", None],
            "EIGENAAR": ["gemeente", None],
        },
        geometry=gpd.points_from_xy([30_100.25, 31_200.0], [170_100.5, 170_200.0]),
        crs="EPSG:31370",
    ).to_crs(crs)
    path = tmp_path / f"export.{suffix}"
    if suffix == "zip":
        (tmp_path / "shp").mkdir()
        frame.to_file(tmp_path / "shp" / "kranen.shp")
        with zipfile.ZipFile(path, "w") as archive:
            for part in (tmp_path / "shp").iterdir():
                archive.write(part, f"map/{part.name}")
    else:
        more = {"COORDINATE_PRECISION": 9} if suffix == "geojson" else {}
        frame.to_file(path, driver={"gpkg": "GPKG", "geojson": "GeoJSON"}[suffix], layer_options=more)
    result = register.load(engine, settings, "dewatergroep", path, exported_on=date(2019, 1, 1))
    assert counted(result) == {"rows": 2, "added": 2}
    assert result["unknown_columns"] == ["eigenaar"]
    with store.read(engine) as connection:
        active = register.active(connection)
    assert list(active["hydrant_id"]) == ["DWG-1234567", "DWG-7"]
    assert list(active["nis"]) == [POPERINGE, KOKSIJDE]
    assert active["diameter_mm"].iloc[0] == 80
    assert active["diameter_mm"].isna().iloc[1]
    assert np.allclose(active[["x_l72", "y_l72"]], [[30_100.25, 170_100.5], [31_200, 170_200]], atol=0.002)


def test_files_that_are_not_what_their_name_says_are_refused(
    engine: sa.Engine, settings: Settings, tmp_path: Path
) -> None:
    secret = csv_export(tmp_path, [line("1")])
    layer = f"<OGRVRTLayer name='x'><SrcDataSource>{secret}</SrcDataSource></OGRVRTLayer>"
    vrt = f"<OGRVRTDataSource>{layer}</OGRVRTDataSource>"
    contents = {
        "vrt.geojson": vrt.encode(),
        "vrt.gpkg": vrt.encode(),
        "text.zip": b"PK no zip",
        "cut.zip": b"PK\x03\x04 cut short",
        "cut.gpkg": b"SQLite format 3\0" + b"\0" * 40,
        "list.xlsx": b"PK\x03\x04",
        "empty.csv": b"",
        "heading.csv": HEADER.encode(),
        "noid.csv": b"NUMMER;X;Y\n1;30100;170100\n",
        "twice.csv": b"G3E_FID;X;x;Y\n1;30100;30100;170100\n",
        "quote.csv": f'{HEADER}\n1;80;"Boven;30100;170100;;;;\n'.encode(),
        "nowhere.csv": f"{HEADER}\n{line('1', x=90_000)}\n".encode(),
    }
    for name, content in contents.items():
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(RegisterRejected):
            register.load(engine, settings, "dewatergroep", path, exported_on=date(2019, 1, 1))
    with store.read(engine) as connection:
        assert (
            connection.execute(sa.select(sa.func.count()).select_from(tables.register_version)).scalar() == 0
        )
        with pytest.raises(ReferenceMissing, match="no hydrant register"):
            register.latest_version(connection)


def test_what_an_export_must_say(engine: sa.Engine, settings: Settings, tmp_path: Path) -> None:
    path = csv_export(tmp_path, [line("1")], "2019-03-01")
    sidecar = path.with_suffix(".yml")
    for said, message in (
        ("note: verzonnen\n", "exported_on is required"),
        ("exported_on: eergisteren\n", "not a date"),
        ("exported_on: 2019-03-01\nscope: 33021\n", "not a list"),
        ("exported_on: 2019-03-01\nscope: [99999]\n", "unknown gemeenten: 99999"),
        ("- los\n", "name: value"),
    ):
        sidecar.write_text(said, encoding="utf-8")
        with pytest.raises(RegisterRejected, match=message):
            register.load(engine, settings, "dewatergroep", path)
    sidecar.unlink()
    with pytest.raises(ProfileError, match="nutsmaatschappij"):
        register.load(engine, settings, "nutsmaatschappij", path, exported_on=date(2019, 3, 1))
    assert register.load(engine, settings, "dewatergroep", path, exported_on=date(2019, 3, 1))["added"] == 1
    older = csv_export(tmp_path, [line("2")], "2019-02-01")
    with pytest.raises(RegisterRejected, match="before the newest export"):
        register.load(engine, settings, "dewatergroep", older)
    # each operator has its own order
    assert register.load(engine, settings, "aquaduin", point_export(tmp_path, [(31_100.0, 170_100.0)]))[
        "is_new"
    ]


def test_refresh_takes_what_is_new_in_order_of_date(engine: sa.Engine, settings: Settings) -> None:
    folder = settings.registers / "dewatergroep"
    csv_export(folder, [line("1"), line("2", x=30_200)], "2019-02-01", [POPERINGE])
    csv_export(folder, [line("1")], "2019-01-01", [POPERINGE])
    point_export(settings.registers / "aquaduin", [(31_100.0, 170_100.0)], "2019-01-15")
    loaded = register.refresh(engine, settings)
    assert [(one["operator"], one["file"], one["added"]) for one in loaded] == [
        ("dewatergroep", "brandkranen_2019-01-01.csv", 1),
        ("aquaduin", "brandkranen_2019-01-15.gpkg", 1),
        ("dewatergroep", "brandkranen_2019-02-01.csv", 1),
    ]
    assert register.refresh(engine, settings) == []

    csv_export(folder, [line("3")], "2018-12-01")
    csv_export(folder, [line("1")], "2019-03-01", [POPERINGE])
    with pytest.raises(RegisterRejected, match="2018-12-01"):
        register.refresh(engine, settings)
    with store.read(engine) as connection:  # the late one kept the new one from nothing
        assert list(register.active(connection)["hydrant_id"]) == ["AQD-311000-1701000", "DWG-1"]


def test_near_a_gemeente(engine: sa.Engine, settings: Settings, tmp_path: Path) -> None:
    rows = [
        line("1", x=30_900),
        line("2", x=30_990),
        line("3", x=31_040),
        line("4", x=31_100),
        line("5", x=31_900),
    ]
    register.load(engine, settings, "dewatergroep", csv_export(tmp_path, rows))
    with store.read(engine) as connection:
        near = {
            margin_m: list(register.active_near(connection, [POPERINGE], margin_m)["supplier_id"])
            for margin_m in (0.0, 49.0, 50.0, 200.0)
        }
        assert list(register.active_near(connection, [KOKSIJDE], 0.0)["supplier_id"]) == ["3", "4", "5"]
        both = register.active_near(connection, [KOKSIJDE, POPERINGE, "32003"], 0.0)
        nowhere = register.active_near(connection, ["32003"], 1_000.0)
    assert near == {0.0: ["1", "2"], 49.0: ["1", "2"], 50.0: ["1", "2", "3"], 200.0: ["1", "2", "3", "4"]}
    assert list(both["supplier_id"]) == ["1", "2", "3", "4", "5"]  # each once, whatever boxes it lies in
    assert nowhere.empty
    assert {"hydrant_id", "nis", "x_l72", "y_l72"} <= set(nowhere.columns)


def _frame(points: np.ndarray) -> pd.DataFrame:
    count = len(points)
    frame = pd.DataFrame(points, columns=["x_l72", "y_l72"])
    frame["hydrant_id"] = [f"AQD-{number}" for number in range(count)]
    frame["hydrant_state_id"] = np.arange(count) + 100
    frame["reason"] = pd.Series(None, index=frame.index, dtype="object")
    for name in (
        "supplier_id",
        "hydrant_type",
        "diameter_mm",
        "main_diameter_mm",
        "street_names",
        "created_on",
    ):
        frame[name] = pd.Series(None, index=frame.index, dtype="object")
    return frame.assign(nis=KOKSIJDE)


@hypothesis_settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), count=st.integers(0, 25))
def test_by_place_against_every_distance(seed: int, count: int) -> None:
    """Rows and hydrants thrown onto 2 m x 2 m, held against all distances measured one by one."""
    random = np.random.default_rng(seed)
    rows, active = (_frame(random.integers(0, 20, (size, 2)) / 10.0) for size in (count, 8))
    kept = np.ones(len(active), dtype=bool)  # a register has no two hydrants in one place
    between = cdist(*(active[["x_l72", "y_l72"]].to_numpy(),) * 2).round(3)
    for one in range(len(active)):
        kept[one] = not (between[one, :one][kept[:one]] <= 0.3).any()
    active = active[kept].reset_index(drop=True)

    changes = rule.compare(rows, active, active[:0], "aquaduin", [KOKSIJDE], has_ids=False)

    points = rows[["x_l72", "y_l72"]].to_numpy()
    to_active = cdist(points, active[["x_l72", "y_l72"]].to_numpy()).round(3) <= 0.3
    to_rows = cdist(points, points).round(3) <= 0.3
    expected = []
    for row in range(count):
        alone = [other for other in range(count) if to_rows[other].sum() == 1]
        if row not in alone:
            expected.append("rejected")
        elif to_active[row].sum() == 0:
            expected.append("added")
        else:
            is_only = to_active[row].sum() == 1
            rivals = [o for o in alone if o != row and (to_active[o] & to_active[row]).any()]
            expected.append("unchanged" if is_only and not rivals else "rejected")
    found = changes.rows["change"].where(changes.rows["reason"].isna(), "rejected").tolist()
    assert found == expected
    gone = active.loc[~to_active.any(axis=0), "hydrant_state_id"].tolist() if count else []
    assert changes.removed == (gone if count else active["hydrant_state_id"].tolist())
