"""Hazards 33 to 35: texts that want to be code, texts from all over the world, and pictures that are none."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping

import openpyxl

from tests.bad_inputs import world
from tests.bad_inputs.case import BAD, COMPANY, Case, Published, Read, csv_of, one, row
from tests.batches import HEADINGS, Row, as_csv
from tests.valid_files import jpeg, rows_of, workbook, zipped

INJECTIONS = (
    '=HYPERLINK("http://example.invalid","klik")',
    "<img src=x onerror=\"document.title='geraakt'\">",
    "'; DROP TABLE record; --",
    "+1+cmd|' /C calc'!A0",
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "</script><script>document.title='geraakt'</script>",
)
FOREIGN = (
    "🚒💧 naast de 🏰",
    "مأخذ مياه \u202egnp.exe",
    "e\u0301e\u0301n brandkraan",  # two signs that make one letter
    "Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢L̠ͨͧͩ͘G̴̻͈͍͔̹̑͗̎̅͛́Ǫ̵̹̻̝̳͂̌̌͘",
)
_FAILED = Published("failed", is_conflict=False)


def _failing(texts: tuple[str, ...]) -> list[Row]:
    """A row with each text, about a hydrant of its own that is not in order, so that it is published."""
    return [
        world.seen(100 + n, number, x, y, Resultaat="afgekeurd", Opmerking=text)
        for n, ((number, (x, y)), text) in enumerate(
            zip(list(world.PAYLOADS.items())[: len(texts)], texts, strict=True)
        )
    ]


def _published(texts: tuple[str, ...]) -> dict[str, Published]:
    return dict.fromkeys([f"DWG-{number}" for number in list(world.PAYLOADS)[: len(texts)]], _FAILED)


_WAITING = world.seen(200, INJECTIONS[3], "", "", Straat_en_nr=INJECTIONS[1], Opmerking=INJECTIONS[0])
"""A row that nobody can place, so that its texts are handed out for a decision."""


def _verbatim(texts: tuple[str, ...], *waiting: int) -> Read:
    told: dict[int, dict[str, object]] = {
        2 + n: {"remark": unicodedata.normalize("NFC", text), "waits": False} for n, text in enumerate(texts)
    }
    return Read(len(texts) + len(waiting), records=told | {line: {"waits": True} for line in waiting})


def _titled(title: str) -> Callable[[], bytes]:
    """A workbook whose sheet has a hostile name, since the source of a figure is published too."""

    def make() -> bytes:
        def name(book: openpyxl.Workbook) -> None:
            book.active.title = title

        return workbook([{**dict.fromkeys(HEADINGS, ""), **text} for text in _failing(INJECTIONS)], name)

    return make


_INJECTIONS = [
    one(
        33,
        "injection-csv",
        "remarks that are a formula, HTML, SQL; and such a file name",
        "<img src=x onerror=alert(1)>.csv",
        lambda: as_csv([*_failing(INJECTIONS), _WAITING], above=()),
        _verbatim(INJECTIONS, 2 + len(INJECTIONS)),
        is_placed=True,
        published=_published(INJECTIONS),
    ),
    one(
        33,
        "injection-xlsx",
        "the same in cells of a workbook, with such a name for its sheet",
        "=HYPERLINK(A1).xlsx",
        _titled("=1+1<b onclick=alert(1)>"),
        Read(
            len(INJECTIONS) - 1,
            quarantined={2: ("FORMULA_UNCALCULATED",)},
            records={3 + n: {"remark": text} for n, text in enumerate(INJECTIONS[1:])},
        ),
        is_placed=True,
    ),
]

_LONG = "Dorpsstraat " * 334
_FOREIGN = [
    one(
        34,
        "foreign-texts",
        "emoji, right to left, letters of several signs; in remarks and in the file name",
        "🚒 \u202egnp.vsc.csv",
        lambda: as_csv(_failing(FOREIGN), above=()),
        _verbatim(FOREIGN),
        is_placed=True,
        published=_published(FOREIGN),
    ),
    one(
        34,
        "long-names",
        "4 000 characters in an address, a number, a record number and a remark",
        "lang.csv",
        csv_of(
            row(Straat_en_nr=_LONG),
            row() | {"Nr. brandkraan": "7" * 4_000},
            row(Fiche="W" * 4_000),
            row(Opmerking=_LONG),
        ),
        Read(
            COMPANY + 1,
            quarantined=dict.fromkeys((BAD, BAD + 1, BAD + 2), ("TEXT_TOO_LONG",)),
            records={BAD + 3: {"remark": _LONG}},
        ),
    ),
]


def _with_photos(rows: list[Row], named: list[str], photos: Mapping[str, bytes]) -> bytes:
    """A zip of a list, with a column that names a picture per row, and pictures."""
    lines = as_csv(rows, above=()).decode("utf-8-sig").splitlines()
    texts = [f"{lines[0]};Foto", *(f"{line};{name}" for line, name in zip(lines[1:], named, strict=True))]
    return zipped({"lijst.csv": "\r\n".join(texts).encode("utf-8-sig"), **photos})


_PROGRAM = b"MZ\x90\0" + bytes(range(256)) * 20
_POLYGLOT = b"\xff\xd8\xff\xe0\x00\x10JFIF\0" + b"#!/bin/sh\nrm -rf /\n" * 20


def _photo_zip() -> bytes:
    names = ["goed.jpg", "weg.jpg", "programma.jpg", "half.jpg", ""]
    photos = {
        "fotos/goed.jpg": jpeg(),
        "fotos/programma.jpg": _PROGRAM,
        "fotos/half.jpg": _POLYGLOT,
    }
    return _with_photos(rows_of(5), names, photos)


_PHOTOS = one(
    35,
    "photos",
    "a photo that did not come, an executable and a script named .jpg, beside a good one",
    "met fotos.zip",
    _photo_zip,
    Read(
        5,
        flagged={3: ("PHOTO_MISSING",), 4: ("PHOTO_REFUSED",), 5: ("PHOTO_REFUSED",)},
        records={2: {"photos": ["goed.jpg"]}},
        photos={"goed.jpg": True, "programma.jpg": False, "half.jpg": False},
    ),
)

CASES: list[Case] = [*_INJECTIONS, *_FOREIGN, _PHOTOS]
