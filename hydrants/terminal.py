"""What the command line prints: tables and words for people, JSON and plain lines for programs."""

from __future__ import annotations

import json
import sys
from datetime import date, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from hydrants import reference

out = Console()
err = Console(stderr=True)

PLAIN: dict[str, Any] = {"highlight": False, "markup": False, "emoji": False, "soft_wrap": True}
"""How data is printed: as it is, whatever it looks like."""


def progress_table(lines: list[dict[str, Any]]) -> Table:
    """The progress lines as a table for a terminal of 80 columns, in Dutch."""
    table = Table(title=f"Brandkranen, stand op {lines[0]['as_of']:%d-%m-%Y}" if lines else None)
    table.add_column("Gemeente", no_wrap=True)
    table.add_column("Uitvoerder", no_wrap=True)
    for heading in ("geregi-\nstreerd", "gecon-\ntroleerd", "niet in\norde", "nog te\ndoen"):
        table.add_column(heading, justify="right", no_wrap=True)
    for line in lines:
        is_total = line["nis"] is None
        table.add_row(
            reference.operators()[line["operator"]].name if is_total else line["gemeente"],
            line["contractor"] or "",
            *(str(line[figure]) for figure in ("registered", "checked", "failed", "remaining")),
            style="bold" if is_total else None,
            end_section=is_total,
        )
    return table


def inert(value: object) -> object:
    """A value that a spreadsheet will not take for a formula."""
    return (
        f"'{value}"
        if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r"))
        else value
    )


def print_json(value: Any) -> None:
    """For a program to read."""

    def plain(item: Any) -> Any:
        if isinstance(item, date | datetime):
            return item.isoformat()
        if isinstance(item, Path):
            return str(item)
        raise TypeError(f"{type(item).__name__} has no JSON form")

    sys.stdout.write(json.dumps(value, default=plain, ensure_ascii=False, indent=2) + "\n")


def print_lines(rows: list[dict[str, Any]]) -> None:
    """One line a row, tabs between its values: for `cut`, `grep` and `wc`."""
    for row in rows:
        sys.stdout.write("\t".join("" if value is None else str(value) for value in row.values()) + "\n")


def spelled(counts: dict[str, Any]) -> str:
    """Counts in one line, for a person to read."""

    def one(value: Any) -> str:
        return f"{value:.4f}" if isinstance(value, float) else str(value)

    return ", ".join(f"{name.replace('_', ' ')} {one(value)}" for name, value in counts.items())
