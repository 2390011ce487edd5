"""Validation: rows of text become inspections by the firm's profile, or are refused with reasons.

Two steps in one transaction per batch. Parsing looks at one upload at a time and is
done once per content and profile. Settling looks at all rows of the batch, since a
file that arrives today can hold the first copy, or a newer version, of a row that
was accepted last week.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from hydrants import reference, store
from hydrants.reference import profile as profiles
from hydrants.settings import Settings
from hydrants.store.tables import ledger, raw_sheet, release, rows_of, stage_state, upload
from hydrants.validation.moments import BRUSSELS
from hydrants.validation.parsing import Summary, Upload, parse_upload
from hydrants.validation.settling import exceptions, settle

STAGE = "validation"
VERSION = 3

_DAYS_AFTER_CAMPAIGN = 366


def run(engine: sa.Engine, settings: Settings, contractor: str, nis: str) -> dict[str, int]:
    """Validate the uploads of the batch that have been read.

    An upload without the required headings is refused as a whole (`rejected_because`) and has
    no rows in the ledger. One with more refused rows than its firm's profile expects is held
    (`held_because`): none of its rows counts until a person releases it. What the sender should
    know beside the rows (columns that nobody knows, sheets that are no table) stands in the
    counts of `stage_state`.

    Returns:
        accepted, quarantined, duplicates: rows of uploads parsed now; files_rejected, files_held of those;
        resettled: rows of other uploads whose disposition or newer version changed.
        All zero when nothing is new.
    """
    counts = {
        "accepted": 0,
        "quarantined": 0,
        "duplicates": 0,
        "files_rejected": 0,
        "files_held": 0,
        "resettled": 0,
    }
    profile = profiles.load(contractor)
    with store.write(engine) as connection:
        uploads = _uploads(connection, settings, contractor, nis)
        inputs = {
            item: store.fingerprint(VERSION, profile.fingerprint, _gemeenten(), item) for item in uploads
        }
        batch = f"batch:{contractor}/{nis}"
        batch_inputs = store.fingerprint(list(inputs.values()))
        if store.is_done(connection, STAGE, batch, batch_inputs):
            return counts
        parsed: dict[int, Summary] = {}
        for item in uploads:
            scope = f"parse:{item.upload_id}"
            if not store.is_done(connection, STAGE, scope, inputs[item]):
                summary = parsed[item.upload_id] = parse_upload(connection, item, profile)
                store.mark_done(connection, STAGE, scope, inputs[item], asdict(summary))
        changed = settle(connection, contractor, nis)
        if parsed:
            # what joins it is planned well then: of the newest upload, whose rows come after all that are
            # known, a planner expects one, and would hold each of them against each. Settling joins nothing
            # so, and is planned worse by it
            store.refresh_statistics_of_key_within(connection, ledger)
        for item in uploads:
            if item.upload_id in parsed or item.upload_id in changed:
                dispositions = _count(connection, item.upload_id)
                # later stages look at this one: it changes with what was parsed and with what was settled
                settled = store.fingerprint(inputs[item], exceptions(connection, item.upload_id))
                store.mark_done(connection, STAGE, f"upload:{item.upload_id}", settled, dispositions)
                _add(counts, dispositions, parsed.get(item.upload_id), changed[item.upload_id])
        store.mark_done(connection, STAGE, batch, batch_inputs, counts)
    return counts


def _uploads(connection: sa.Connection, settings: Settings, contractor: str, nis: str) -> list[Upload]:
    """The batch's uploads that were read and not refused, locked so that a second run waits."""
    query = (
        sa.select(
            upload.c.upload_id,
            upload.c.sha256,
            upload.c.contractor,
            upload.c.nis,
            upload.c.file_name,
            upload.c.landed_at,
            stage_state.c.fingerprint,
            sa.exists().where(release.c.sha256 == upload.c.sha256).label("is_released"),
        )
        .join_from(
            upload,
            stage_state,
            (stage_state.c.stage == "reading")
            & (stage_state.c.scope == sa.literal("upload:").concat(sa.cast(upload.c.upload_id, sa.Text))),
        )
        .where(upload.c.contractor == contractor, upload.c.nis == nis)
        .where(sa.exists().where(raw_sheet.c.upload_id == upload.c.upload_id))
        .order_by(upload.c.upload_id)
        .with_for_update(of=upload)
    )
    return [
        Upload(
            upload_id=row.upload_id,
            sha256=row.sha256,
            contractor=row.contractor,
            nis=row.nis,
            file_name=row.file_name,
            read_fingerprint=row.fingerprint,
            earliest_on=settings.campaign_start,
            latest_on=latest_on(row.landed_at, settings.campaign_end),
            is_released=row.is_released,
        )
        for row in connection.execute(query)
    ]


def latest_on(landed_at: datetime, campaign_end: date) -> date:
    """The last day an inspection can have been: not after the file came, nor long after the campaign.

    The day of the run would make a re-run differ from the run before.
    """
    landed_utc = landed_at if landed_at.tzinfo else landed_at.replace(tzinfo=UTC)  # SQLite keeps no zone
    landed_on = landed_utc.astimezone(BRUSSELS).date()
    return min(landed_on, campaign_end + timedelta(days=_DAYS_AFTER_CAMPAIGN))


def _gemeenten() -> list[Any]:
    return [(row.nis, row.name_nl, row.postcodes) for row in reference.gemeenten().values()]


def _count(connection: sa.Connection, upload_id: int) -> dict[str, int]:
    query = (
        sa.select(ledger.c.disposition, sa.func.count())
        .where(rows_of(ledger, [upload_id]))
        .group_by(ledger.c.disposition)
    )
    found = dict(row._tuple() for row in connection.execute(query))
    return {name: found.get(name, 0) for name in ("accepted", "quarantined", "duplicate", "heading")}


def _add(counts: dict[str, int], dispositions: dict[str, int], parsed: Summary | None, changed: int) -> None:
    if parsed is None:
        counts["resettled"] += changed
        return
    counts["accepted"] += dispositions["accepted"]
    counts["quarantined"] += dispositions["quarantined"]
    counts["duplicates"] += dispositions["duplicate"]
    counts["files_rejected"] += parsed.rejected_because is not None
    counts["files_held"] += parsed.held_because is not None
