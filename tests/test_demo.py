"""The demo world, read back from its files by a reader of its own and checked by brute force."""

from __future__ import annotations

import csv
import hashlib
import json
import re
import zipfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pandas as pd
import pyogrio
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Transformer
from rapidfuzz.distance import OSA

from hydrants import demo, reference
from hydrants.demo import dirt, evidence
from hydrants.demo.registers import proportional
from hydrants.errors import HydrantsError
from hydrants.reference import addresses as address_file

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"

SMALL = 0.05
FIELDS = {
    "ref": {"Fiche", "Volgnummer", "uuid"},
    "number": {"Nr. brandkraan", "Brandkraannummer", "Kenmerk", "kenmerk"},
    "date": {"Datum", "Datum controle", "datum"},
    "address": {"Straat en nr", "Adres", "adres"},
    "gemeente": {"Gemeente"},
    "x": {"X", "X-coördinaat"},
    "y": {"Y", "Y-coördinaat"},
    "kind": {"Type", "Soort", "soort"},
    "diameter": {"Diameter", "DN", "diameter"},
    "outcome": {"Resultaat", "Uitslag", "Status", "status"},
    "defects": {"Gebrek", "Vaststelling", "vaststelling"},
    "again": {"Herkeuring", "herkeuring"},
    "revised": {"Gewijzigd op", "Laatst gewijzigd", "gewijzigd_op"},
    "remark": {"Opmerking", "Opm.", "opmerking"},
    "source": {"bron"},
}
OUTCOMES = {
    "ok": {"goedgekeurd", "in orde", "ok", "o.k.", "V", "werkbaar"},
    "failed": {"afgekeurd", "niet in orde", "x", "defect", "niet werkbaar"},
    "not_found": {"niet gevonden", "niet vindbaar", "onvindbaar"},
    "not_testable": {"niet controleerbaar", "n.v.t.", "auto op deksel"},
    "repaired": {"hersteld", "herstelling uitgevoerd"},
}
LETTERS = {"BH": "A", "OH": "U", "bovengronds": "A", "ondergronds": "U"}
LETTERS |= {"bovengrondse hydrant": "A", "ondergrondse hydrant": "U"}


# -- a reader of its own -----------------------------------------------------------------------


def _named(header: list[str], cells: list[Any]) -> dict[str, Any]:
    by_header = {name: field for field, names in FIELDS.items() for name in names}
    return {by_header[name]: cell for name, cell in zip(header, cells, strict=True)}


def _rows_of(path: Path) -> Iterator[tuple[str, int, dict[str, Any]]]:
    """Sheet, row number and cells of every row that is neither heading nor blank."""
    if path.suffix == ".xlsx":
        sheet = openpyxl.load_workbook(path, read_only=True)["Controle"]
        rows = [list(row) for row in sheet.iter_rows(values_only=True)]
        header = [str(name) for name in rows[3]]
        for number, cells in enumerate(rows[4:], start=5):
            if any(cell is not None for cell in cells):
                yield "Controle", number, _named(header, cells)
    elif path.suffix == ".csv":
        encoding = "utf-8-sig" if "westlandia" in path.parts else "cp1252"
        with path.open(encoding=encoding, newline="") as file:
            reader = csv.reader(file, delimiter=";", strict=True)
            assert next(reader)[0] == "VERZONNEN DEMOGEGEVENS"
            header = next(reader)
            for cells in reader:
                yield "", reader.line_num, _named(header, [cell or None for cell in cells])
    elif path.suffix == ".gpkg":
        crs = pyogrio.read_info(path, layer="controles")["crs"]
        _, fids, geometry, columns = pyogrio.raw.read(path, layer="controles", return_fids=True)
        header = list(pyogrio.read_info(path, layer="controles")["fields"])
        for at, fid in enumerate(fids):
            cells = _named(header, [column[at] for column in columns])
            point = None if geometry[at] is None else np.frombuffer(geometry[at][5:21], dtype="<f8")
            x, y = (None, None) if point is None else (float(point[0]), float(point[1]))
            yield "controles", int(fid), {**cells, "x": x, "y": y, "crs": crs}
    else:
        features = json.loads(path.read_text(encoding="utf-8"))["features"]
        for number, feature in enumerate(features, start=1):
            cells = _named(list(feature["properties"]), list(feature["properties"].values()))
            x, y = (feature["geometry"] or {"coordinates": (None, None)})["coordinates"]
            yield "", number, {**cells, "x": x, "y": y, "crs": "EPSG:4326"}


