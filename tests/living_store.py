"""A small made-up world that lives through two nights, and what is seen of its store, to compare two."""

from __future__ import annotations

import json
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
import sqlalchemy as sa

from hydrants import demo, evaluation, night, planning, publishing, review, store
from hydrants.publishing import exporting
from hydrants.receipts import uploads
from hydrants.settings import Settings
from hydrants.store import tables
from hydrants.store.files import sha256_of
from tests.batches import as_csv, good, send

FOLDERS = ("westlandia/32003", "westlandia/33016", "interwest/38014")
FIRMS = {"westlandia": ["office@example.org"], "interwest": ["kantoor@example.org"]}


def write_world(directory: Path) -> Path:
    """A made-up Westhoek of a fiftieth, three gemeenten of which have uploads."""
    whole = directory / "whole"
    demo.write(whole, seed=5, scale=0.02)
    world = directory / "world"
    for folder in FOLDERS:
        shutil.copytree(whole / "uploads" / folder, world / "uploads" / folder)
    shutil.copytree(whole / "registers", world / "registers")
    for name in ("boundaries.geojson", "addresses.csv"):
        shutil.copy(whole / name, world / name)
    return world


def moved_in(settings: Settings, world: Path) -> Settings:
    """A copy of the world where the settings look for it, and firms that get mail."""
    for name in ("uploads", "registers"):
        shutil.copytree(world / name, getattr(settings, name))
    for name in ("boundaries.geojson", "addresses.csv"):
        shutil.copy(world / name, settings.boundaries.parent / name)
    lost = {"X": "", "Y": "", "Straat en nr": "aan de grote boom", "Diameter": ""}
    doubtful = [{**good(number), **lost, "Nr. brandkraan": f"99999{number}"} for number in (1, 2, 3)]
    send(settings, "twijfel.csv", as_csv(doubtful))
    send(
        settings, "verschoven.csv", as_csv(good(number, Resultaat=f"xx{number}") for number in range(10, 40))
    )
    return settings.model_copy(update={"receipt_mail": FIRMS})


def live(engine: sa.Engine, settings: Settings, folder: Path) -> None:
    """Two nights: files come, are renamed and go, a person decides and takes back, mails are sent."""
    late = hold_back(settings, folder / "held back")
    night.whole_night(engine, settings, as_of=date(2019, 12, 1))
    send_mails(engine, settings)
    for path, target in late.items():
        shutil.copy(path, target)
    some = sorted(settings.uploads.glob("interwest/*/*"))
    some[0].rename(some[0].with_name(f"z {some[0].name}"))
    some[1].unlink()
    decide(engine, settings, folder)
    (line,) = held(engine)
    uploads.let_through(engine, settings.landing, line["sha256"], "gebeld, klopt")
    night.whole_night(engine, settings, as_of=date(2019, 12, 31))
    send_mails(engine, settings)


def hold_back(settings: Settings, folder: Path) -> dict[Path, Path]:
    """Take a third of the uploads away: where each is, and where it belongs."""
    folder.mkdir()
    taken = {}
    for number, path in enumerate(sorted(settings.uploads.glob("*/32003/*"))[::3]):
        taken[path.rename(folder / f"{number}{path.suffix}")] = path
    assert taken
    return taken


def held(engine: sa.Engine) -> list[dict[str, Any]]:
    with store.read(engine) as connection:
        return uploads.held(connection)


