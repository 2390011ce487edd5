"""Send a bad input beside a sound file, work through a night, and see what became of every row."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import sqlalchemy as sa

from hydrants import geocoding, landing, matching, publishing, reading, receipts, review, store, validation
from hydrants.settings import Settings
from hydrants.store import tables
from hydrants.store.files import landed_path, sha256_of
from tests.bad_inputs.case import Case, Expected, Published, Read, Refused
from tests.batches import as_csv, send
from tests.valid_files import rows_of

SOUND = {
    "westlandia": as_csv(rows_of(3, first=901), above=()),
    "interwest": b"Volgnummer;Datum controle;Adres;Status\r\n"
    + b"".join(b"I-90%d;14/03/2019;Markt %d;goedgekeurd\r\n" % (n, n) for n in range(3)),
}
"""A sound list of each firm, sent along with every bad input."""
SOUND_NAME = "goede lijst.csv"


@dataclass
class Found:
    """What became of a file.

    Args:
        refused, held: why, in Dutch.
        read: rows that reading stored.
        dispositions: how many rows of each.
        reasons: those of each row that has any, by row number.
        notices: what its sender should know beside the rows.
        records: columns of record, location and match of accepted rows, by row number.
        photos: by name, why each is refused, or None.
        answer: the receipt as programs read it; None without one for people beside it.
    """

    refused: str | None
    held: str | None
    read: int = 0
    dispositions: Counter[str] = field(default_factory=Counter)
    reasons: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)
    records: dict[int, dict[str, Any]] = field(default_factory=dict)
    photos: dict[str, str | None] = field(default_factory=dict)
    answer: dict[str, Any] | None = None

    def codes(self, is_quarantined: bool) -> dict[int, tuple[str, ...]]:
        """Codes of the reasons of refused rows, or of accepted ones, by row number."""
        return {
            number: tuple(reason["code"] for reason in reasons)
            for number, reasons in self.reasons.items()
            if (number not in self.records) == is_quarantined
        }


def send_all(settings: Settings, case: Case) -> None:
    """Put the case's files and the sound ones into their folders."""
    for name, make in case.files.items():
        send(settings, name.rpartition("/")[2], make(), case.batch_of(name))
    for batch in case.batches:
        send(settings, SOUND_NAME, SOUND[batch[0]], batch)


def night(engine: sa.Engine, settings: Settings, case: Case) -> list[Mapping[str, Any]]:
    """The stages that the case goes through; what each says that it did."""
    stages = [landing.run, reading.run, validation.run]
    if case.is_placed:
        stages += [geocoding.run, matching.run]
    stages.append(receipts.run)
    counts: list[Mapping[str, Any]] = [
        stage(engine, settings, *batch) for batch in case.batches for stage in stages
    ]
    if case.published:
        counts.append(publishing.run(engine, settings))
    return counts


def found(engine: sa.Engine, settings: Settings, case: Case) -> dict[str, Found]:
    """What became of each file that was received, by `firm/gemeente/name`."""
    with store.read(engine) as connection:
        uploads = connection.execute(sa.select(tables.upload)).all()
        result = {
            f"{row.contractor}/{row.nis}/{row.file_name}": _of_upload(connection, settings, row)
            for row in uploads
        }
    if case.is_placed:
        for name, row_number in _waiting(engine, settings):
            found_file = next(file for path, file in result.items() if path.endswith(f"/{name}"))
            found_file.records[row_number]["waits"] = True
    return result