def _l72(x: Any, y: Any) -> tuple[float, float]:
    """Lambert 72 of coordinates in any of three CRSs and either order, told by their size; NaN for none."""
    try:
        a, b = (float(str(value).replace(",", ".")) for value in (x, y))
    except ValueError:
        return np.nan, np.nan
    a, b = min(a, b), max(a, b)
    if b < 60:
        return _TO_L72["EPSG:4326"].transform(a, b)
    return (a, b) if b < 400_000 else _TO_L72["EPSG:3812"].transform(a, b)


_TO_L72 = {crs: Transformer.from_crs(crs, "EPSG:31370", always_xy=True) for crs in ("EPSG:4326", "EPSG:3812")}


def _day(value: Any) -> date | None:
    if isinstance(value, datetime):
        return value.date()
    for pattern in ("%d/%m/%Y", "%Y-%m-%d"):
        try:
            return datetime.strptime(str(value), pattern).date()  # noqa: DTZ007
        except ValueError:
            pass
    return None


def _moment(value: Any) -> datetime:
    if isinstance(value, datetime):
        return value
    pattern = "%d/%m/%Y %H:%M" if "/" in value else "%Y-%m-%d %H:%M"
    return datetime.strptime(value, pattern)  # noqa: DTZ007


@dataclass(frozen=True)
class World:
    """A demo folder, and everything in it as its files have it."""

    directory: Path
    counts: demo.DemoCounts
    rows: pd.DataFrame  # one per data row: file, sheet, row, the fields, x_l72, y_l72
    truth: pd.DataFrame
    register: pd.DataFrame  # hydrant_id, number, kind, x_l72, y_l72
    addresses: pd.DataFrame

    @property
    def linked(self) -> pd.DataFrame:
        """The rows that the truth links, with hydrant_id."""
        both = self.rows.merge(self.truth, on=["file", "sheet", "row"], validate="1:1")
        return both[both["hydrant_id"] != ""]


def _open(directory: Path, counts: demo.DemoCounts, addresses: Path | None = None) -> World:
    uploads = directory / "uploads"
    found = [
        {"file": path.relative_to(uploads).as_posix(), "sheet": sheet, "row": row, **cells}
        for path in sorted(uploads.rglob("*.*"))
        for sheet, row, cells in _rows_of(path)
    ]
    rows = pd.DataFrame(found).astype(object)
    rows = rows.where(rows.notna(), None)
    points = [_l72(x, y) for x, y in zip(rows["x"], rows["y"], strict=True)]
    rows[["x_l72", "y_l72"]] = np.array(points)
    rows["day"] = pd.Series([_day(value) for value in rows["date"]], dtype=object)
    words = {word: outcome for outcome, spellings in OUTCOMES.items() for word in spellings}
    rows["outcome"] = pd.Series([words.get(value) for value in rows["outcome"]], dtype=object)
    rows["kind"] = pd.Series([LETTERS.get(value) for value in rows["kind"]], dtype=object)
    rows["number"] = pd.Series([v if v is None else str(v) for v in rows["number"]], dtype=object)
    truth = pd.read_csv(directory / "truth.csv", keep_default_na=False)
    return World(
        directory,
        counts,
        rows,
        truth,
        _register(directory),
        address_file.read(addresses or directory / "addresses.csv"),
    )


def _register(directory: Path) -> pd.DataFrame:
    numbered = pd.read_csv(
        directory / "registers/dewatergroep/brandkranen_2019-01-01.csv", sep=";", dtype=str
    )
    numbered = pd.DataFrame(
        {
            "hydrant_id": "DWG-" + numbered["G3E_FID"],
            "number": numbered["G3E_FID"],
            "kind": numbered["SOORT"].map({"Bovengronds": "A", "Ondergronds": "U"}),
            "x_l72": numbered["X"].astype(float),
            "y_l72": numbered["Y"].astype(float),
        }
    )
    points = pyogrio.read_dataframe(directory / "registers/aquaduin/brandkranen_2019-01-01.gpkg").geometry
    ids = [f"AQD-{round(x * 10)}-{round(y * 10)}" for x, y in zip(points.x, points.y, strict=True)]
    bare = pd.DataFrame(
        {"hydrant_id": ids, "number": None, "kind": None, "x_l72": points.x, "y_l72": points.y}
    )
    return pd.concat([numbered, bare.astype({"number": object, "kind": object})], ignore_index=True)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> World:
    directory = tmp_path_factory.mktemp("small")
    return _open(directory, demo.write(directory, scale=SMALL))


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> World:
    directory = tmp_path_factory.mktemp("full")
    return _open(directory, demo.write(directory))


