"""The stage: one batch's records in, its `match` rows out."""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass
from functools import cached_property

import pandas as pd
import sqlalchemy as sa

from hydrants import reference, register, store
from hydrants.matching import loading
from hydrants.matching.linking import Linked, link
from hydrants.matching.parameters import Parameters
from hydrants.settings import Settings
from hydrants.store.tables import finding, match, rows_of

_log = logging.getLogger(__name__)

STAGE = "matching"
VERSION = 3


@dataclass(frozen=True)
class Examined:
    """A batch and what the matcher makes of it.

    Attributes:
        records: one row per accepted record, with `row_id`, `upload_id` and what `link` wants.
        hydrants: one row per registered hydrant that was looked at.
        linked: what came out, with positions in the two frames.
    """

    records: pd.DataFrame
    hydrants: pd.DataFrame
    linked: Linked

    @property
    def verdicts(self) -> pd.DataFrame:
        """One row per record: what the matcher says."""
        return self.linked.verdicts

    @cached_property
    def rows(self) -> pd.DataFrame:
        """One row per record: what the stage stores, in which people have the last word."""
        return _match_rows(self)


def run(engine: sa.Engine, settings: Settings, contractor: str, nis: str) -> dict[str, int]:
    """Match every accepted record of a batch to the register; a no-op when nothing it depends on changed.

    Returns:
        Records by verdict (linked, review, new, unlocated) if they were computed anew, else zeros; and
        `amiss`, the uploads with positions that are wrong as a whole.
    """
    scope = f"batch:{contractor}/{nis}"
    with store.write(engine, turn=f"matching {contractor}/{nis}") as connection:
        decided = loading.decisions(connection, contractor, nis)
        inputs = store.fingerprint(
            VERSION,
            asdict(Parameters()),
            settings.link_probability,
            register.latest_version(connection),
            sorted(decided.chosen.items()),
            sorted(decided.open),
            sorted(row[:3] for row in reference.contracts()),
            loading.geocoded(connection, contractor, nis),
        )
        counts = {"linked": 0, "review": 0, "new": 0, "unlocated": 0, "amiss": 0}
        if store.is_done(connection, STAGE, scope, inputs):
            return counts
        examined = examine(connection, settings, contractor, nis)
        rows = examined.rows
        uploads = loading.uploads(connection, contractor, nis)
        columns = [column.name for column in match.columns]
        store.replace_rows(connection, match, rows[columns], rows_of(match, uploads))
        store.replace_rows(connection, finding, _finding_rows(examined), finding.c.upload_id.in_(uploads))
        counts |= {str(verdict): int(n) for verdict, n in rows["verdict"].value_counts().items()}
        for found in examined.linked.findings:
            _log.warning("%s/%s: nothing is linked of an upload that is amiss: %s", contractor, nis, found)
        counts["amiss"] = len(examined.linked.findings)
        parameters = asdict(examined.linked.parameters)
        store.mark_done(connection, STAGE, scope, inputs, counts | {"parameters": parameters})
    return counts


def examine(
    connection: sa.Connection, settings: Settings, contractor: str, nis: str, with_decisions: bool = True
) -> Examined:
    """Match a batch without storing anything.

    Args:
        with_decisions: whether what people decided outranks the scores, as it does in the stage.
    """
    version_id = register.latest_version(connection)
    decided = loading.decisions(connection, contractor, nis) if with_decisions else loading.NO_DECISIONS
    records = loading.records(connection, contractor, nis, decided)
    # as folded, and as the crews write them: a register may have the signs that folding takes away
    numbers = {*records["ref"].dropna(), *records["hydrant_ref"].dropna()}
    hydrants = loading.hydrants(connection, contractor, sorted({nis, *records["nis"]}), numbers, version_id)
    return Examined(records, hydrants, link(records, hydrants, link_probability=settings.link_probability))


def _finding_rows(examined: Examined) -> list[dict[str, object]]:
    upload_ids = examined.records["source"].unique()
    return [
        {
            "upload_id": int(upload_ids[found.source]),
            "what": str(found.what),
            "records": found.records,
            "share": found.share,
            "east_m": found.east_m,
            "north_m": found.north_m,
        }
        for found in examined.linked.findings
    ]


def _match_rows(examined: Examined) -> pd.DataFrame:
    records, verdicts = examined.records, examined.verdicts
    rows = verdicts.assign(row_id=records["row_id"], upload_id=records["upload_id"], hydrant_id=None)
    # a score does not settle what a person decided otherwise
    rows.loc[records["is_open"] & (rows["verdict"] == "linked"), ["verdict", "match_method"]] = [
        "review",
        None,
    ]
    rows["hydrant_id"] = rows["best_hydrant_id"].where(rows["verdict"] == "linked", None)
    # a person may have chosen a hydrant that lies outside what was looked at here
    is_decided = records["decided"].notna() & (records["decided"] != "")
    rows.loc[is_decided, "verdict"] = "linked"
    rows.loc[is_decided, "match_method"] = "decision"
    rows.loc[is_decided, "score"] = 1.0
    for column in ("hydrant_id", "best_hydrant_id"):
        rows.loc[is_decided, column] = records.loc[is_decided, "decided"]
    is_contracted = examined.hydrants.set_index("hydrant_id")["is_contracted"]
    rows["is_other_contractor"] = rows["hydrant_id"].map(is_contracted).eq(False)
    return rows
