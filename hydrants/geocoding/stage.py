"""The stage: the records of one batch in, their places out."""

from __future__ import annotations

from typing import Any

import pandas as pd
import sqlalchemy as sa

from hydrants import store
from hydrants.geocoding import online
from hydrants.geocoding.locating import Areas, locate, open_texts
from hydrants.reference import addresses
from hydrants.settings import Settings
from hydrants.store import tables

STAGE, PREVIOUS_STAGE = "geocoding", "validation"
VERSION = 3
"""Raised when the same inputs give other results."""


def run(engine: sa.Engine, settings: Settings, contractor: str, nis: str) -> dict[str, int]:
    """Locate the accepted records of one batch, upload by upload; what is done already is left alone.

    An upload with questions that the online service has not answered is looked at in every run.

    Args:
        contractor, nis: the batch: uploads of this firm in this gemeente's folder.

    Returns:
        located, unlocated: records of the uploads computed in this run, with and without a point. With an
        online service also questions_asked, questions_failed, and waiting: all records without a point
        that wait for its answer, also of uploads that are left as they were.

    Raises:
        ReferenceMissing: if the boundaries file is absent or lacks a gemeente.
    """
    areas = Areas.load(settings)
    is_online = bool(settings.online_geocoder)
    counts = {"located": 0, "unlocated": 0}
    if is_online:
        counts |= {"questions_asked": 0, "questions_failed": 0, "waiting": 0}
    with store.read(engine) as connection:
        pending = _pending(connection, settings, contractor, nis, areas)
        is_asking = is_online and bool(pending)
        texts = open_texts(connection, _records(connection, list(pending))) if is_asking else set()
    if not pending:
        return counts
    if texts:  # between two transactions: nobody may wait for the network while holding the store
        counts |= online.ask(engine, settings, texts)
    with store.write(engine, turn=f"geocoding {contractor}/{nis}") as connection:
        pending = _pending(connection, settings, contractor, nis, areas)
        locations, open_questions = locate(connection, settings, _records(connection, list(pending)), areas)
        _store(connection, locations, open_questions, pending, counts)
    return counts


def _store(
    connection: sa.Connection,
    locations: pd.DataFrame,
    open_questions: pd.Series[Any],
    pending: dict[int, str],
    counts: dict[str, int],
) -> None:
    """Replace the locations of the uploads whose places or open questions are not those of the run before."""
    of_upload = open_questions.dropna().groupby(locations["upload_id"]).agg(lambda keys: sorted(set(keys)))
    changed: dict[int, str] = {}
    for upload_id, inputs in pending.items():
        if upload_id in of_upload.index:
            inputs = store.fingerprint(inputs, of_upload[upload_id])
        if not store.is_done(connection, STAGE, f"upload:{upload_id}", inputs):
            changed[upload_id] = inputs
    is_changed = locations["upload_id"].isin(list(changed))
    store.replace_rows(
        connection, tables.location, locations[is_changed], tables.rows_of(tables.location, changed)
    )
    has_point = locations["x_l72"].notna()
    for upload_id, inputs in changed.items():
        is_here = locations["upload_id"] == upload_id
        found = {"located": int((is_here & has_point).sum()), "unlocated": int((is_here & ~has_point).sum())}
        for name, count in found.items():
            counts[name] += count
        if "waiting" in counts:
            found["waiting"] = int((is_here & open_questions.notna()).sum())
        store.mark_done(connection, STAGE, f"upload:{upload_id}", inputs, found)
    if "waiting" in counts:
        counts["waiting"] = int(open_questions.notna().sum())


def _pending(
    connection: sa.Connection, settings: Settings, contractor: str, nis: str, areas: Areas
) -> dict[int, str]:
    """The validated uploads whose inputs are not those of their stored locations: id -> fingerprint.

    The fingerprint is the one that an upload without open questions has.
    """
    upload, state = tables.upload.c, tables.stage_state.c
    scope = sa.literal("upload:") + sa.cast(upload.upload_id, sa.Text)
    query = (
        sa.select(upload.upload_id, state.fingerprint)
        .join(tables.stage_state, sa.and_(state.stage == PREVIOUS_STAGE, state.scope == scope))
        .where(upload.contractor == contractor, upload.nis == nis)
        .order_by(upload.upload_id)
    )
    address_table, service = addresses.fingerprint(connection), online.source(settings)
    wanted = {
        upload_id: store.fingerprint(VERSION, validated, address_table, areas.fingerprint, service)
        for upload_id, validated in connection.execute(query)
    }
    return {
        upload_id: inputs
        for upload_id, inputs in wanted.items()
        if not store.is_done(connection, STAGE, f"upload:{upload_id}", inputs)
    }


def _records(connection: sa.Connection, upload_ids: list[int]) -> pd.DataFrame:
    record, ledger = tables.record.c, tables.ledger.c
    query = (
        sa.select(
            record.row_id,
            record.upload_id,
            record.nis,
            record.deelgemeente,
            record.address_text,
            record.postcode,
            record.x_given,
            record.y_given,
            record.crs_given,
        )
        .join(tables.ledger, ledger.row_id == record.row_id)
        .where(
            tables.rows_of(tables.record, upload_ids),
            tables.rows_of(tables.ledger, upload_ids),
            ledger.disposition == "accepted",
        )
        .order_by(record.row_id)
    )
    return store.read_frame(connection, query)
