"""Files that change rows which were sent before: what a firm sends when it corrected its list."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

from hydrants.demo.geopackage import MADE_UP
from hydrants.demo.writers import INTERWEST_HEADERS, WESTLANDIA_HEADERS

_LAYOUTS = (*WESTLANDIA_HEADERS, INTERWEST_HEADERS)
_REVISED_AT = ("2020-01-02 18:{:02d}", "2020-01-03 18:{:02d}", "2020-01-04 18:{:02d}")
_ENCODINGS = {"westlandia": "utf-8-sig", "interwest": "cp1252"}

Row = list[str]


def write_changes(uploads: Path, why: str, rows: int, batch_share: float) -> int:
    """Write a CSV file into each of some batches: rows of its own CSV files, newer and with other outcomes.

    The batches are spread over the sizes of batches, so that they are neither the small nor the large ones.

    Args:
        uploads: the folder of a made-up world, where there are such files already from an earlier change.
        why: goes into the remark of every row.
        rows: to write in all; fewer where the batches have fewer in CSV.
        batch_share: of the batches that get a file, above 0 to 1.

    Returns:
        How many rows were written.
    """
    known = {batch: _latest(batch) for batch in sorted(uploads.glob("*/*"))}
    having = sorted((batch for batch in known if known[batch][1]), key=lambda batch: len(known[batch][1]))
    step = max(1, round(1 / batch_share))
    chosen = having[step // 2 :: step] or having[:1]
    written = 0
    for number, batch in enumerate(chosen):
        layout, lines = known[batch]
        wanted = (rows - written) // (len(chosen) - number)  # what one batch lacks, the larger ones give
        here = list(lines.values())[:wanted]
        if here:
            _write(batch, layout, here, why)
        written += len(here)
    return written


def _latest(batch: Path) -> tuple[Mapping[str, str], dict[str, Row]]:
    """The layout that most rows of a batch's CSV files have, and the last version of each such row."""
    by_layout: list[dict[str, Row]] = [{} for _ in _LAYOUTS]
    for path in sorted(batch.glob("*.csv")):
        with path.open(encoding=_ENCODINGS[batch.parent.name], newline="") as file:
            _title, headings, *lines = csv.reader(file, delimiter=";")
        position = next(n for n, layout in enumerate(_LAYOUTS) if list(layout.values()) == headings)
        ref = headings.index(_LAYOUTS[position]["ref"])
        by_layout[position].update((line[ref], line) for line in lines)
    largest = max(range(len(_LAYOUTS)), key=lambda n: len(by_layout[n]))
    return _LAYOUTS[largest], by_layout[largest]


def _write(batch: Path, layout: Mapping[str, str], lines: list[Row], why: str) -> None:
    """Write the rows with what was found at the next one, so that hydrants change their state."""
    at = {name: position for position, name in enumerate(layout)}
    earlier = len(list(batch.glob("verbeterd_*.csv")))
    changed = []
    for number, line in enumerate(lines):
        row, following = list(line), lines[(number + 1) % len(lines)]
        for name in ("outcome", "defects"):
            row[at[name]] = following[at[name]]
        row[at["revised"]] = _REVISED_AT[earlier].format(number % 60)
        row[at["remark"]] = why
        changed.append(row)
    path = batch / f"verbeterd_{earlier + 1}.csv"
    with path.open("w", encoding=_ENCODINGS[batch.parent.name], newline="") as file:
        writer = csv.writer(file, delimiter=";", lineterminator="\r\n")
        writer.writerow([MADE_UP, *[""] * (len(layout) - 1)])
        writer.writerow(layout.values())
        writer.writerows(changed)
