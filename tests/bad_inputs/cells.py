"""Hazards 10 to 15, 20, 21 and 23: dirt in geometries, texts, numbers and formulas."""

from __future__ import annotations

import json
from typing import Any

from tests.bad_inputs.case import BAD, COMPANY, Case, Read, Refused, csv_of, one, row, table, workbook_of
from tests.batches import HEADINGS, as_csv
from tests.valid_files import feature, geojson, point_rows, rows_of, workbook

GEOJSON_BAD = COMPANY + 1
"""Ordinal of the first bad feature."""


def _features(*bad: Any) -> bytes:
    return geojson([*(feature(one_row) for one_row in point_rows(rows_of(COMPANY))), *bad])


def _feature(geometry: Any, **changes: str) -> dict[str, object]:
    (sound,) = point_rows([row()])
    return feature(sound | changes, geometry)


def _nested(depth: int) -> bytes:
    """A feature whose remark is a list in a list in a list ..."""
    text = json.dumps(_feature(None, Opmerking="DIEP")).replace('"DIEP"', "[" * depth + "]" * depth)
    return _features("HIER").replace(b'"HIER"', text.encode())


_SQUARE = {"type": "Polygon", "coordinates": [[[2.7, 50.8], [2.8, 50.8], [2.8, 50.9], [2.7, 50.8]]]}
_GEOJSON = [
    one(
        10,
        "not-a-number",
        "GeoJSON with NaN and Infinity for coordinates",
        "nan.geojson",
        lambda: _features(_feature({"type": "Point", "coordinates": [float("nan"), float("inf")]})),
        Read(COMPANY, headings=0, quarantined={GEOJSON_BAD: ("NUMBER_UNREADABLE", "NUMBER_UNREADABLE")}),
    ),
    one(
        10,
        "null-geometry",
        "GeoJSON features without geometry: with an address, and with nothing at all",
        "leeg.geojson",
        lambda: _features(_feature(None), _feature(None, Adres="")),
        Read(
            COMPANY + 1,
            headings=0,
            quarantined={GEOJSON_BAD + 1: ("NOTHING_TO_GO_ON",)},
            records={GEOJSON_BAD: {"x_given": None, "address_text": "Dorpsstraat t.o. 14"}},
        ),
    ),
    one(
        10,
        "deep",
        "GeoJSON nested 100 000 deep",
        "diep.geojson",
        lambda: _nested(100_000),
        Refused(["diep genest"]),
    ),
    one(
        10,
        "polygon",
        "a polygon, and a list of geometries, for a point",
        "vlak.geojson",
        lambda: _features(
            _feature(_SQUARE), _feature({"type": "GeometryCollection", "geometries": [_SQUARE]})
        ),
        Read(
            COMPANY,
            headings=0,
            quarantined=dict.fromkeys(
                (GEOJSON_BAD, GEOJSON_BAD + 1), ("NUMBER_UNREADABLE", "COORDINATE_INCOMPLETE")
            ),
        ),
    ),
    one(
        10,
        "no-features",
        "features that are a number, a text, a list, nothing",
        "vreemd.geojson",
        lambda: _features(3, "brandkraan", [1, 2], None),
        Refused(["feature"]),
    ),
]

_INTACT = {"remark": "geïnspecteerd"}


def _encoded(encoding: str, mark: str = "") -> bytes:
    text = as_csv([*rows_of(COMPANY), row(Opmerking="geïnspecteerd")], above=()).decode("utf-8-sig")
    return (mark + text).encode(encoding)


_ENCODINGS = [
    one(
        11,
        slug,
        what,
        "tekens.csv",
        lambda encoding=encoding, mark=mark: _encoded(encoding, mark),
        Read(COMPANY + 1, records={BAD: _INTACT}),
    )
    for slug, what, encoding, mark in (
        ("cp1252", "CSV in Windows-1252", "cp1252", ""),
        ("bom", "CSV in UTF-8 with a byte order mark", "utf-8-sig", ""),
        ("utf-8", "CSV in UTF-8 without one", "utf-8", ""),
        ("utf-16-le", "CSV in UTF-16, as Excel saves 'Unicode-tekst'", "utf-16-le", "\ufeff"),
        ("utf-16-be", "CSV in UTF-16, big-endian", "utf-16-be", "\ufeff"),
    )
]


def _mixed() -> bytes:
    return _encoded("utf-8") + _encoded("cp1252").splitlines(keepends=True)[-1]


_MIXED = [
    one(
        12,
        "mixed-encodings",
        "a CSV in UTF-8 with one line in Windows-1252",
        "gemengd.csv",
        _mixed,
        Refused([f"Regel {BAD + 1}", "twee tekensets"]),
    )
]


def _with_flow() -> bytes:
    rows = [one_row | {"Debiet": "1.234,5"} for one_row in rows_of(COMPANY)]
    return as_csv(rows, above=(), headings=[*HEADINGS, "Debiet"])