# -- the promise -------------------------------------------------------------------------------


def _totals(world: World, prefix: str) -> dict[str, int]:
    """The campaign's figures by its rule, from the files and the links of the truth alone."""
    rows = world.linked[world.linked["why"] == ""].copy()
    rows["batch"] = rows["file"].str.rsplit("/", n=1).str[0]
    rows["moment"] = [_moment(value) for value in rows["revised"]]
    rows = rows[rows["moment"] == rows.groupby(["batch", "ref"])["moment"].transform("max")]
    verdicts: dict[str, dict[date, set[str]]] = {}
    for hydrant_id, day, outcome in zip(rows["hydrant_id"], rows["day"], rows["outcome"], strict=True):
        if hydrant_id.startswith(prefix) and outcome in ("ok", "failed", "not_found"):
            verdicts.setdefault(hydrant_id, {}).setdefault(day, set()).add(outcome)
    last = [by_day[max(by_day)] for by_day in verdicts.values()]
    registered = int(world.register["hydrant_id"].str.startswith(prefix).sum())
    failed = sum(outcomes != {"ok"} for outcomes in last)
    return {
        "registered": registered,
        "checked": len(last),
        "failed": failed,
        "remaining": registered - len(last),
    }


def test_totals_of_de_watergroep(full: World) -> None:
    expected = {"registered": 15_916, "checked": 11_515, "failed": 2_889, "remaining": 4_401}
    assert _totals(full, "DWG-") == expected
    assert {name: getattr(full.counts, name)["dewatergroep"] for name in expected} == expected


def test_totals_of_a_small_world(small: World) -> None:
    assert _totals(small, "DWG-") == {"registered": 796, "checked": 576, "failed": 144, "remaining": 220}
    aquaduin = {
        name: getattr(small.counts, name)["aquaduin"]
        for name in ("registered", "checked", "failed", "remaining")
    }
    assert _totals(small, "AQD-") == aquaduin
    assert aquaduin["registered"] == 260
    assert 0 < aquaduin["failed"] < aquaduin["checked"]


def test_poperinge_and_the_scopes(full: World) -> None:
    areas = pyogrio.read_dataframe(full.directory / "boundaries.geojson").to_crs(31370).set_index("nis")
    register = full.register[full.register["hydrant_id"].str.startswith("DWG-")]
    inside = pyogrio.read_dataframe(full.directory / "boundaries.geojson").to_crs(31370)
    assert sorted(inside["nis"]) == sorted(reference.gemeenten())
    points = pd.Series(list(zip(register["x_l72"], register["y_l72"], strict=True)))
    import shapely

    xy = np.array(points.tolist())
    counts = {nis: int(shapely.contains_xy(polygon, xy).sum()) for nis, polygon in areas.geometry.items()}
    contracted = {row.nis for row in reference.contracts() if row.operator == "dewatergroep"}
    assert counts["33021"] == 1_788
    assert sum(counts.values()) == 15_916
    assert {nis for nis, count in counts.items() if count} == contracted
    for operator in ("dewatergroep", "aquaduin"):
        sidecar = yaml.safe_load(
            (full.directory / f"registers/{operator}/brandkranen_2019-01-01.yml").read_text()
        )
        assert sidecar["exported_on"] == date(2019, 1, 1)
        assert sidecar["scope"] == sorted(
            row.nis for row in reference.contracts() if row.operator == operator
        )


def test_spacing(full: World, small: World) -> None:
    for world in (full, small):
        xy = world.register[["x_l72", "y_l72"]].sort_values("x_l72").to_numpy()
        nearest = np.full(len(xy), np.inf)
        for ahead in range(
            1, len(xy)
        ):  # compare with the next ones from west to east, until all are too far east
            step = xy[ahead:] - xy[:-ahead]
            if step[:, 0].min() > 25:
                break
            distance = np.hypot(*step.T)
            nearest[ahead:] = np.minimum(nearest[ahead:], distance)
            nearest[:-ahead] = np.minimum(nearest[:-ahead], distance)
        assert nearest.min() >= 8.0
        assert 0.35 < (nearest < 25).mean() < 0.9


