"""The command line: `hydrants --help`. Programs read what `--json` and `--csv` print."""

from __future__ import annotations

import csv
import shlex
import sys
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from hydrants import (
    cli_addresses,
    cli_errors,
    cli_health,
    cli_matching,
    cli_operations,
    cli_portal,
    cli_profiles,
    cli_review,
    cli_uploads,
    reference,
    store,
)
from hydrants import night as steps
from hydrants.errors import UnusableSetting
from hydrants.settings import settings
from hydrants.terminal import PLAIN, err, inert, out, print_json, print_lines, progress_table, spelled

app = typer.Typer(help=__import__("hydrants").__doc__, no_args_is_help=True, pretty_exceptions_enable=False)
register_app = typer.Typer(help="The operators' registers.", no_args_is_help=True)
app.add_typer(register_app, name="register")
app.add_typer(cli_review.app, name="review")
app.add_typer(cli_uploads.app, name="uploads")
app.add_typer(cli_profiles.app)
app.add_typer(cli_matching.app)
app.add_typer(cli_health.app)
app.add_typer(cli_operations.app)
app.add_typer(cli_addresses.app, name="addresses")
app.add_typer(cli_portal.app)
app.add_typer(cli_portal.accounts_app, name="accounts")

Json = Annotated[bool, typer.Option("--json", help="Print JSON for a program.")]
Nis = Annotated[str | None, typer.Option("--nis", help="NIS code of a gemeente.")]
Contractor = Annotated[str | None, typer.Option("--contractor", help="Firm, such as westlandia.")]
Day = typer.Option(formats=["%Y-%m-%d"])

ROWS_COLUMNS = (
    "file",
    "sheet",
    "row",
    "disposition",
    "reasons",
    "location_method",
    "location_accuracy_m",
    "x_l72",
    "y_l72",
    "hydrant_id",
    "match_method",
    "score",
    "distance_m",
)


class Figure(StrEnum):
    """A figure of the progress table."""

    registered = "registered"
    checked = "checked"
    ok = "ok"
    failed = "failed"
    remaining = "remaining"


def main() -> None:
    """Run the command line; what a person can mend is a message, not a traceback."""
    try:
        app()
    except Exception as error:
        said = cli_errors.told(error)
        if said is None:
            raise
        _fail(said)


def _fail(message: str) -> NoReturn:
    err.print(f"hydrants: {message}", style="red", **PLAIN)
    sys.exit(1)


def _checked(contractors: list[str], gemeenten: list[str]) -> None:
    """Refuse a firm or a gemeente that nobody knows: nothing would be found, without a word."""
    for given, known in ((contractors, reference.contractors()), (gemeenten, tuple(reference.gemeenten()))):
        if unknown := sorted(set(given) - set(known)):
            raise UnusableSetting(f"{', '.join(unknown)} is not known; known are {', '.join(known)}")


@app.command()
def demo(
    directory: Path,
    seed: Annotated[int, typer.Option(help="Another seed makes another world.")] = 2019,
    scale: Annotated[
        float, typer.Option(min=0.01, help="1 is the Westhoek; 63 is a million hydrants.")
    ] = 1.0,
    boundaries: Annotated[Path | None, typer.Option(exists=True, help="Real gemeente polygons.")] = None,
    addresses: Annotated[Path | None, typer.Option(exists=True, help="Real addresses.")] = None,
    as_json: Json = False,
) -> None:
    """Write a made-up Westhoek with a known truth into DIRECTORY."""
    from dataclasses import asdict

    from hydrants import demo as world

    with err.status("verzonnen Westhoek schrijven") as status:
        counts = world.write(
            directory,
            seed=seed,
            scale=scale,
            boundaries=boundaries,
            addresses=addresses,
            report=lambda message: status.update(message),
        )
    if as_json:
        print_json(asdict(counts))
    else:
        out.print(f"A made-up Westhoek lies in {directory}: " + spelled(asdict(counts)), **PLAIN)
        out.print(f"To use it: set -a; . {shlex.quote(str(directory / 'demo.env'))}; set +a", **PLAIN)


