"""What decisions teach: a truth file to measure by, and reading one."""

from __future__ import annotations

import csv
from pathlib import Path

import pandas as pd
import sqlalchemy as sa

from hydrants.review.decisions import decided_rows
from hydrants.spreadsheet import guarded, unguarded

LABEL_COLUMNS = ("file", "sheet", "row", "hydrant_id", "why", "bron", "sha256")
LABEL_SOURCE = "beslissing van een persoon"


def labels(connection: sa.Connection) -> tuple[pd.DataFrame, int]:
    """The decisions as a truth to measure by.

    Returns:
        `LABEL_COLUMNS`: file (firm/gemeente/name), sheet, row, hydrant_id (empty: not in the register), why
        (the person's note), bron, sha256 (of the file: names are used again); ordered by file, sheet, row,
        sha256. And how many decisions are left out: those whose hydrant is no longer registered or whose
        file was not received here.
    """
    decided = decided_rows(connection)
    usable = decided[decided["is_registered"].astype(bool) & decided["target_row_id"].notna()]
    frame = pd.DataFrame(
        {
            "file": usable["contractor"] + "/" + usable["nis"] + "/" + usable["file_name"],
            "sheet": usable["sheet"],
            "row": usable["row_number"],
            "hydrant_id": usable["hydrant_id"].fillna(""),
            "why": usable["note"].fillna(""),
            "bron": LABEL_SOURCE,
            "sha256": usable["sha256"],
        },
        columns=list(LABEL_COLUMNS),
    ).sort_values(["file", "sheet", "row", "sha256"], ignore_index=True)
    return frame, len(decided) - len(usable)


def write_labels(path: Path, frame: pd.DataFrame) -> None:
    """Write labels as CSV (UTF-8), with no text that a spreadsheet would take for a formula."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)  # which quotes what its line ends consist of, \r too
        writer.writerow(frame.columns)
        writer.writerows([guarded(value) for value in row] for row in frame.itertuples(index=False))


def read_labels(path: Path) -> pd.DataFrame:
    """The columns of a CSV, all text, as they were before `write_labels`; empty text where there is none."""
    frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    return frame.apply(lambda column: column.map(unguarded)) if len(frame) else frame