def _address_points(world: World) -> dict[tuple[str, str, str], list[tuple[float, float]]]:
    result: dict[tuple[str, str, str], list[tuple[float, float]]] = {}
    for row in world.addresses.itertuples():
        result.setdefault((row.nis, row.street.lower(), str(row.house_number).lower()), []).append(
            (row.x_l72, row.y_l72)
        )
    return result


def _house(text: str | None) -> tuple[str, str] | None:
    """Street and number of an address as the demo's crews write it."""
    for pattern in (
        r"thv nr (?P<number>\w+) (?P<street>.+)",
        r"(?P<street>.+?) (t\.o\. )?(?P<number>\d+\w?)",
    ):
        match = re.fullmatch(pattern, text or "")
        if match:
            street = re.sub(r"str\.$", "straat", match["street"])
            return re.sub(r"ln\.$", "laan", street).lower(), match["number"].lower()
    return None


def _unresolved(world: World) -> list[str]:
    """The linked rows that no careful person could resolve, found by looking at every hydrant for each."""
    register = world.register
    at = {hydrant_id: number for number, hydrant_id in enumerate(register["hydrant_id"])}
    xy = register[["x_l72", "y_l72"]].to_numpy()
    numbers, kinds = register["number"].tolist(), register["kind"].to_numpy()
    points = _address_points(world)
    bad = []
    for row in world.linked.itertuples():
        true = at[row.hydrant_id]
        distance = np.hypot(xy[:, 0] - row.x_l72, xy[:, 1] - row.y_l72)
        others = np.delete(np.arange(len(xy)), true)
        house = points.get((row.file.split("/")[1], *(_house(row.address) or ("", ""))), [])
        from_house = np.hypot(*(xy - house[0]).T) if len(house) == 1 else np.full(len(xy), np.nan)
        is_clear_house = from_house[true] <= 15 and from_house[others].min() >= from_house[true] + 40
        has_point = bool(np.isfinite(row.x_l72))

        def looks_alike(near: Any, written: str = row.number, true: int = true) -> bool:
            found = [numbers[n] for n in np.flatnonzero(near) if n != true and numbers[n] is not None]
            return any(OSA.distance(written, number) <= 1 for number in found)

        good = False
        if row.number is not None and row.number == numbers[true]:
            good = True
        elif (
            row.number is not None
            and numbers[true] is not None
            and OSA.distance(row.number, numbers[true]) == 1
        ):
            taken = numbers.index(row.number) if row.number in numbers else None
            if has_point and distance[true] <= 12.05:
                good = not looks_alike(distance <= 60) and (taken is None or distance[taken] > 60)
            elif has_point:
                good = is_clear_house
            else:
                good = from_house[true] <= 25.05 and not looks_alike(from_house <= 200)
        elif row.number is None and has_point and distance[true] <= 12.05:
            gap = distance[others] - distance[true]
            differs = np.array([kind not in (None, row.kind) for kind in kinds[others]]) & (
                row.kind is not None
            )
            differs &= distance[true] <= 8.05
            good = bool(np.all((gap >= 11.95) | (differs & (gap >= 4.95))))
        elif row.number is None:
            good = is_clear_house and (not has_point or distance[true] > 119.9)
        if not good:
            bad.append(f"{row.file} {row.row} -> {row.hydrant_id}")
    return bad


def test_every_linked_row_can_be_resolved_by_a_careful_person(small: World) -> None:
    assert len(small.linked) > 700
    assert _unresolved(small) == []


def test_another_seed_keeps_the_promise_too(tmp_path: Path) -> None:
    world = _open(tmp_path, demo.write(tmp_path, seed=7, scale=0.02))
    assert _unresolved(world) == []
    assert _totals(world, "DWG-") == {"registered": 318, "checked": 230, "failed": 58, "remaining": 88}