def _of_upload(connection: sa.Connection, settings: Settings, upload: Any) -> Found:
    ledger, record, raw_row, photo = tables.ledger, tables.record, tables.raw_row, tables.raw_photo
    is_this = raw_row.c.upload_id == upload.upload_id
    count = sa.select(sa.func.count()).select_from(raw_row).where(is_this)
    result = Found(upload.rejected_because, upload.held_because, connection.execute(count).scalar_one())
    rows = connection.execute(
        sa.select(raw_row.c.row_number, ledger.c.disposition, ledger.c.reasons)
        .join_from(ledger, raw_row, raw_row.c.row_id == ledger.c.row_id)
        .where(ledger.c.upload_id == upload.upload_id)
    ).all()
    result.dispositions = Counter(row.disposition for row in rows)
    result.reasons = {row.row_number: row.reasons for row in rows if row.reasons}
    told = connection.execute(
        sa.select(raw_row.c.row_number, record, tables.location, tables.match)
        .join_from(record, raw_row, raw_row.c.row_id == record.c.row_id)
        .join(ledger, ledger.c.row_id == record.c.row_id)
        .outerjoin(tables.location, tables.location.c.row_id == record.c.row_id)
        .outerjoin(tables.match, tables.match.c.row_id == record.c.row_id)
        .where(is_this, ledger.c.disposition == "accepted")
    )
    for row in told.mappings():
        is_superseded = row["superseded_by_row_id"] is not None
        result.records[row["row_number"]] = {**row, "is_superseded": is_superseded, "waits": False}
    result.notices = [*_notices(connection, upload.upload_id)]
    kept = connection.execute(sa.select(photo).where(photo.c.upload_id == upload.upload_id))
    result.photos = {row.file_name: row.refused_because for row in kept}
    result.answer = _answer(connection, settings, upload.upload_id)
    return result


def _answer(connection: sa.Connection, settings: Settings, upload_id: int) -> dict[str, Any] | None:
    query = sa.select(tables.receipt.c.path).where(tables.receipt.c.upload_id == upload_id)
    path = connection.execute(query).scalar()
    if path is None or not (settings.site / f"{path}.xlsx").is_file():
        return None
    answer: dict[str, Any] = json.loads((settings.site / f"{path}.json").read_text(encoding="utf-8"))
    return answer


def _notices(connection: sa.Connection, upload_id: int) -> Iterator[str]:
    sheet, state = tables.raw_sheet, tables.stage_state
    query = sa.select(sheet.c.notice).where(sheet.c.upload_id == upload_id, sheet.c.notice.is_not(None))
    yield from connection.execute(query).scalars()
    summary = sa.select(state.c.counts).where(
        state.c.stage == validation.STAGE, state.c.scope == f"parse:{upload_id}"
    )
    for counts in connection.execute(summary).scalars():
        yield from counts["notices"]
        yield from (f"Onbekende kolom: {name}" for name in counts["unknown_columns"])


def _waiting(engine: sa.Engine, settings: Settings) -> list[tuple[str, int]]:
    """File name and row of what a person is asked to decide."""
    path = settings.site / "te beslissen.xlsx"
    review.export(engine, path)
    head, *rows = openpyxl.load_workbook(path).worksheets[0].iter_rows(values_only=True)
    return [(row[head.index("Bestand")], row[head.index("Rij")]) for row in rows]


def _said_otherwise(found_file: Found) -> list[str]:
    """Where the receipt says something else than the tables, or nothing."""
    answer = found_file.answer
    if answer is None:
        return ["there is none"]

    def rows(*keys: str) -> dict[int, tuple[str, ...]]:
        listed = [row for key in keys for row in answer[key]]
        return {row["row"]: tuple(reason["code"] for reason in row["reasons"]) for row in listed}

    said = {
        "rejected_because": (answer["rejected_because"], found_file.refused),
        "refused": (rows("refused_rows", "sum_rows"), found_file.codes(is_quarantined=True)),
        "remarked": (rows("remarked_rows"), found_file.codes(is_quarantined=False)),
        "duplicates": (len(answer["duplicate_rows"]), found_file.dispositions["duplicate"]),
    }
    return [f"{what}: {told} for {is_so}" for what, (told, is_so) in said.items() if told != is_so]


