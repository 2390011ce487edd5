"""How good the links are, measured against a truth that the pipeline never sees."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import sqlalchemy as sa

from hydrants import store
from hydrants.errors import ReferenceMissing

_KEY = ["file", "sheet", "row"]


def listed_rows(connection: sa.Connection) -> pd.DataFrame:
    """Every data row ever read, as `sql/rows.sql` defines it; `reasons` as codes joined by spaces."""
    rows = pd.DataFrame(store.run_sql(connection, "rows"))
    if rows.empty:
        return pd.DataFrame(columns=[*_KEY, "disposition", "reasons", "hydrant_id", "verdict"])

    def codes(reasons: Any) -> str:
        found = json.loads(reasons) if isinstance(reasons, str) else reasons
        return " ".join(reason["code"] for reason in found or [])

    return rows.assign(reasons=[codes(reasons) for reasons in rows["reasons"]])


def evaluate(connection: sa.Connection, truth_file: Path) -> dict[str, float | int]:
    """Compare the links with a truth file.

    Args:
        truth_file: CSV with `file`, `sheet`, `row`, `hydrant_id` (empty: no hydrant can be told).

    Returns:
        `precision` (right links / links), `recall` (right links / rows the truth links),
        `wrong_per_1000` (wrong links per 1 000 links; a link where the truth has none is wrong),
        `unresolved_share` (rows the truth links that have no link), `rows` (rows compared),
        `unlisted` (rows of the truth that were not read: a copy of a file is not read again). A link on a
        row that the truth does not know is wrong.

    Raises:
        ReferenceMissing: if the file is absent, lacks a column, or cannot be told apart from another
            content under the same name.
    """
    if not truth_file.is_file():
        raise ReferenceMissing(f"no truth file at {truth_file}")
    truth = pd.read_csv(truth_file, dtype=str, keep_default_na=False)
    if missing := {*_KEY, "hydrant_id"} - set(truth.columns):
        raise ReferenceMissing(f"{truth_file} lacks the column(s) {', '.join(sorted(missing))}")
    listed = listed_rows(connection).astype({"row": str})
    for name, rows in (("the truth file", truth), ("what was read", listed)):
        if rows.duplicated(_KEY).any():
            again = rows[rows.duplicated(_KEY)].iloc[0]
            raise ReferenceMissing(
                f"{name} has two contents for {again['file']} row {again['row']}: "
                "a file was replaced under its own name, and the truth speaks of one of them only"
            )
    both = truth.merge(listed, on=_KEY, how="outer", suffixes=("_true", ""), validate="1:1", indicator=True)
    is_true = both["hydrant_id_true"].fillna("") != ""
    is_linked = both["hydrant_id"].notna()
    right = int((is_true & is_linked & (both["hydrant_id"] == both["hydrant_id_true"])).sum())
    links = int(is_linked.sum())
    return {
        "precision": right / links if links else 0.0,
        "recall": right / int(is_true.sum()) if is_true.any() else 0.0,
        "wrong_per_1000": 1000 * (links - right) / links if links else 0.0,
        "unresolved_share": float((is_true & ~is_linked).sum() / is_true.sum()) if is_true.any() else 0.0,
        "rows": int((both["_merge"] == "both").sum()),
        "unlisted": int((both["_merge"] == "left_only").sum()),
    }