def test_real_boundaries_and_addresses(tmp_path: Path) -> None:
    boundaries, addresses = SHARED / "westhoek_18_statbel.geojson", SHARED / "crab_westhoek_2014-10.csv"
    if not (boundaries.is_file() and addresses.is_file()):
        pytest.skip("no ../shared/data here: the demo in the real Westhoek is left out")
    counts = demo.write(tmp_path, scale=0.02, boundaries=boundaries, addresses=addresses)
    world = _open(tmp_path, counts, addresses)
    assert _totals(world, "DWG-") == {"registered": 318, "checked": 230, "failed": 58, "remaining": 88}
    assert _unresolved(world) == []
    assert not (tmp_path / "boundaries.geojson").exists()
    assert not (tmp_path / "addresses.csv").exists()
    assert f"HYDRANTS_ADDRESSES={addresses.resolve()}" in (tmp_path / "demo.env").read_text()


# -- the truth and the dirt --------------------------------------------------------------------


def test_truth_lists_every_data_row(full: World, small: World) -> None:
    for world in (full, small):
        keys = ["file", "sheet", "row"]
        written = world.rows[keys].astype({"row": int}).sort_values(keys).reset_index(drop=True)
        listed = world.truth[keys].sort_values(keys).reset_index(drop=True)
        pd.testing.assert_frame_equal(written, listed, check_dtype=False)
        assert set(world.truth["bron"]) == {"verzonnen demogegevens"}
        known = set(world.register["hydrant_id"]) | {""}
        assert set(world.truth["hydrant_id"]) <= known


def test_rows_that_nobody_can_resolve(full: World) -> None:
    rows = full.rows.merge(full.truth, on=["file", "sheet", "row"], validate="1:1")
    vague = rows[rows["why"] == "ambiguous"]
    xy = full.register[["x_l72", "y_l72"]].to_numpy()
    assert 40 <= len(vague) <= 150
    assert vague["number"].isna().all()
    between = vague[np.isfinite(vague["x_l72"].astype(float))]
    assert len(between) >= 20
    exact = full.linked[full.linked["number"].notna()].groupby(["file", "hydrant_id"])["outcome"].agg(set)
    for row in between.itertuples():
        distance = np.hypot(xy[:, 0] - row.x_l72, xy[:, 1] - row.y_l72)
        first, second, third = np.argsort(distance)[:3]
        assert distance[second] - distance[first] < 1.5
        assert distance[second] <= 13.5
        assert distance[third] - distance[second] > 14.9
        for hydrant in (first, second):
            assert exact[row.file, full.register["hydrant_id"][hydrant]] == {row.outcome}
    addresses = vague[~np.isfinite(vague["x_l72"].astype(float))]["address"]
    assert len(addresses) >= 10
    assert not any(_house(text) for text in addresses)


def test_hydrants_outside_the_register_are_far_from_those_in_it(full: World) -> None:
    rows = full.rows.merge(full.truth, on=["file", "sheet", "row"], validate="1:1")
    rows = rows[rows["why"] == "not in the register"]
    xy = full.register[["x_l72", "y_l72"]].to_numpy()
    assert 100 <= len(rows) <= 260
    nearest = [np.hypot(xy[:, 0] - row.x_l72, xy[:, 1] - row.y_l72).min() for row in rows.itertuples()]
    assert min(nearest) >= 79.9
    assert not any(_house(text) for text in rows["address"])
    numbers = set(rows["number"].dropna())
    assert numbers
    known = full.register["number"].dropna().tolist()
    assert min(OSA.distance(written, number) for written in numbers for number in known) >= 2


REFUSALS = {
    "SUMMARY_ROW": 50,
    "DATE_MISSING": 5,
    "DATE_UNREADABLE": 5,
    "DATE_IN_FUTURE": 5,
    "DATE_BEFORE_CAMPAIGN": 5,
    "OUTCOME_MISSING": 5,
    "OUTCOME_UNKNOWN": 5,
    "NUMBER_UNREADABLE": 5,
    "ID_MANGLED": 5,
    "GEMEENTE_UNKNOWN": 2,
    "NOTHING_TO_GO_ON": 5,
}