def wanted(expected: Expected) -> dict[str, Any]:
    """What was to become of a file, in the terms of `told`."""
    if isinstance(expected, Refused):
        return {
            "held": None,
            "said otherwise in the receipt": [],
            "is refused": True,
            "words not in the reason": [],
            "dispositions": Counter(),
        }
    assert isinstance(expected, Read)
    dispositions = {"accepted": expected.accepted, "duplicate": expected.duplicates}
    dispositions |= {"heading": expected.headings, "quarantined": len(expected.quarantined)}
    return {
        "held": None,
        "said otherwise in the receipt": [],
        "is refused": False,
        "reason": None,
        "rows with text": expected.rows,
        "dispositions": +Counter(dispositions),
        "quarantined": dict(expected.quarantined),
        "flagged": dict(expected.flagged),
        "reasons without words": [],
        "notices": dict.fromkeys(expected.notices, 1),
        "notices in all": len(expected.notices),
        "records": {number: _about(columns) for number, columns in expected.records.items()},
        "photos that are kept": dict(expected.photos),
    }


def told(expected: Expected, found_file: Found) -> dict[str, Any]:
    """What became of a file, to compare with what is `wanted`: of records only the columns that matter."""
    result: dict[str, Any] = {
        "held": found_file.held,
        "said otherwise in the receipt": _said_otherwise(found_file),
        "is refused": found_file.refused is not None,
    }
    if isinstance(expected, Refused):
        missing = [words for words in expected.says if words not in (found_file.refused or "")]
        result["words not in the reason"] = [*missing, found_file.refused] if missing else []
        return result | {"dispositions": found_file.dispositions}
    assert isinstance(expected, Read)
    messages = [reason["message"] for reasons in found_file.reasons.values() for reason in reasons]
    return result | {
        "reason": found_file.refused,
        "rows with text": found_file.read,
        "dispositions": found_file.dispositions,
        "quarantined": found_file.codes(is_quarantined=True),
        "flagged": found_file.codes(is_quarantined=False),
        "reasons without words": [message for message in messages if not message.strip()],
        "notices": {
            words: sum(words in notice for notice in found_file.notices) for words in expected.notices
        },
        "notices in all": len(found_file.notices),
        "records": {
            number: {name: found_file.records.get(number, {}).get(name, "?") for name in columns}
            for number, columns in expected.records.items()
        },
        "photos that are kept": {name: refused is None for name, refused in found_file.photos.items()},
    }


def _about(columns: Mapping[str, Any]) -> dict[str, Any]:
    """Coordinates need be right to the metre only: they came through another system."""
    return {
        name: pytest.approx(value, abs=1) if isinstance(value, float) else value
        for name, value in columns.items()
    }


def published(engine: sa.Engine, hydrant_ids: Collection[str]) -> dict[str, Published]:
    """What readers are told of hydrants."""
    row = tables.snapshot_hydrant.c
    query = sa.select(row.hydrant_id, row.status, row.is_conflict).where(row.hydrant_id.in_(hydrant_ids))
    with store.read(engine) as connection:
        return {name: Published(*rest) for name, *rest in connection.execute(query)}


def touched(engine: sa.Engine, settings: Settings, is_night_over: bool = True) -> list[str]:
    """What is wrong with landed files: each content lies under its hash, whole and not to be written to.

    Args:
        is_night_over: no file lies there that the store does not know of.
    """
    with store.read(engine) as connection:
        hashes = connection.execute(sa.select(tables.upload.c.sha256)).scalars()
        known = {landed_path(settings.landing, sha256) for sha256 in hashes}
    files = {path for path in settings.landing.rglob("*") if path.is_file()}
    files = {path for path in files if settings.landing / "journal" not in path.parents}
    wrong = known ^ files if is_night_over else known - files
    wrong |= {path for path in files if sha256_of(path) != path.name or path.stat().st_mode & 0o222}
    return sorted(map(str, wrong))


def settings_of(case: Case, settings: Settings, folder: Path) -> Settings:
    """The case's own settings, its uploads and what is made of them in a folder of its own."""
    own: dict[str, Any] = {name: folder / name for name in ("uploads", "landing", "photos", "site")}
    return settings.model_copy(update={**own, **case.settings})


def outside(folder: Path, settings: Settings) -> list[Path]:
    """Whatever lies in the case's folder beside what the settings name."""
    named = {settings.uploads, settings.landing, settings.photos, settings.site}
    return [path for path in folder.iterdir() if path not in named]
