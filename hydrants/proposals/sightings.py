"""The records that saw a hydrant which no register has."""

from __future__ import annotations

import pandas as pd
import sqlalchemy as sa

from hydrants import store
from hydrants.matching.identifiers import fold
from hydrants.store import tables

NO_HYDRANT_SEEN = "not_found"
DECIDED = "decision"
_TELLING_CHARACTERS = 3  # a shorter number is the line of a list, not a hydrant's


def sightings(connection: sa.Connection) -> pd.DataFrame:
    """Every current record that counts, saw a hydrant, and was matched to be of none that is registered.

    Returns:
        file (firm/gemeente/name), sha256, sheet, row, contractor, nis, inspected_on, outcome, hydrant_ref,
        number (folded; None where none was written or it tells nothing), hydrant_type, diameter_mm,
        address_text, street, x_l72, y_l72, accuracy_m (metres; NaN without a place), is_outside_gemeente,
        is_decided (a person said that it is in no register), content_hash (hex, of what the row says: the
        same when it comes in another file). Earliest first: by inspected_on, content_hash, sha256, sheet,
        row, which no order of arrival changes.
    """
    match, record, location = tables.match.c, tables.record.c, tables.location.c
    raw_row, sheet, upload = tables.raw_row.c, tables.raw_sheet.c, tables.upload.c
    is_sheet = sa.and_(sheet.upload_id == raw_row.upload_id, sheet.sheet_number == raw_row.sheet_number)
    file = upload.contractor + "/" + upload.nis + "/" + upload.file_name
    query = (
        sa.select(
            file.label("file"),
            upload.sha256,
            sheet.sheet,
            raw_row.row_number.label("row"),
            record.contractor,
            record.nis,
            record.inspected_on,
            record.outcome,
            record.hydrant_ref,
            record.hydrant_type,
            record.diameter_mm,
            record.address_text,
            location.street,
            location.x_l72,
            location.y_l72,
            location.location_accuracy_m.label("accuracy_m"),
            location.is_outside_gemeente,
            tables.ledger.c.content_hash,
            match.match_method,
        )
        .select_from(tables.match)
        .join(tables.record, record.row_id == match.row_id)
        .join(tables.ledger, tables.ledger.c.row_id == match.row_id)
        .join(tables.location, location.row_id == match.row_id)
        .join(tables.raw_row, raw_row.row_id == match.row_id)
        .join(tables.raw_sheet, is_sheet)
        .join(tables.upload, upload.upload_id == match.upload_id)
        .where(
            match.verdict == "new",
            tables.ledger.c.disposition == "accepted",
            record.superseded_by_row_id.is_(None),
            record.is_withdrawn.is_(False),
            record.outcome != NO_HYDRANT_SEEN,
        )
    )
    found = store.read_frame(connection, query)
    found = found.astype({"x_l72": float, "y_l72": float, "accuracy_m": float, "diameter_mm": float})
    objects = ["hydrant_ref", "hydrant_type", "address_text", "street", "match_method"]
    found[objects] = found[objects].astype(object).where(found[objects].notna(), None)
    found["number"] = pd.Series([_number(ref) for ref in found["hydrant_ref"]], dtype=object)
    found["is_decided"] = found.pop("match_method").eq(DECIDED)
    found["content_hash"] = [bytes(content_hash).hex() for content_hash in found["content_hash"]]
    return found.sort_values(["inspected_on", "content_hash", "sha256", "sheet", "row"], ignore_index=True)


def _number(reference: str | None) -> str | None:
    number = fold(reference)
    if number is None or len(number) < _TELLING_CHARACTERS or not any(map(str.isdigit, number)):
        return None
    return number
