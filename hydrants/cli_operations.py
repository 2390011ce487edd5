"""`hydrants rebuild`, `backup`, `restore`, `migrate`, `export`: keeping the store alive."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from hydrants import night as steps
from hydrants import store
from hydrants.settings import settings
from hydrants.terminal import PLAIN, err, out, print_json, spelled

app = typer.Typer(help="Keeping the store alive: docs/operations.md.")

_Json = Annotated[bool, typer.Option("--json", help="Print JSON for a program.")]
_Day = typer.Option(formats=["%Y-%m-%d"], help="The day the figures speak of; default: as last published.")


@app.command()
def rebuild(as_of: Annotated[datetime | None, _Day] = None, as_json: _Json = False) -> None:
    """Make every table and figure again from LANDING alone, in an empty store.

    Exit code 1 when the snapshot is not the one that was published last.
    """
    from rich.progress import track

    from hydrants import rebuild as rebuilding

    with steps.opened(settings()) as engine:
        rebuilt = rebuilding.run(
            engine,
            settings(),
            as_of.date() if as_of else None,
            track=lambda done, total: track(done, total=total, description="herbouwen", console=err),
        )
    for path in rebuilt.put_back:
        err.print(f"put back from LANDING: {path}", **PLAIN)
    if as_json:
        print_json(rebuilt._asdict())
    else:
        out.print(f"events: {spelled(rebuilt.events)}", **PLAIN)
        for stage, figures in rebuilt.counts.items():
            out.print(f"{stage}: {spelled(figures)}", **PLAIN)
        if rebuilt.snapshot_id is None:
            out.print("nothing was ever published, and nothing is now: run 'hydrants night'", **PLAIN)
        elif rebuilt.published is not None and not rebuilt.differences:
            out.print(f"snapshot {rebuilt.snapshot_id} is the one that was published last", **PLAIN)
    if rebuilt.differences:
        for difference in rebuilt.differences:
            err.print(f"hydrants: {difference}", style="red", **PLAIN)
        raise typer.Exit(1)


@app.command()
def migrate(
    to: Annotated[
        str, typer.Option(help="Revision to go to, up or down: 'head' is that of this version.")
    ] = "head",
) -> None:
    """Bring the store's schema to a revision, as a whole; other commands bring it up by themselves."""
    engine = store.create_engine(settings().database_url)
    try:
        before = store.revision(engine)
        store.migrate(engine, to)
        after = store.revision(engine)
    finally:
        engine.dispose()
    out.print(f"revision {after}" if before == after else f"revision {before or 'none'} -> {after}", **PLAIN)


@app.command()
def backup(folder: Path, as_json: _Json = False) -> None:
    """Write the database and LANDING into FOLDER; once more adds what is new. The night may run on."""
    from hydrants import backup as backups

    counts = backups.write(settings(), folder)
    print_json(counts) if as_json else out.print(spelled(counts), **PLAIN)


@app.command()
def restore(
    folder: Annotated[Path, typer.Argument(exists=True, file_okay=False)],
    dump: Annotated[str | None, typer.Option(help="Which dump of FOLDER; default: the newest.")] = None,
    as_json: _Json = False,
) -> None:
    """Bring back what `backup` wrote into FOLDER: the database, which must be empty, and LANDING."""
    from hydrants import backup as backups

    counts = backups.restore(settings(), folder, dump)
    print_json(counts) if as_json else out.print(spelled(counts), **PLAIN)


@app.command()
def export(
    folder: Path,
    snapshot: Annotated[int | None, typer.Option(help="Which snapshot; default: the current one.")] = None,
    as_json: _Json = False,
) -> None:
    """Write the published tables into FOLDER as CSV: progress, hydrants with their sources, rounds.

    Equal figures give equal bytes, on SQLite and on PostgreSQL.
    """
    from hydrants.publishing import exporting

    with steps.opened(settings()) as engine:
        counts = exporting.write(engine, folder, snapshot)
    print_json(counts) if as_json else out.print(spelled(counts), **PLAIN)