def test_rows_to_be_refused_have_what_they_are_refused_for(full: World) -> None:
    rows = full.rows.merge(full.truth, on=["file", "sheet", "row"], validate="1:1")
    refused = rows[rows["why"].str.startswith("refused: ")].copy()
    refused["code"] = refused["why"].str.removeprefix("refused: ")
    counts = refused["code"].value_counts().to_dict()
    assert set(counts) == set(REFUSALS)
    assert {code: count for code, count in counts.items() if count < REFUSALS[code]} == {}
    for row in refused.itertuples():
        has_place = np.isfinite(row.x_l72) or row.address is not None or row.number is not None
        problems = {
            "SUMMARY_ROW": row.ref == "Totaal",
            "DATE_MISSING": row.date is None and row.ref != "Totaal",
            "DATE_UNREADABLE": row.date is not None and row.day is None and row.ref != "Totaal",
            "DATE_IN_FUTURE": row.day is not None and row.day > date(2030, 1, 1),
            "DATE_BEFORE_CAMPAIGN": row.day is not None and row.day < date(2019, 1, 1),
            "OUTCOME_UNKNOWN": None,
            "OUTCOME_MISSING": None,
            "NUMBER_UNREADABLE": row.x == "zie plan",
            "ID_MANGLED": row.number == "1.2E+15",
            "GEMEENTE_UNKNOWN": row.gemeente
            not in (None, *(g.name_nl for g in reference.gemeenten().values())),
            "NOTHING_TO_GO_ON": not has_place and row.ref != "Totaal",
        }
        assert problems[row.code] in (True, None), (row.file, row.row, row.code)
        found = {code for code, is_so in problems.items() if is_so}
        assert found <= {row.code}, (row.file, row.row, row.code, found)
        if row.code != "SUMMARY_ROW":
            assert (row.outcome is None) == row.code.startswith("OUTCOME_")


def test_no_other_row_has_reason_to_be_refused(full: World) -> None:
    rows = full.rows.merge(full.truth, on=["file", "sheet", "row"], validate="1:1")
    rows = rows[~rows["why"].str.startswith(("refused: ", "same bytes"))]
    assert rows["outcome"].notna().all()
    assert rows["day"].map(lambda day: day is not None and day.year == 2019).all()
    has_place = np.isfinite(rows["x_l72"].astype(float)) | rows["address"].notna() | rows["number"].notna()
    assert has_place.all()
    assert rows["ref"].notna().all()


def test_shares_of_the_dirt(full: World) -> None:
    register = full.register.set_index("hydrant_id")
    linked = full.linked[full.linked["why"] == ""]
    linked = linked.join(register, on="hydrant_id", rsuffix="_true")
    west = linked[linked["file"].str.startswith("westlandia")]
    inter = linked[linked["file"].str.startswith("interwest")]
    is_typo = west["number"].notna() & (west["number"] != west["number_true"])
    assert is_typo.mean() == pytest.approx(0.10, abs=0.015)
    assert west["number"].isna().mean() == pytest.approx(0.20, abs=0.015)
    assert inter["number"].notna().mean() < 0.01
    distance = np.hypot(
        linked["x_l72"] - linked["x_l72_true"], linked["y_l72"] - linked["y_l72_true"]
    ).astype(float)
    located = distance[np.isfinite(distance)]
    assert (located > 30).mean() == pytest.approx(0.02, abs=0.005)
    assert located.max() < 301
    honest = located[located < 20]
    assert np.sqrt((honest**2).mean() / 2) == pytest.approx(4.0, abs=0.25)
    assert 0.01 < distance.isna().mean() < 0.05
    taken = west["number"][is_typo].isin(set(register["number"].dropna()))
    assert 0.05 < taken.mean() < 0.25
    x, y = (
        pd.to_numeric(linked[name].map(lambda v: str(v).replace(",", ".")), errors="coerce") for name in "xy"
    )
    assert (x > y).mean() == pytest.approx(0.01, abs=0.005)
    assert ((x.clip(upper=y) > 400_000).groupby(linked["file"]).mean() > 0.9).sum() >= 3
    forms = linked["address"].fillna("")
    for form in (" t.o. ", "thv nr ", "str. "):
        assert forms.str.contains(form, regex=False).sum() > 300
    again = linked.groupby("hydrant_id")["day"].transform("nunique") > 1
    assert (linked["again"] == "ja").mean() == pytest.approx(0.035, abs=0.015)
    assert again[linked["again"] == "ja"].mean() > 0.99


