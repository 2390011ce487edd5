"""A world small enough to check by hand, worked through whole nights, with changes in between."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import sqlalchemy as sa

from hydrants import evaluation, night, publishing, reference, register, review, store
from hydrants.settings import Settings
from tests.batches import as_csv, good, send
from tests.receipt_world import document_of

# Poperinge and Wervik as squares of 4 km, far apart; hydrants A and B 10 m apart, C alone, D in Wervik.
SQUARES = {"33021": (30_000, 170_000), "33029": (50_000, 160_000)}
HYDRANTS = {
    "1111111": (31_000.0, 171_000.0),
    "2222222": (31_010.0, 171_000.0),
    "3333333": (32_000.0, 172_000.0),
    "3333334": (51_000.0, 161_000.0),
}


def place(x: float, y: float) -> dict[str, str]:
    return {"X": f"{x:.1f}".replace(".", ","), "Y": f"{y:.1f}".replace(".", ",")}


def seen(number: int, ref: str, at: tuple[float, float], **changes: str) -> dict[str, str]:
    """A row of Westlandia: a hydrant in order, unless the changes say otherwise."""
    row = good(number, **{"Straat_en_nr": "", "Type": "", "Diameter": "", **changes})
    return {**row, "Nr. brandkraan": ref, **place(*at)}


def export(path: Path, numbers: list[str]) -> Path:
    """A register export of De Watergroep."""
    lines = ["G3E_FID;NOMINALE_D;SOORT;X;Y;STR_NAMEN;LEIDING_D;CREATE_DAT"]
    lines += [f"{n};80;Ondergronds;{HYDRANTS[n][0]};{HYDRANTS[n][1]};;100;01/01/2000" for n in numbers]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def here(engine: sa.Engine, settings: Settings) -> Settings:
    """Boundaries, addresses (none) and a register of four hydrants."""
    squares = [
        {
            "type": "Feature",
            "properties": {"nis": nis},
            "geometry": {
                "type": "Polygon",
                "coordinates": [
                    [[x + dx, y + dy] for dx, dy in ((0, 0), (4e3, 0), (4e3, 4e3), (0, 4e3), (0, 0))]
                ],
            },
        }
        for nis, (x, y) in SQUARES.items()
    ]
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::31370"}}
    text = json.dumps({"type": "FeatureCollection", "crs": crs, "features": squares})
    settings.boundaries.write_text(text, encoding="utf-8")
    settings.addresses.write_text(
        "EPSG:31370_x,EPSG:31370_y,EPSG:4326_lat,EPSG:4326_lon,address_id,box_number,house_number,"
        "municipality_id,municipality_name_de,municipality_name_fr,municipality_name_nl,postcode,postname_fr,"
        "postname_nl,street_id,streetname_de,streetname_fr,streetname_nl,region_code,status\n",
        encoding="utf-8",
    )
    path = export(settings.registers.parent / "brandkranen.csv", list(HYDRANTS))
    register.load(engine, settings, "dewatergroep", path, exported_on=date(2019, 1, 1), scope=list(SQUARES))
    return settings


def links(engine: sa.Engine) -> dict[str, Any]:
    """hydrant_id, or the verdict where there is none, of each row by `file row`."""
    with store.read(engine) as connection:
        rows = evaluation.listed_rows(connection)
    return {
        f"{row.file.split('/')[-1]} {row.row}": row.hydrant_id
        if isinstance(row.hydrant_id, str)
        else row.verdict
        for row in rows.itertuples()
        if row.disposition == "accepted"
    }


def figures(engine: sa.Engine, nis: str = "33021", snapshot_id: int | None = None) -> tuple[int, ...]:
    """registered, checked, failed, remaining."""
    with store.read(engine) as connection:
        lines = publishing.progress(connection, snapshot_id)
    line = next(line for line in lines if line["nis"] == nis)
    return line["registered"], line["checked"], line["failed"], line["remaining"]


def test_what_each_row_comes_to(engine: sa.Engine, here: Settings) -> None:
    rows = [
        seen(1, "1111111", (31_001, 171_001)),
        seen(2, "", (31_005, 171_000)),  # midway, but A is taken by the row above
        seen(3, "3333343", (32_002, 172_000), Resultaat="afgekeurd"),
        seen(4, "", (33_500, 173_500)),
        seen(5, "1111111", (31_000, 171_000), Datum="31/12/2018"),
    ]
    send(here, "a.csv", as_csv(rows))
    night.whole_night(engine, here)
    assert links(engine) == {
        "a.csv 3": "DWG-1111111",
        "a.csv 4": "DWG-2222222",
        "a.csv 5": "DWG-3333333",
        "a.csv 6": "new",
    }
    assert figures(engine) == (3, 3, 1, 0)
    assert figures(engine, "33029") == (1, 0, 0, 1)


def test_a_number_of_another_gemeente_is_no_slip(engine: sa.Engine, here: Settings) -> None:
    # 3333334 stands in Wervik; its number is one slip from C in Poperinge, in whose folder the row came
    send(
        here, "a.csv", as_csv([seen(1, "3333334", (51_001, 161_001)), seen(2, "3333334", (33_000, 173_000))])
    )
    night.whole_night(engine, here)
    assert links(engine) == {"a.csv 3": "DWG-3333334", "a.csv 4": "review"}


def test_a_decision_follows_its_row_under_another_file_name(
    engine: sa.Engine, here: Settings, tmp_path: Path
) -> None:
    doubtful = seen(1, "", (31_005, 171_000))
    send(here, "b.csv", as_csv([doubtful]))
    night.whole_night(engine, here)
    assert links(engine) == {"b.csv 3": "review"}

    review.export(engine, tmp_path / "uit.xlsx")
    workbook = openpyxl.load_workbook(tmp_path / "uit.xlsx")
    sheet = workbook.worksheets[0]
    column = next(cell.column for cell in sheet[1] if cell.value == "Beslissing")
    sheet.cell(2, column).value = "DWG-2222222"
    workbook.save(tmp_path / "in.xlsx")
    review.import_(engine, here.landing, tmp_path / "in.xlsx")
    night.whole_night(engine, here)
    assert links(engine) == {"b.csv 3": "DWG-2222222"}

    send(here, "a.csv", as_csv([doubtful, seen(2, "3333333", (32_000, 172_000))]))
    night.whole_night(engine, here)
    assert links(engine) == {"a.csv 3": "DWG-2222222", "a.csv 4": "DWG-3333333"}
    assert review.export(engine, tmp_path / "rest.xlsx") == 0


def test_a_correction_on_a_later_night_counts_and_the_old_snapshot_stays(
    engine: sa.Engine, here: Settings
) -> None:
    send(here, "a.csv", as_csv([seen(1, "1111111", (31_000, 171_000), Resultaat="afgekeurd")]))
    first = night.whole_night(engine, here)["snapshot_id"]
    assert figures(engine) == (3, 1, 1, 2)
    revised = seen(1, "1111111", (31_000, 171_000), Gewijzigd_op="2019-03-20 09:00")
    send(here, "b.csv", as_csv([revised]))
    night.whole_night(engine, here)
    assert figures(engine) == (3, 1, 0, 2)
    assert figures(engine, snapshot_id=first) == (3, 1, 1, 2)


def test_a_hydrant_taken_from_the_register_is_no_longer_counted(engine: sa.Engine, here: Settings) -> None:
    rows = [seen(1, "1111111", (31_000, 171_000)), seen(2, "3333333", (32_000, 172_000))]
    send(here, "a.csv", as_csv(rows))
    first = night.whole_night(engine, here)["snapshot_id"]
    assert figures(engine) == (3, 2, 0, 1)
    newer = export(here.registers.parent / "nieuwer.csv", ["1111111", "2222222", "3333334"])
    register.load(engine, here, "dewatergroep", newer, exported_on=date(2019, 6, 1), scope=list(SQUARES))
    # matching of the one batch that is not asked for must not be left at the older register
    night.whole_night(engine, here, gemeenten=["33029"])
    assert figures(engine) == (2, 1, 0, 1)
    assert figures(engine, snapshot_id=first) == (3, 2, 0, 1)
    assert links(engine)["a.csv 4"] != "DWG-3333333"


def test_a_register_that_cannot_be_used_does_not_stop_the_crews_files(
    engine: sa.Engine, here: Settings
) -> None:
    old = export(here.registers / "dewatergroep" / "oud.csv", ["1111111"])
    old.with_suffix(".yml").write_text("exported_on: 2018-01-01\n", encoding="utf-8")
    send(here, "a.csv", as_csv([seen(1, "1111111", (31_000, 171_000))]))
    send(here, "leeg.csv", b"")
    (here.uploads / "westlandia" / "99999").mkdir()
    counts = night.whole_night(engine, here)
    assert figures(engine) == (3, 1, 0, 2)
    assert "oud.csv" in counts["problems"][0]
    assert [refused["file"] for refused in counts["refused_files"]] == ["westlandia/33021/leeg.csv"]
    assert counts["unread"] == ["westlandia/99999"]


@pytest.fixture
def own_reference(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """A copy of the reference files that a test may change."""
    copy = tmp_path / "reference"
    shutil.copytree(reference.REFERENCE_DIR, copy)
    monkeypatch.setattr(reference, "REFERENCE_DIR", copy)
    yield copy
    reference.contracts.cache_clear()


def test_a_contract_that_goes_to_another_firm_is_seen_the_next_night(
    engine: sa.Engine, here: Settings, own_reference: Path
) -> None:
    send(here, "a.csv", as_csv([seen(1, "1111111", (31_000, 171_000))]))
    night.whole_night(engine, here)
    flagged = sa.text("SELECT COUNT(*) FROM match WHERE is_other_contractor")
    with engine.connect() as connection:
        assert connection.execute(flagged).scalar() == 0
    contracts = own_reference / "contracts.csv"
    text = contracts.read_text(encoding="utf-8")
    contracts.write_text(text.replace("dewatergroep,33021,westlandia", "dewatergroep,33021,interwest"))
    reference.contracts.cache_clear()
    night.whole_night(engine, here)
    with engine.connect() as connection:
        assert connection.execute(flagged).scalar() == 1


def test_two_nights_at_once_are_one_night(engine: sa.Engine, here: Settings) -> None:
    for number in range(6):
        rows = [seen(10 * number + i, ref, HYDRANTS[ref]) for i, ref in enumerate(list(HYDRANTS)[:3])]
        send(here, f"{number}.csv", as_csv(rows))
    failures: list[BaseException] = []

    def one_night() -> None:
        own = store.create_engine(here.database_url)
        try:
            night.whole_night(own, here)
        except BaseException as error:  # noqa: BLE001 - told to the test, whatever it is
            failures.append(error)
        finally:
            own.dispose()

    threads = [threading.Thread(target=one_night) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(links(engine)) == 18
    assert figures(engine) == (3, 3, 0, 0)
    with engine.connect() as connection:
        assert connection.execute(sa.text("SELECT COUNT(*) FROM snapshot")).scalar() == 1


# -- a file that is amiss as a whole -----------------------------------------------------------


def shifted(east_m: float, changed: str) -> bytes:
    """Twelve visits to A, B and C, with their numbers, all so far east of where they are."""
    rows = []
    for number in range(12):
        ref = ("1111111", "2222222", "3333333")[number % 3]
        x, y = HYDRANTS[ref]
        day = f"{number + 1:02}/03/2019"
        rows.append(seen(number, ref, (x + east_m + number % 2, y), Datum=day, Gewijzigd_op=changed))
    return as_csv(rows)


def test_a_shifted_file_links_nothing_and_its_sender_is_told(engine: sa.Engine, here: Settings) -> None:
    send(here, "goed.csv", as_csv([seen(90, "1111111", (31_001, 171_000))]))
    send(here, "verschoven.csv", shifted(104.0, "2019-03-20 10:00"))
    counts = night.whole_night(engine, here)
    assert links(engine) == {
        "goed.csv 3": "DWG-1111111",
        **{f"verschoven.csv {row}": "review" for row in range(3, 15)},
    }
    assert counts["match"]["amiss"] == 1
    (told,) = counts["amiss"]
    assert told["file"] == "westlandia/33021/verschoven.csv"
    assert "zo'n 104 m naar het oosten" in told["what"] or "zo'n 105 m naar het oosten" in told["what"]
    assert told["what"] in document_of(engine, here, "verschoven.csv")["notices"]
    assert document_of(engine, here, "goed.csv")["notices"] == []
    assert figures(engine) == (3, 1, 0, 2)

    assert night.whole_night(engine, here)["match"] == dict.fromkeys(counts["match"], 0)
    send(here, "verbeterd.csv", shifted(0.0, "2019-03-21 10:00"))
    counts = night.whole_night(engine, here)
    assert counts["amiss"] == []
    assert all(links(engine)[f"verbeterd.csv {row}"].startswith("DWG-") for row in range(3, 15))
    assert figures(engine) == (3, 3, 0, 0)


def test_a_file_in_the_folder_of_another_gemeente_is_noticed(engine: sa.Engine, here: Settings) -> None:
    send(here, "verkeerd.csv", shifted(0.0, "2019-03-20 10:00"), ("westlandia", "33029"))
    counts = night.whole_night(engine, here)
    (told,) = counts["amiss"]
    assert "100 % van de plaatsen in dit bestand ligt buiten Wervik" in told["what"]
    assert set(links(engine).values()) == {"review"}
