"""The workbook of rows that wait for a decision."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import sqlalchemy as sa
import xlsxwriter

from hydrants import store
from hydrants.review.decisions import Said, said
from hydrants.spreadsheet import OPTIONS, put
from hydrants.store import tables

SHEET = "Te beslissen"
NEW = "nieuw"

KEY = ("sha256", "Blad", "Rij")
DECISION, NOTE = "Beslissing", "Toelichting"
_WIDTHS = {  # header -> width in characters; also the order of the columns
    "sha256": 10,
    "Bestand": 30,
    "Blad": 12,
    "Rij": 7,
    "Firma": 12,
    "Gemeente": 16,
    "Nr. volgens rij": 16,
    "Datum": 11,
    "Adres": 30,
    "Resultaat": 18,
    "Opmerking": 30,
    "Waarom": 44,
    "Beste kandidaat": 22,
    "Kans": 7,
    "Afstand (m)": 11,
    "Tweede kandidaat": 22,
    "Kans tweede": 11,
    DECISION: 22,
    NOTE: 30,
}
_OUTCOMES_NL = {
    "ok": "goedgekeurd",
    "failed": "afgekeurd",
    "not_found": "niet gevonden",
    "not_testable": "niet controleerbaar",
    "repaired": "hersteld",
}
_EXPLANATION_NL = (
    "Elke rij hieronder hoort bij een brandkraan die niet met zekerheid herkend is.",
    f"Vul in de kolom '{DECISION}' het nummer van de brandkraan in, of '{NEW}' als ze niet in het register "
    "staat.",
    "De keuzelijst stelt de beste kandidaten voor; elk ander nummer uit het register mag ook.",
    "Laat de cel leeg om nog niet te beslissen. Rijen sorteren of filteren mag; kolommen wissen niet.",
)
_CLOSE_SHARE = 0.2  # a runner-up this likely is worth naming as the reason


def export(engine: sa.Engine, path: Path, contractor: str | None = None, nis: str | None = None) -> int:
    """Write a workbook of the rows that wait for a decision.

    Args:
        path: .xlsx, replaced as a whole when it exists.
        contractor, nis: only rows of this firm's files, of this gemeente's folder.

    Returns:
        How many rows wait.
    """
    with store.read(engine) as connection:
        decided = said(connection, contractor, nis)
        undecided = connection.execute(_undecided(contractor, nis)).mappings()
        rows = [{**row, "said": decided.get(row["row_id"])} for row in undecided]
    rows = [row for row in rows if not (row["said"] and row["said"].is_clear)]
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.part")
    _write(unfinished, rows)
    unfinished.replace(path)
    return len(rows)


def _undecided(contractor: str | None, nis: str | None) -> sa.Select[Any]:
    """The rows that wait, and those that a person decided after they were last matched."""
    match, record, upload, sheet = tables.match.c, tables.record.c, tables.upload.c, tables.raw_sheet.c
    raw_row = tables.raw_row.c
    query = (
        sa.select(
            match.row_id,
            upload.sha256,
            upload.file_name,
            sheet.sheet,
            raw_row.row_number,
            upload.contractor,
            tables.gemeente.c.name_nl,
            record.hydrant_ref,
            record.inspected_on,
            record.address_text,
            record.outcome,
            record.remark,
            match.verdict,
            match.best_hydrant_id,
            match.score,
            match.distance_m,
            match.runner_up_hydrant_id,
            match.runner_up_score,
        )
        .select_from(tables.match)
        .join(tables.record, record.row_id == match.row_id)
        .join(tables.raw_row, raw_row.row_id == match.row_id)
        .join(
            tables.raw_sheet,
            sa.and_(sheet.upload_id == raw_row.upload_id, sheet.sheet_number == raw_row.sheet_number),
        )
        .join(tables.upload, upload.upload_id == raw_row.upload_id)
        .join(tables.gemeente, tables.gemeente.c.nis == record.nis)
        .where(
            match.verdict.in_(["review", "new", "unlocated"]),
            record.superseded_by_row_id.is_(None),
            record.is_withdrawn.is_(False),
        )
        .order_by(upload.contractor, upload.nis, upload.file_name, upload.sha256)
        .order_by(raw_row.sheet_number, raw_row.row_number, raw_row.row_id)
    )
    if contractor is not None:
        query = query.where(upload.contractor == contractor)
    return query if nis is None else query.where(upload.nis == nis)


def _why_nl(row: dict[str, Any]) -> str:
    before: Said | None = row["said"]
    if before is not None and len(before.hydrant_ids) > 1:
        answers = " en ".join(answer or NEW for answer in before.hydrant_ids)
        return f"tegenstrijdig beslist, ook op herhalingen van deze rij: {answers}"
    if before is not None:
        return f"eerder beslist: {before.hydrant_ids[0]}, die niet meer in het register staat"
    if row["verdict"] == "unlocated":
        return "geen plaats en geen gekend nummer"
    if row["best_hydrant_id"] is None:
        return "geen brandkraan van het register in de buurt"
    if row["verdict"] == "new":
        return "staat waarschijnlijk niet in het register"
    if (row["runner_up_score"] or 0) >= _CLOSE_SHARE:
        return "dubbelzinnig: twee brandkranen komen in aanmerking"
    return "niet zeker genoeg om vanzelf te koppelen"


def _cells(row: dict[str, Any]) -> list[Any]:
    """Values in the order of `_WIDTHS`."""
    return [
        row["sha256"],
        row["file_name"],
        row["sheet"],
        row["row_number"],
        row["contractor"],
        row["name_nl"],
        row["hydrant_ref"],
        row["inspected_on"],
        row["address_text"],
        _OUTCOMES_NL[row["outcome"]],
        row["remark"],
        _why_nl(row),
        row["best_hydrant_id"],
        row["score"],
        row["distance_m"],
        row["runner_up_hydrant_id"],
        row["runner_up_score"],
        None,
        None,
    ]


def _write(path: Path, rows: list[dict[str, Any]]) -> None:
    with xlsxwriter.Workbook(path, OPTIONS) as workbook:
        sheet = workbook.add_worksheet(SHEET)
        head = workbook.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
        day = workbook.add_format({"num_format": "dd/mm/yyyy", "align": "left"})
        percentage = workbook.add_format({"num_format": "0%"})
        metres = workbook.add_format({"num_format": "0.0"})
        to_fill_in = workbook.add_format({"bg_color": "#FFF4CC", "border": 1, "border_color": "#C9B458"})
        formats = {"Datum": day, "Kans": percentage, "Kans tweede": percentage, "Afstand (m)": metres}
        formats |= dict.fromkeys((DECISION, NOTE), to_fill_in)
        for column, (header, width) in enumerate(_WIDTHS.items()):
            sheet.set_column(column, column, width, None, {"hidden": header == "sha256"})
            sheet.write_string(0, column, header, head)
        answer_column = list(_WIDTHS).index(DECISION)
        for number, row in enumerate(rows, start=1):
            for column, (header, value) in enumerate(zip(_WIDTHS, _cells(row), strict=True)):
                put(sheet, number, column, value, formats.get(header))
            candidates = [row[name] for name in ("best_hydrant_id", "runner_up_hydrant_id") if row[name]]
            choices = {
                "validate": "list",
                "source": [*candidates, NEW],
                "error_type": "information",  # any other number of the register is welcome
                "error_message": "Dit nummer staat niet in de keuzelijst. Toch gebruiken?",
            }
            sheet.data_validation(number, answer_column, number, answer_column, choices)
        sheet.freeze_panes(1, 0)
        sheet.autofilter(0, 0, len(rows), len(_WIDTHS) - 1)
        sheet.set_landscape()
        explanation = workbook.add_worksheet("Uitleg")
        explanation.set_column(0, 0, 110)
        for number, line in enumerate(_EXPLANATION_NL):
            explanation.write_string(number, 0, line)