def test_repeats_copies_and_corrections(full: World) -> None:
    fields = [name for name in FIELDS if name in full.rows.columns and name not in ("source",)]
    texts = full.linked.assign(batch=full.linked["file"].str.rsplit("/", n=1).str[0])
    texts["text"] = ["|".join(map(str, cells)) for cells in texts[fields].itertuples(index=False)]
    repeats = texts[texts["why"] == "duplicate"]
    originals = texts[texts["why"] == ""]
    assert len(repeats) > 100
    first = originals.groupby(["batch", "text"])["file"].min()
    assert not originals.duplicated(["batch", "text"]).any()
    for row in repeats.itertuples():
        assert first[row.batch, row.text] < row.file
    versions = originals.groupby(["batch", "ref"]).agg(
        count=("text", "size"), hydrants=("hydrant_id", "nunique")
    )
    assert (versions["count"] > 1).sum() > 100
    assert versions["hydrants"].max() == 1
    copies = full.truth[full.truth["why"].str.startswith("same bytes as ")]
    assert (copies["hydrant_id"] == "").all()
    assert copies["file"].nunique() >= 3
    for name, why in copies[["file", "why"]].drop_duplicates().itertuples(index=False):
        original = full.directory / "uploads" / why.removeprefix("same bytes as ")
        assert original.read_bytes() == (full.directory / "uploads" / name).read_bytes()
        assert original.relative_to(full.directory / "uploads").as_posix() < name


def test_each_firm_finds_hydrants_of_the_other(full: World) -> None:
    linked = full.linked.assign(
        firm=full.linked["file"].str.split("/").str[0], nis=full.linked["file"].str.split("/").str[1]
    )
    is_other = (linked["firm"] == "westlandia") != linked["hydrant_id"].str.startswith("DWG-")
    assert 4 <= is_other.sum() <= 40
    assert set(linked["firm"][is_other]) == {"westlandia", "interwest"}
    assert set(linked["nis"][is_other]) <= {"32003", "38002"}


def test_files_per_batch(full: World) -> None:
    files = full.truth.drop_duplicates("file")["file"]
    batches = {(row.contractor, row.nis) for row in reference.contracts()}
    per_batch = files[~files.str.contains("_nogmaals")].str.rsplit("/", n=1).str[0].value_counts()
    assert set(per_batch.index) == {f"{contractor}/{nis}" for contractor, nis in batches}
    assert per_batch.between(6, 12).all()
    suffixes = files.groupby([files.str.split("/").str[0], files.str.rsplit(".").str[-1]]).size()
    assert set(suffixes.index) == {
        ("westlandia", "xlsx"),
        ("westlandia", "csv"),
        ("interwest", "csv"),
        ("interwest", "gpkg"),
        ("interwest", "geojson"),
    }


# -- the folder --------------------------------------------------------------------------------


def _hashes(directory: Path) -> dict[str, str]:
    files = (path for path in directory.rglob("*") if path.is_file() and path.name != "demo.env")
    return {
        path.relative_to(directory).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }


def test_same_seed_same_bytes(tmp_path: Path) -> None:
    demo.write(tmp_path / "again", scale=0.004)
    demo.write(tmp_path / "first", scale=0.004)
    first = _hashes(tmp_path / "first")
    assert len(first) > 60
    assert {Path(name).suffix for name in first} >= {".xlsx", ".csv", ".gpkg", ".geojson", ".yml", ".txt"}
    assert _hashes(tmp_path / "again") == first
    demo.write(tmp_path / "other", scale=0.004, seed=2020)
    other = _hashes(tmp_path / "other")
    same = {name for name in first if other.get(name) == first[name]}
    assert same <= {"boundaries.geojson", *(name for name in first if name.endswith(".yml"))}


def test_every_file_says_that_it_is_made_up(small: World) -> None:
    silent = []
    for path in small.directory.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            if path.suffix == ".xlsx":
                with zipfile.ZipFile(path) as archive:
                    content = b"".join(
                        archive.read(name) for name in archive.namelist() if name.startswith("xl/")
                    )
            if b"VERZONNEN DEMOGEGEVENS" not in content.upper():
                silent.append(path.name)
    assert silent == []
    assert "Aquaduin, en alles wat daaruit volgt, is verzonnen" in (
        small.directory / "LEESMIJ.txt"
    ).read_text("utf-8")


