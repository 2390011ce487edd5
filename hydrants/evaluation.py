"""How good the links are: against a truth that the pipeline never sees, or against what people decided."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import sqlalchemy as sa

from hydrants import review, store
from hydrants.errors import ReferenceMissing
from hydrants.settings import Settings

_KEY = ["file", "sheet", "row"]
_CONTENT_KEY = ["sha256", "sheet", "row"]


def listed_rows(connection: sa.Connection) -> pd.DataFrame:
    """Every data row ever read, as `sql/rows.sql` defines it; `reasons` as codes joined by spaces."""
    rows = pd.DataFrame(store.run_sql(connection, "rows"))
    if rows.empty:
        return pd.DataFrame(columns=[*_KEY, "disposition", "reasons", "hydrant_id", "verdict", "sha256"])

    def codes(reasons: Any) -> str:
        found = json.loads(reasons) if isinstance(reasons, str) else reasons
        return " ".join(reason["code"] for reason in found or [])

    return rows.assign(reasons=[codes(reasons) for reasons in rows["reasons"]])


def evaluate(
    connection: sa.Connection, truth_file: Path, *, is_partial: bool = False
) -> dict[str, float | int]:
    """Compare the links with a truth file.

    Args:
        truth_file: CSV with `file`, `sheet`, `row`, `hydrant_id` (empty: no hydrant can be told). With
            `sha256` too, files go by that instead of by their names, which are used again.
        is_partial: the truth is silent about most rows, such as the labels that decisions make; only the
            rows that it names count.

    Returns:
        `precision` (right links / links), `recall` (right links / rows the truth links),
        `wrong_per_1000` (wrong links per 1 000 links; a link where the truth has none is wrong),
        `unresolved_share` (rows the truth links that have no link), `rows` (rows compared),
        `unlisted` (rows of the truth that were not read: a copy of a file is not read again). A link on a
        row that the truth does not know is wrong, unless the truth is partial.

    Raises:
        ReferenceMissing: if the file is absent, lacks a column, or cannot be told apart from another
            content under the same name.
    """
    if not truth_file.is_file():
        raise ReferenceMissing(f"no truth file at {truth_file}")
    truth = review.read_labels(truth_file)
    if missing := {*_KEY, "hydrant_id"} - set(truth.columns):
        raise ReferenceMissing(f"{truth_file} lacks the column(s) {', '.join(sorted(missing))}")
    listed = listed_rows(connection).astype({"row": str})
    key = _KEY
    if "sha256" in truth.columns:
        key = _CONTENT_KEY
        listed = listed.drop_duplicates(key)  # sheets may be namesakes: a decision is on the first
    if is_partial:
        listed = listed[pd.MultiIndex.from_frame(listed[key]).isin(pd.MultiIndex.from_frame(truth[key]))]
    for name, rows in (("the truth file", truth), ("what was read", listed)):
        if rows.duplicated(key).any():
            again = rows[rows.duplicated(key)].iloc[0]
            raise ReferenceMissing(
                f"{name} has two contents for {again['file']} row {again['row']}: "
                "a file was replaced under its own name, and the truth speaks of one of them only"
            )
    truth = truth[[*key, "hydrant_id"]]
    both = truth.merge(listed, on=key, how="outer", suffixes=("_true", ""), validate="1:1", indicator=True)
    return {
        **_measured(both["hydrant_id_true"].replace("", None), both["hydrant_id"]),
        "rows": int((both["_merge"] == "both").sum()),
        "unlisted": int((both["_merge"] == "left_only").sum()),
    }


def evaluate_decisions(connection: sa.Connection, settings: Settings) -> dict[str, float | int]:
    """Compare what people decided with what the matcher says of the same rows when nobody decides.

    Every batch that has decisions is matched again without any of them; nothing is stored. People decide
    what the matcher doubts, so these figures are of the hardest rows, not of all.

    Returns:
        As `evaluate`, over the decided rows; `rows` are those compared, `unlisted` the decisions whose row
        has no accepted record here, `lapsed` those whose hydrant is no longer registered, `decisions` all
        three together. `best_candidate_share`: of the rows that people linked, those whose best candidate,
        linked or not, is the hydrant that they chose.

    Raises:
        ReferenceMissing: if no register was ever loaded.
    """
    decided = review.decided_rows(connection)
    is_registered = decided["is_registered"].astype(bool)
    standing = decided[is_registered & decided["target_row_id"].notna()]
    verdicts = _own_verdicts(connection, settings, standing)
    both = standing.merge(verdicts, left_on="target_row_id", right_on="row_id", validate="m:1")
    linked = both["best_hydrant_id"].where(both["own_verdict"] == "linked", None)
    is_linked_by_person = both["hydrant_id"].notna()
    is_best = is_linked_by_person & (both["best_hydrant_id"] == both["hydrant_id"])
    return {
        **_measured(both["hydrant_id"], linked),
        "rows": len(both),
        "unlisted": int(is_registered.sum()) - len(both),
        "decisions": len(decided),
        "lapsed": int((~is_registered).sum()),
        "best_candidate_share": _share(is_best, is_linked_by_person),
    }


def _own_verdicts(connection: sa.Connection, settings: Settings, decided: pd.DataFrame) -> pd.DataFrame:
    """row_id, own_verdict, best_hydrant_id of every record of the batches that have decisions."""
    from hydrants.matching.stage import examine  # lazy: measuring against a file needs no matcher

    found = [
        pd.DataFrame(
            {
                "row_id": examined.records["row_id"].to_numpy(),
                "own_verdict": examined.verdicts["verdict"].to_numpy(),
                "best_hydrant_id": examined.verdicts["best_hydrant_id"].to_numpy(object),
            }
        )
        for contractor, nis in sorted(set(zip(decided["contractor"], decided["nis"], strict=True)))
        for examined in [examine(connection, settings, contractor, nis, with_decisions=False)]
    ]
    columns = {"row_id": object, "own_verdict": object, "best_hydrant_id": object}
    nothing = pd.DataFrame(columns=list(columns))
    return pd.concat([nothing, *found], ignore_index=True).astype(columns)


def _measured(true_id: pd.Series[Any], linked_id: pd.Series[Any]) -> dict[str, float | int]:
    """The shares of `evaluate`, from the true hydrant and the linked one of each row, missing for none."""
    is_true, is_linked = true_id.notna(), linked_id.notna()
    is_right = is_true & is_linked & (true_id == linked_id)
    links = int(is_linked.sum())
    return {
        "precision": _share(is_right, is_linked),
        "recall": _share(is_right, is_true),
        "wrong_per_1000": 1000 * (links - int(is_right.sum())) / links if links else 0.0,
        "unresolved_share": _share(is_true & ~is_linked, is_true),
    }


def _share(part: pd.Series[bool], whole: pd.Series[bool]) -> float:
    return int(part.sum()) / int(whole.sum()) if whole.any() else 0.0