def decide(engine: sa.Engine, settings: Settings, folder: Path) -> None:
    """Decide two of the rows that wait, one of them twice, and take one back."""
    for answers in (("nieuw", "nieuw"), ("some", "nieuw")):
        sheet = folder / "te_beslissen.xlsx"
        if not sheet.is_file():
            waiting = review.export(engine, sheet)
            assert waiting >= len(answers)
        workbook = openpyxl.load_workbook(sheet)
        page = workbook.worksheets[0]
        column = next(cell.column for cell in page[1] if cell.value == "Beslissing")
        with store.read(engine) as connection:
            some_id = connection.execute(sa.select(sa.func.min(tables.hydrant.c.hydrant_id))).scalar()
        for row, answer in enumerate(answers, start=2):
            page.cell(row, column).value = some_id if answer == "some" else answer
        workbook.save(sheet)
        review.import_(engine, settings.landing, sheet)
    with store.read(engine) as connection:
        last = connection.execute(sa.select(sa.func.max(tables.decision.c.decision_id))).scalar_one()
        holding = connection.execute(
            sa.select(tables.decision.c.decision_id).where(tables.decision.c.revoked_at.is_(None))
        )
        first = min(holding.scalars())
    assert first != last
    review.undo(engine, settings.landing, [first])


def send_mails(engine: sa.Engine, settings: Settings) -> int:
    letters = night.mails(engine, settings)
    for letter in letters:
        night.mailed(engine, letter)
    return sum(len(letter.upload_ids) for letter in letters)


def seen(engine: sa.Engine, settings: Settings) -> dict[str, Any]:
    """What readers, crews, firms and operators see, without what depends on the store's own numbering."""
    with store.read(engine) as connection:
        lines = publishing.progress(connection)
        rows = evaluation.listed_rows(connection)
        traces = {
            (line["nis"], figure): publishing.trace(connection, line["nis"], figure)
            for line in lines
            for figure in ("checked", "failed", "remaining")
            if line["nis"] is not None
        }
        stops = planning.stops(connection)
        listed = [
            {key: value for key, value in one.items() if key not in ("decision_id", "decided_at")}
            for one in review.listed(connection)
        ]
        received = uploads.listed(connection)
        deliveries = connection.execute(
            sa.select(
                tables.upload.c.sha256,
                *(tables.delivery.c[key] for key in ("contractor", "nis", "file_name", "seen_at")),
                tables.delivery.c.gone_at.is_not(None),
            ).join_from(tables.delivery, tables.upload)
        ).all()
    return {
        "progress": json.dumps(lines, default=str),
        "rows": [tuple(map(str, row)) for row in rows.itertuples(index=False)],
        "traces": json.dumps([[str(key), found] for key, found in traces.items()], default=str),
        "stops": json.dumps(stops, default=str),
        "decisions": listed,
        "uploads": received,
        "deliveries": sorted(tuple(map(str, row)) for row in deliveries),
        "unsent": [letter.upload_ids for letter in night.mails(engine, settings)],
        "site": site_bytes(settings),
        "exports": exported(engine, settings.site.parent / "exports"),
    }


def site_bytes(settings: Settings) -> dict[str, str]:
    """Hash of every file that readers see: the current snapshot, its rounds, and the firms' receipts."""
    current = (settings.site / "current").resolve()
    tops = {
        "current": current,
        "planning": settings.site / "planning" / current.name,
        "private": settings.site / "private",
    }
    found = {"index.html": sha256_of(settings.site / "index.html"), "current": current.name}
    for name, top in tops.items():
        files = {f"{name}/{path.relative_to(top)}": path for path in top.rglob("*") if path.is_file()}
        hashes = {key: sha256_of(path) for key, path in files.items() if not path.name.endswith(".lock")}
        assert len(hashes) > 2, f"there is nothing in {top}"
        found |= hashes
    return found


def exported(engine: sa.Engine, folder: Path, snapshot_id: int | None = None) -> dict[str, bytes]:
    """The bytes of every published table, by name."""
    lines = exporting.write(engine, folder, snapshot_id)
    found = {path.stem: path.read_bytes() for path in folder.glob("*.csv")}
    assert found.keys() == lines.keys()
    assert min(lines.values()) > 0, lines
    return found


def event_files(settings: Settings) -> list[str]:
    """Names of the events that lie in the journal, in order."""
    return sorted(path.stem for path in (settings.landing / "journal").glob("*/*.json"))