@register_app.command("load")
def register_load(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False)],
    operator: Annotated[str, typer.Option(help="dewatergroep or aquaduin.")],
    exported_on: Annotated[datetime | None, Day] = None,
    scope: Annotated[
        str | None,
        typer.Option(
            help="NIS codes, comma-separated, that the export covers: an absence there is a removal."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Load an operator's register export FILE; what it needs to say may stand in a .yml beside it."""
    from hydrants import register

    if operator not in reference.operators():
        raise typer.BadParameter(f"unknown operator {operator!r}; known: {', '.join(reference.operators())}")
    with steps.opened(settings()) as engine:
        with store.write(engine) as connection:
            reference.sync(connection)
        counts = register.load(
            engine,
            settings(),
            operator,
            file,
            exported_on=exported_on.date() if exported_on else None,
            scope=scope.split(",") if scope else None,
        )
    print_json(counts) if as_json else out.print(spelled(counts), **PLAIN)


@app.command()
def night(
    contractor: Annotated[list[str] | None, typer.Option(help="Only this firm; may be repeated.")] = None,
    nis: Annotated[list[str] | None, typer.Option(help="Only this gemeente; may be repeated.")] = None,
    as_of: Annotated[datetime | None, Day] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only list what would be worked on.")] = False,
    as_json: Json = False,
) -> None:
    """Do a whole night's work: the same steps as the DAGs, in one process."""
    _checked(contractor or [], nis or [])
    with steps.opened(settings()) as engine:
        if dry_run:
            found = steps.batches(engine, settings(), contractor, nis)
            print_json(found) if as_json else out.print(*(" ".join(batch) for batch in found), sep="\n")
            return
        bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=err,
        )
        with bar:
            counts = steps.whole_night(
                engine,
                settings(),
                contractors=contractor,
                gemeenten=nis,
                as_of=as_of.date() if as_of else None,
                track=lambda done, total: bar.track(done, total=total, description="nacht"),
            )
    if as_json:
        print_json(counts)
    else:
        for stage, figures in counts.items():
            if isinstance(figures, dict):
                out.print(f"{stage}: {spelled(figures)}", **PLAIN)
    for refused in counts["refused_files"]:
        err.print(f"geweigerd: {refused['file']}: {refused['reason']}", **PLAIN)
    for file in counts["amiss"]:
        err.print(f"{file['file']}: {file['what']}", **PLAIN)
    for folder in counts["unread"]:
        err.print(f"niet gelezen: {folder}", **PLAIN)
    if counts["problems"]:
        _fail("; ".join(counts["problems"]))


@app.command()
def progress(as_json: Json = False) -> None:
    """Print the published progress table."""
    from hydrants import publishing

    with steps.opened(settings()) as engine, store.read(engine) as connection:
        lines = publishing.progress(connection)
    if as_json:
        print_json(lines)
    else:
        out.print(progress_table(lines))


@app.command()
def rows(
    as_csv: Annotated[bool, typer.Option("--csv", help="Print every row as CSV.")] = False,
) -> None:
    """List every row ever read: where it was, what became of it, what it was linked to."""
    from hydrants.evaluation import listed_rows

    with steps.opened(settings()) as engine, store.read(engine) as connection:
        listed = listed_rows(connection)
    if as_csv:
        writer = csv.writer(sys.stdout)
        writer.writerow(ROWS_COLUMNS)
        values = listed.reindex(columns=list(ROWS_COLUMNS)).astype(object)
        writer.writerows(
            [inert(value) for value in row]
            for row in values.where(values.notna(), None).itertuples(index=False)
        )
    else:
        kinds = listed["disposition"] + " " + listed["verdict"].fillna("")
        for kind, count in kinds.value_counts().sort_index().items():
            out.print(f"{count:>8} {kind}", **PLAIN)


@app.command()
def trace(
    nis: Annotated[str, typer.Option(help="NIS code of a gemeente.")],
    figure: Annotated[Figure, typer.Option(help="Figure of the progress table.")],
    operator: Annotated[str | None, typer.Option(help="Only this water company.")] = None,
    as_json: Json = False,
) -> None:
    """List the hydrants behind a published figure, each with the file, sheet and row that it comes from."""
    from hydrants import publishing

    with steps.opened(settings()) as engine, store.read(engine) as connection:
        found = publishing.trace(connection, nis, figure.value, operator)
    if as_json:
        print_json(found)
        return
    print_lines(found)
    err.print(f"{len(found)} brandkranen", **PLAIN)


@app.command()
def evaluate(
    truth: Annotated[Path | None, typer.Argument(help="CSV with file, sheet, row and hydrant_id.")] = None,
    partial: Annotated[
        bool, typer.Option("--partial", help="TRUTH knows some rows only: the others do not count.")
    ] = False,
    decisions: Annotated[
        bool, typer.Option("--decisions", help="Against what people decided, as if they had not.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Compare the links with the made-up world's TRUTH file, or with the decisions of people."""
    if (truth is None) != decisions or (partial and decisions):
        raise UnusableSetting("give a TRUTH file, or --decisions, and --partial with a file only")
    from hydrants import evaluation

    with steps.opened(settings()) as engine, store.read(engine) as connection:
        measured = (
            evaluation.evaluate_decisions(connection, settings())
            if truth is None
            else evaluation.evaluate(connection, truth, is_partial=partial)
        )
    print_json(measured) if as_json else out.print(spelled(measured), **PLAIN)


@app.command()
def plan(nis: Nis = None, contractor: Contractor = None, as_json: Json = False) -> None:
    """Print the remaining hydrants of the published snapshot in the order of a visit."""
    _checked([contractor] if contractor else [], [nis] if nis else [])
    from hydrants import planning

    with steps.opened(settings()) as engine:
        steps.plan(engine, settings())
        with store.read(engine) as connection:
            stops = planning.stops(connection, nis=nis, contractor=contractor)
    if as_json:
        print_json(stops)
        return
    print_lines(stops)


if __name__ == "__main__":
    main()
