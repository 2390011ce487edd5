"""Uploads of Westlandia to send, nights to run, and what became of every row."""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import sqlalchemy as sa
import yaml

from hydrants import landing, reading, reference, store, validation
from hydrants.settings import Settings
from hydrants.store import tables

BATCH = ("westlandia", "33021")
HEADINGS = [
    *(
        "Fiche",
        "Nr. brandkraan",
        "Datum",
        "Straat en nr",
        "X",
        "Y",
        "Type",
        "Diameter",
        "Resultaat",
        "Gebrek",
    ),
    *("Herkeuring", "Gewijzigd op", "Opmerking"),
]
GOOD = {
    "Fiche": "W-33021-00001",
    "Nr. brandkraan": "1234567",
    "Datum": "14/03/2019",
    "Straat en nr": "Dorpsstraat t.o. 14",
    "X": "34.567,25",
    "Y": "172345,5",
    "Type": "BH",
    "Diameter": "80",
    "Resultaat": "goedgekeurd",
    "Gebrek": "",
    "Herkeuring": "",
    "Gewijzigd op": "2019-03-14 17:20",
    "Opmerking": "",
}


Row = dict[str, str]


def as_csv(
    rows: Iterable[Row],
    above: Sequence[str] = ("VERZONNEN DEMOGEGEVENS",),
    headings: Sequence[str] = HEADINGS,
) -> bytes:
    stream = io.StringIO()
    for title in above:
        stream.write(title + "\r\n")
    writer = csv.DictWriter(stream, headings, delimiter=";")
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue().encode("utf-8-sig")


def good(number: int, **changes: str) -> Row:
    return (
        GOOD
        | {"Fiche": f"W-33021-{number:05}"}
        | {key.replace("_", " "): text for key, text in changes.items()}
    )


def send(settings: Settings, name: str, content: bytes, batch: tuple[str, str] = BATCH) -> Path:
    path = settings.uploads.joinpath(*batch, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def night(engine: sa.Engine, settings: Settings, batch: tuple[str, str] = BATCH) -> dict[str, int]:
    landing.run(engine, settings, *batch)
    reading.run(engine, settings, *batch)
    return validation.run(engine, settings, *batch)


class Settled(NamedTuple):
    """What became of a row, in terms that do not depend on the order of arrival."""

    disposition: str
    codes: tuple[str, ...]
    duplicate_of: tuple[str, int] | None
    superseded_by: tuple[str, int] | None


def settled(engine: sa.Engine) -> dict[tuple[str, int], Settled]:
    """By file name and line."""
    with store.read(engine) as connection:
        rows = connection.execute(
            sa.select(tables.ledger, tables.record.c.superseded_by_row_id, tables.raw_row.c.row_number)
            .add_columns(tables.upload.c.file_name)
            .join_from(tables.ledger, tables.raw_row, tables.raw_row.c.row_id == tables.ledger.c.row_id)
            .join(tables.upload, tables.upload.c.upload_id == tables.ledger.c.upload_id)
            .outerjoin(tables.record, tables.record.c.row_id == tables.ledger.c.row_id)
        ).all()
    place = {row.row_id: (row.file_name, row.row_number) for row in rows}
    return {
        place[row.row_id]: Settled(
            row.disposition,
            tuple(reason["code"] for reason in row.reasons),
            place.get(row.duplicate_of_row_id),
            place.get(row.superseded_by_row_id),
        )
        for row in rows
    }


def everything(engine: sa.Engine) -> list[list[tuple[Any, ...]]]:
    names = ("upload", "raw_row", "ledger", "record", "stage_state")
    with store.read(engine) as connection:
        found = [tables.metadata.tables[name] for name in names]
        return [
            [
                tuple(map(str, row))
                for row in connection.execute(sa.select(table).order_by(*table.primary_key))
            ]
            for table in found
        ]


def fingerprints(engine: sa.Engine) -> dict[str, str]:
    state = tables.stage_state.c
    query = sa.select(state.scope, state.fingerprint).where(
        state.stage == validation.STAGE, state.scope.startswith("upload:")
    )
    with store.read(engine) as connection:
        return dict(row._tuple() for row in connection.execute(query))


ACCEPTED = Settled("accepted", (), None, None)
HEADING = Settled("heading", (), None, None)


def rewrite_profile(folder: Path, monkeypatch: pytest.MonkeyPatch, change: Any) -> None:
    """Continue with a copy of the reference files in which Westlandia's profile is changed."""
    source = reference.REFERENCE_DIR
    target = folder / "reference"
    shutil.copytree(source, target)
    path = target / "contractors" / "westlandia.yml"
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    change(document)
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    monkeypatch.setattr(reference, "REFERENCE_DIR", target)


def wipe(engine: sa.Engine, settings: Settings) -> None:
    names = ("record", "ledger", "raw_row", "raw_sheet", "delivery", "upload", "stage_state")
    with store.write(engine) as connection:
        for name in names:
            connection.execute(sa.delete(tables.metadata.tables[name]))
    shutil.rmtree(settings.uploads, ignore_errors=True)