_NUMBERS = [
    one(
        13,
        "decimal-comma",
        "`;` with a flow of `1.234,5`",
        "komma.csv",
        _with_flow,
        Read(COMPANY, records={2: {"flow_l_per_min": 1234.5, "x_given": 34567.25, "y_given": 172345.5}}),
    ),
    one(
        13,
        "decimal-point",
        "`1,234.5` from a firm that writes commas",
        "punt.csv",
        csv_of(row(X="1,234.5", Y="172345,5")),
        Read(COMPANY, quarantined={BAD: ("NUMBER_UNREADABLE",)}),
    ),
]


def _with_streets(texts: dict[int, str]) -> bytes:
    """A CSV with other streets in some lines, quotes and all."""
    lines = as_csv(table(row(), row(), row()), above=()).decode("utf-8-sig").splitlines(keepends=True)
    for line, text in texts.items():
        lines[line - 1] = lines[line - 1].replace("Dorpsstraat t.o. 14", text)
    return "".join(lines).encode()


_QUOTES = [
    one(
        14,
        "unbalanced-quote",
        "a quote that is never closed",
        "aanhaling.csv",
        lambda: _with_streets({BAD: '"Dorpsstraat'}),
        Refused([f"Regel {BAD}", "aanhalingsteken"]),
    ),
    one(
        14,
        "swallowing-quote",
        "a quote that is closed two rows below",
        "slokop.csv",
        lambda: _with_streets({BAD: '"Dorpsstraat', BAD + 2: 'Dorpsstraat"'}),
        Refused([f"Regel {BAD}", "aanhalingsteken"]),
    ),
]

_LARGE = [
    one(
        15,
        "large-cell",
        "a cell of 200 kB",
        "groot.csv",
        csv_of(row(Opmerking="lang " * 40_000)),
        Read(COMPANY, quarantined={BAD: ("TEXT_TOO_LONG",)}),
    ),
    one(
        15,
        "nul",
        "a NUL byte",
        "nul.csv",
        csv_of(row(Straat_en_nr="Dorps\0straat 14")),
        Read(COMPANY, quarantined={BAD: ("TEXT_DAMAGED",)}),
    ),
]

_NUMBERED = [row(Fiche=text) | {"Nr. brandkraan": text} for text in ("007", "12E3")]
_KEPT = Read(COMPANY + 2, records={BAD: {"hydrant_ref": "007"}, BAD + 1: {"hydrant_ref": "12E3"}})
_IDS = [
    one(
        20,
        "ids-as-text",
        "`007` and `12E3` in a CSV",
        "nummers.csv",
        csv_of(*_NUMBERED),
        _KEPT,
    ),
    one(
        20,
        "ids-as-text-cells",
        "`007` and `12E3` as texts in a workbook",
        "nummers.xlsx",
        workbook_of(*_NUMBERED),
        _KEPT,
    ),
    one(
        20,
        "mangled-ids",
        "`1.2E+15`, and `1234567,0`",
        "vervormd.csv",
        csv_of(*(row() | {"Nr. brandkraan": text} for text in ("1.2E+15", "1,2E+15", "1234567,0"))),
        Read(COMPANY, quarantined=dict.fromkeys((BAD, BAD + 1, BAD + 2), ("ID_MANGLED",))),
    ),
    one(
        20,
        "number-too-long",
        "a number of 18 digits that Excel has rounded",
        "lang.xlsx",
        lambda: workbook(table({**row(), "Nr. brandkraan": 123_456_789_012_345_678})),
        Read(COMPANY, quarantined={BAD: ("ID_MANGLED",)}),
    ),
]

_SHEETS = [
    one(
        21,
        "formula",
        "a formula without a stored result",
        "formule.xlsx",
        lambda: workbook(table(row(Straat_en_nr='=CONCATENATE("Dorpsstraat ",14)'))),
        Read(COMPANY, quarantined={BAD: ("FORMULA_UNCALCULATED",)}),
    ),
    one(
        23,
        "hidden-rows",
        "hidden rows",
        "verborgen rijen.xlsx",
        workbook_of(row(), edit=lambda sheet: setattr(sheet.row_dimensions[BAD], "hidden", True)),
        Read(COMPANY + 1),
    ),
    one(
        23,
        "hidden-sheet",
        "a hidden sheet",
        "verborgen blad.xlsx",
        lambda: workbook(table(row()), _hide_a_sheet),
        Read(COMPANY + 1, notices=["Het verborgen blad 'Oud' is overgeslagen."]),
    ),
]


def _hide_a_sheet(book: Any) -> None:
    sheet = book.create_sheet("Oud")
    sheet.append(HEADINGS)
    sheet.append(list(row().values()))
    sheet.sheet_state = "hidden"


CASES: list[Case] = [
    *_GEOJSON,
    *_ENCODINGS,
    *_MIXED,
    *_NUMBERS,
    *_QUOTES,
    *_LARGE,
    *_IDS,
    *_SHEETS,
]
