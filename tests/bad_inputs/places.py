"""Hazards 26 to 32: where a row is, which hydrant it is about, and what others say of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.bad_inputs import world
from tests.bad_inputs.case import BAD, COMPANY, Case, Published, Read, Same, one, row
from tests.batches import Row, as_csv
from tests.valid_files import feature, geojson, point_rows, rows_of, workbook

X, Y = world.LONE["3333333"]
ID = "DWG-3333333"
_PLACED: dict[str, Any] = {"is_placed": True}
_FOUND = {"x_l72": X, "y_l72": Y, "verdict": "linked", "hydrant_id": ID}


def _csv(*rows: Row, title: str | None = None) -> Callable[[], bytes]:
    return lambda: as_csv(rows, above=(title,) if title else ())


def _corrected(slug: str, what: str, rows: Callable[[], bytes], name: str, *corrections: str) -> Case:
    headings = 0 if name.endswith(".geojson") else 1
    record = {**_FOUND, "corrections": list(corrections)}
    return one(
        26, slug, what, name, rows, Read(1, headings=headings, records={1 + headings: record}), **_PLACED
    )


def _swapped_point() -> bytes:
    lon, lat = world.from_lambert_72("EPSG:4326", X, Y)
    (sound,) = point_rows(rows_of(1))
    return geojson([feature({**sound, "Adres": ""}, {"type": "Point", "coordinates": [lat, lon]})])


_RANGES = [
    _corrected(
        "swapped-lambert",
        "X and Y in each other's column",
        _csv(world.seen(1, "", Y, X)),
        "verwisseld.csv",
        "axes_swapped",
    ),
    _corrected(
        "swapped-lon-lat",
        "GeoJSON with latitude before longitude",
        _swapped_point,
        "verwisseld.geojson",
        "axes_swapped",
    ),
    _corrected(
        "lambert-2008",
        "Lambert 2008 in columns of Lambert 72",
        lambda: as_csv([world.seen(1, "", *world.from_lambert_72("EPSG:3812", X, Y))], above=()),
        "lambert.csv",
        "lambert_2008",
    ),
    _corrected(
        "lost-decimal-point",
        "`3200000` and `17200000`: the decimal signs went missing",
        _csv(world.seen(1, "", "3200000", "17200000")),
        "komma weg.csv",
        "decimal_point",
    ),
    one(
        26,
        "zero-zero",
        "0,0 with the number of a hydrant, and without any",
        "nul.csv",
        _csv(world.seen(1, "3333333", "0", "0"), world.seen(2, "", "0", "0")),
        Read(
            2,
            records={
                2: {"x_l72": None, "corrections": ["out_of_range"], "verdict": "linked", "hydrant_id": ID},
                3: {"x_l72": None, "corrections": ["out_of_range"], "verdict": "unlocated"},
            },
        ),
        **_PLACED,
    ),
]

_WERVIK_X, _WERVIK_Y = world.IN_WERVIK["4444444"]
_ELSEWHERE = [
    one(
        27,
        "sea",
        "a point in the sea, without a number and with one",
        "zee.csv",
        _csv(world.seen(1, "", 22_000.0, 205_000.0), world.seen(2, "3333333", 22_000.0, 205_000.0)),
        Read(
            2,
            records={
                2: {"is_outside_gemeente": True, "verdict": "review", "waits": True},
                3: {"is_outside_gemeente": True, "verdict": "review", "waits": True},
            },
        ),
        **_PLACED,
    ),
    one(
        27,
        "other-gemeente",
        "a point at a hydrant of another gemeente than stated",
        "buurgemeente.csv",
        _csv(world.seen(1, "", _WERVIK_X, _WERVIK_Y), world.seen(2, "3333333", _WERVIK_X, _WERVIK_Y)),
        Read(
            2,
            records={
                2: {"is_outside_gemeente": True, "waits": True},
                3: {"is_outside_gemeente": True, "verdict": "review", "waits": True},
            },
        ),
        **_PLACED,
    ),
]

_DOUBTFUL = [
    one(
        28,
        "unknown-hydrant",
        "a number that no register has, at a place where no hydrant stands",
        "nieuw.csv",
        _csv(world.seen(1, "9999999", 33_500.0, 170_500.0)),
        Read(1, records={2: {"verdict": "new", "hydrant_id": None, "waits": True}}),
        **_PLACED,
    ),
    one(
        28,
        "two-within-15-m",
        "no number, midway between two hydrants 10 m apart",
        "dubbelzinnig.csv",
        _csv(world.seen(1, "", 31_005.0, 171_000.0)),
        Read(1, records={2: {"verdict": "review", "hydrant_id": None, "waits": True}}),
        **_PLACED,
    ),
]

_SOUND = as_csv(rows_of(COMPANY), above=())
_AGAIN = [
    Case(
        29,
        "same-bytes",
        "the same file under another name",
        {"a.csv": lambda: _SOUND, "kopie van a.csv": lambda: _SOUND},
        {"a.csv": Read(COMPANY), "kopie van a.csv": Same("a.csv")},
    ),
    Case(
        29,
        "same-rows",
        "the same rows saved anew, as another kind of file",
        {"a.csv": lambda: _SOUND, "b.xlsx": lambda: workbook(rows_of(COMPANY))},
        {"a.csv": Read(COMPANY), "b.xlsx": Read(0, duplicates=COMPANY)},
    ),
    Case(
        30,
        "correction",
        "the same record, changed later, with other values",
        {
            "eerst.csv": lambda: as_csv([*rows_of(COMPANY), row(Resultaat="afgekeurd")], above=()),
            "verbeterd.csv": lambda: as_csv([row(Gewijzigd_op="2019-03-20 09:00")], above=()),
        },
        {
            "eerst.csv": Read(COMPANY + 1, records={BAD: {"outcome": "failed", "is_superseded": True}}),
            "verbeterd.csv": Read(1, records={2: {"outcome": "ok", "is_superseded": False}}),
        },
    ),
    Case(
        30,
        "withdrawal",
        "a record that its sender takes back",
        {
            "eerst.csv": lambda: as_csv([*rows_of(COMPANY), row()], above=()),
            "intrekking.csv": lambda: _withdrawn(row(Gewijzigd_op="2019-03-20 09:00")),
        },
        {
            "eerst.csv": Read(COMPANY + 1, records={BAD: {"is_withdrawn": False, "is_superseded": True}}),
            "intrekking.csv": Read(1, records={2: {"is_withdrawn": True, "is_superseded": False}}),
        },
    ),
]


def _withdrawn(*rows: Row) -> bytes:
    lines = as_csv(rows, above=()).decode("utf-8-sig").splitlines()
    return "\r\n".join(
        [f"{lines[0]};Toestand fiche", *(f"{line};ingetrokken" for line in lines[1:])]
    ).encode()


_OK = world.seen(1, "3333333", X, Y)
_DEFECT = world.seen(2, "3333333", X, Y, Resultaat="afgekeurd", Gebrek="Lek")
_CONFLICTS = [
    one(
        31,
        "same-day",
        "one row says in order, another of the same day defect",
        "tegenspraak.csv",
        _csv(_OK, _DEFECT),
        Read(2, records={2: {"hydrant_id": ID}, 3: {"hydrant_id": ID}}),
        published={ID: Published("failed", is_conflict=True)},
        **_PLACED,
    ),
    Case(
        31,
        "two-firms",
        "one firm says in order, another of the same day defect",
        {
            "westlandia/32003/a.csv": _csv(world.seen(3, "6666666", 43_000.0, 191_000.0)),
            "interwest/32003/b.csv": lambda: _as_interwest(43_000.0, 191_000.0, "afgekeurd"),
        },
        {
            "westlandia/32003/a.csv": Read(1, records={2: {"is_other_contractor": False}}),
            "interwest/32003/b.csv": Read(1, records={2: {"is_other_contractor": True}}),
        },
        published={"DWG-6666666": Published("failed", is_conflict=True)},
        **_PLACED,
    ),
    one(
        32,
        "other-firms-hydrant",
        "a row of Westlandia in Diksmuide about a hydrant that Interwest inspects",
        "westlandia/32003/grens.csv",
        _csv(world.seen(4, "", *world.OF_AQUADUIN)),
        Read(
            1,
            records={2: {"verdict": "linked", "hydrant_id": world.AQUADUIN_ID, "is_other_contractor": True}},
        ),
        published={world.AQUADUIN_ID: Published("ok", is_conflict=False)},
        **_PLACED,
    ),
]


def _as_interwest(x: float, y: float, outcome: str) -> bytes:
    text = (
        f"Volgnummer;Datum controle;X-coördinaat;Y-coördinaat;Status\r\nI-1;14/03/2019;{x};{y};{outcome}\r\n"
    )
    return text.replace(".0;", ",0;").encode("cp1252")


CASES: list[Case] = [*_RANGES, *_ELSEWHERE, *_DOUBTFUL, *_AGAIN, *_CONFLICTS]
