"""truth.csv: which hydrant each row of each upload is about, or why none. The pipeline never reads it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from hydrants.demo.registers import SOURCE

SUMMARY = "refused: SUMMARY_ROW"
COLUMNS = ["file", "sheet", "row", "hydrant_id", "why", "bron"]


def of_file(
    path: str,
    sheet: str,
    numbers: list[int],
    rows: pd.DataFrame,
    hydrant_ids: npt.NDArray[np.object_],
    summary_row: int | None,
) -> pd.DataFrame:
    """The truth about one upload.

    Args:
        numbers: row number of each of `rows` as the file shows it.
        rows: hydrant (-1: none), why.
        summary_row: row number of "Totaal".
    """
    hydrant = rows["hydrant"].to_numpy()
    frame = pd.DataFrame(
        {
            "file": path,
            "sheet": sheet,
            "row": numbers,
            "hydrant_id": np.where(hydrant >= 0, hydrant_ids[hydrant], ""),
            "why": rows["why"].to_numpy(),
        }
    )
    if summary_row is not None:
        last = {"file": path, "sheet": sheet, "row": summary_row, "hydrant_id": "", "why": SUMMARY}
        frame = pd.concat([frame, pd.DataFrame([last])], ignore_index=True)
    return frame.assign(bron=SOURCE)


def of_copy(truth: pd.DataFrame, path: str) -> pd.DataFrame:
    """The truth about a file that was sent before: none of its rows counts again."""
    original = truth["file"].iloc[0]
    return truth.assign(file=path, hydrant_id="", why=f"same bytes as {original}")


def write(path: Path, parts: list[pd.DataFrame]) -> None:
    """Write all parts, ordered by file, sheet and row."""
    frame = pd.concat(parts, ignore_index=True)[COLUMNS]
    frame = frame.sort_values(["file", "sheet", "row"], kind="stable")
    frame.to_csv(path, index=False, encoding="utf-8", lineterminator="\n")