def test_best_columns(small: World) -> None:
    with (small.directory / "addresses.csv").open(encoding="utf-8") as file:
        header, first = next(file).rstrip("\n"), next(file).rstrip("\n")
    assert header == (
        "EPSG:31370_x,EPSG:31370_y,EPSG:4326_lat,EPSG:4326_lon,address_id,box_number,house_number,"
        "municipality_id,municipality_name_de,municipality_name_fr,municipality_name_nl,"
        "postcode,postname_fr,postname_nl,street_id,streetname_de,streetname_fr,streetname_nl,"
        "region_code,status,bron"
    )
    assert first.endswith(",BE-VLG,current,verzonnen demogegevens")
    frame = pd.read_csv(small.directory / "addresses.csv", dtype=str, keep_default_na=False)
    missing = (frame["EPSG:31370_x"] == "0.00000").mean()
    assert 0.005 < missing < 0.03
    streets = frame[["municipality_id", "postcode", "street_id", "streetname_nl"]].drop_duplicates()
    assert not streets.duplicated(["municipality_id", "postcode", "streetname_nl"]).any()
    assert streets.groupby("streetname_nl")["municipality_id"].nunique().max() >= 8


def test_demo_env_points_into_the_folder(small: World) -> None:
    lines = (small.directory / "demo.env").read_text().splitlines()
    values = dict(line.split("=", 1) for line in lines if not line.startswith("#"))
    names = (
        *("DATABASE_URL", "ACCOUNTS_URL", "UPLOADS", "REGISTERS", "LANDING", "PHOTOS", "SITE"),
        *("BOUNDARIES", "ADDRESSES"),
    )
    assert set(values) == {f"HYDRANTS_{name}" for name in names}
    assert values["HYDRANTS_DATABASE_URL"].startswith("sqlite:///")
    assert all(str(small.directory) in value for value in values.values())


def test_progress_says_what_is_invented(tmp_path: Path) -> None:
    lines: list[str] = []
    counts = demo.write(tmp_path, scale=0.002, report=lines.append)
    assert any("Aquaduin" in line and "invented" in line for line in lines)
    assert json.loads(json.dumps(asdict(counts)))["registered"] == {"dewatergroep": 32, "aquaduin": 10}


def test_an_earlier_demo_is_replaced_and_nothing_else(tmp_path: Path) -> None:
    demo.write(tmp_path, scale=0.006, seed=1)
    before = _hashes(tmp_path / "uploads")
    own = tmp_path / "uploads" / "westlandia" / "33021" / "eigen.csv"
    own.write_text("van iemand anders")
    demo.write(tmp_path, scale=0.004, seed=1)
    after = _hashes(tmp_path / "uploads")
    assert own.is_file()
    listed = set(pd.read_csv(tmp_path / "truth.csv")["file"])
    assert set(after) == listed | {"westlandia/33021/eigen.csv"}
    assert before != after


def test_uploads_of_something_else_are_left_alone(tmp_path: Path) -> None:
    own = tmp_path / "uploads" / "westlandia" / "33021" / "2019-03_controle.xlsx"
    own.parent.mkdir(parents=True)
    own.write_text("echt")
    with pytest.raises(HydrantsError, match="not of a demo world"):
        demo.write(tmp_path, scale=0.01)
    assert own.read_text() == "echt"


def test_a_scale_that_makes_no_sense(tmp_path: Path) -> None:
    with pytest.raises(HydrantsError, match="above 0"):
        demo.write(tmp_path, scale=0)


# -- its own tools -----------------------------------------------------------------------------

SEVEN_DIGITS = st.integers(1_000_000, 9_999_999)


@given(SEVEN_DIGITS, SEVEN_DIGITS)
def test_one_edit_is_an_edit_distance_of_one(written: int, valid: int) -> None:
    found = evidence.is_one_edit(np.array([written]), np.array([valid]))[0]
    assert found == (OSA.distance(str(written), str(valid)) == 1)


@given(SEVEN_DIGITS, st.integers(0, 2**32))
def test_a_typo_is_one_edit_without_a_leading_zero(valid: int, seed: int) -> None:
    written = dirt.mistype(np.full(20, valid), np.random.default_rng(seed))
    assert {OSA.distance(str(number), str(valid)) for number in written} == {1}
    assert evidence.is_one_edit(written, np.full(20, valid)).all()
    assert set(map(len, map(str, written))) <= {6, 7}


@given(st.lists(st.integers(1, 5_000), min_size=1, max_size=20), st.integers(0, 100_000))
def test_proportional_shares_add_up(weights: list[int], total: int) -> None:
    shares = proportional(np.array(weights), total)
    assert shares.sum() == total
    assert np.all(np.abs(shares - np.array(weights) * total / sum(weights)) < 1)
