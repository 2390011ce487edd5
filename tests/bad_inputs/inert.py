"""Whether hostile texts stay texts in everything that is handed out."""

from __future__ import annotations

import csv
import io
import sys
import zipfile
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import openpyxl
import pytest
import sqlalchemy as sa

from hydrants import cli
from hydrants.settings import Settings
from tests.bad_inputs.hostile import INJECTIONS


def live(engine: sa.Engine, settings: Settings) -> list[str]:
    """What could act, in all that was handed out and in the store; empty when all is well.

    Raises:
        LookupError: if nothing was handed out.
    """
    workbooks, pages = [*settings.site.rglob("*.xlsx")], [*settings.site.rglob("*.html")]
    cells = [cell for row in _listed(settings) for cell in row]
    if not (workbooks and cells):
        raise LookupError("nothing to look into")
    return [
        *(found for path in workbooks for found in _live_in_workbook(path)),
        *(found for path in pages for found in _live_in_page(path.read_text(encoding="utf-8"))),
        *(
            cell
            for cell in [*cells, *_published_cells(settings)]
            if cell.startswith(("=", "+", "-", "@", "\t", "\r")) and not _is_number(cell)
        ),
        *({"record", "ledger"} - set(sa.inspect(engine).get_table_names())),
    ]


def _live_in_workbook(path: Path) -> Iterator[str]:
    """Formulas with a sender's text, links, and references to other workbooks."""
    for sheet in openpyxl.load_workbook(path):
        for row in sheet.iter_rows():
            for cell in row:
                text = str(cell.value)
                if cell.hyperlink or (cell.data_type == "f" and any(said in text for said in INJECTIONS)):
                    yield f"{path.name} {sheet.title}!{cell.coordinate}: {text}"
    with zipfile.ZipFile(path) as archive:
        yield from (name for name in archive.namelist() if "externalLink" in name)


class _Markup(HTMLParser):
    """Collects what could act: event handlers, and where elements lead to."""

    def __init__(self) -> None:
        super().__init__()
        self.handlers: list[str] = []
        self.sources: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handlers += [f"{tag} {name}" for name, _ in attrs if name.startswith("on")]
        self.sources += [value or "" for name, value in attrs if name in ("src", "href")]


def _live_in_page(text: str) -> list[str]:
    page = _Markup()
    page.feed(text)
    return page.handlers + [source for source in page.sources if source == "x" or "javascript:" in source]


def _listed(settings: Settings) -> Iterator[list[str]]:
    """What `hydrants rows --csv` prints."""
    printed = io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cli, "settings", lambda: settings)
        patch.setattr(sys, "stdout", printed)
        cli.rows(as_csv=True)
    yield from csv.reader(io.StringIO(printed.getvalue()))


def _published_cells(settings: Settings) -> Iterator[str]:
    """What the CSV files of the gemeenten say."""
    for path in settings.site.rglob("*.csv"):
        with path.open(encoding="utf-8-sig", newline="") as file:
            for line in csv.reader(file, delimiter=";", strict=True):
                yield from line


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
