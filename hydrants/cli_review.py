"""`hydrants review`: rows that a person decides, the decisions that hold, and what they lead to."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from hydrants import night as steps
from hydrants import reference, store
from hydrants.errors import UnusableSetting
from hydrants.settings import settings
from hydrants.terminal import PLAIN, err, out, print_json, print_lines, spelled

app = typer.Typer(help="Rows that a person has to decide.", no_args_is_help=True)

_Json = Annotated[bool, typer.Option("--json", help="Print JSON for a program.")]
_Nis = Annotated[str | None, typer.Option("--nis", help="NIS code of a gemeente.")]
_Contractor = Annotated[str | None, typer.Option("--contractor", help="Firm, such as westlandia.")]
_Operator = Annotated[str | None, typer.Option("--operator", help="Water company, such as dewatergroep.")]
_MAX_ID = 2**63 - 1


@app.command("export")
def export(file: Path, contractor: _Contractor = None, nis: _Nis = None) -> None:
    """Write the rows that wait for a decision to the Excel sheet FILE."""
    _check(contractor=contractor, nis=nis)
    from hydrants import review

    with steps.opened(settings()) as engine:
        count = review.export(engine, file, contractor, nis)
    out.print(f"{count} rows to decide in {file}", **PLAIN)


@app.command("import")
def import_(file: Annotated[Path, typer.Argument(exists=True)], as_json: _Json = False) -> None:
    """Take the decisions in the Excel sheet FILE back; they count from the next night on."""
    from hydrants import review

    with steps.opened(settings()) as engine:
        counts = review.import_(engine, settings().landing, file)
    figures = counts._asdict() | {"errors": [refused._asdict() for refused in counts.errors]}
    if as_json:
        print_json(figures)
    else:
        out.print(spelled(figures | {"errors": len(counts.errors)}), **PLAIN)
        for refused in counts.errors:
            err.print(f"rij {refused.row}: {refused.message_nl}", **PLAIN)
    if counts.errors:
        raise typer.Exit(1)


@app.command("list")
def list_(contractor: _Contractor = None, nis: _Nis = None, as_json: _Json = False) -> None:
    """List the decisions that hold: id, file, sheet, row, verdict, hydrant, note, moment, what is amiss."""
    _check(contractor=contractor, nis=nis)
    from hydrants import review

    with steps.opened(settings()) as engine, store.read(engine) as connection:
        lines = review.listed(connection, contractor, nis)
    _print(lines, as_json)
    if not lines and not as_json:
        err.print("no decision holds", **PLAIN)


@app.command()
def revoke(
    decision_ids: Annotated[list[int], typer.Argument(min=1, max=_MAX_ID, metavar="ID...")],
    as_json: _Json = False,
) -> None:
    """Take decisions back, all or none: from the next night on their rows are matched as if never decided."""
    from hydrants import review

    with steps.opened(settings()) as engine:
        lines = review.undo(engine, settings().landing, decision_ids)
    _print(lines, as_json)
    if not as_json:
        err.print(f"{len(lines)} revoked, from the next night on", **PLAIN)


@app.command()
def labels(file: Path, as_json: _Json = False) -> None:
    """Write the decisions to the CSV file FILE, as a truth for 'hydrants evaluate --partial FILE'."""
    from hydrants import review

    with steps.opened(settings()) as engine, store.read(engine) as connection:
        frame, left_out = review.labels(connection)
    review.write_labels(file, frame)
    figures = {"labels": len(frame), "left_out": left_out}
    print_json(figures) if as_json else out.print(f"{spelled(figures)} in {file}", **PLAIN)


@app.command()
def proposals(file: Path, operator: _Operator = None, nis: _Nis = None, as_json: _Json = False) -> None:
    """Write the hydrants that are in no register, and that more than one visit saw, to the workbook FILE."""
    _check(operator=operator, nis=nis)
    from hydrants import proposals as candidates

    with steps.opened(settings()) as engine, store.read(engine) as connection:
        places = candidates.places(connection, operator, nis)
    confirmed = places[places["is_confirmed"].astype(bool)]
    seen_once = len(places) - len(confirmed)
    candidates.write(file, confirmed, seen_once, [operator] if operator else list(reference.operators()))
    if as_json:
        print_json({"proposals": candidates.as_lines(confirmed), "seen_once": seen_once})
        return
    out.print(f"{len(confirmed)} voorstellen in {file}", **PLAIN)
    out.print(f"nog {seen_once} plaatsen die één bezoek zag", **PLAIN)


def _check(contractor: str | None = None, nis: str | None = None, operator: str | None = None) -> None:
    """Refuse what nobody knows: nothing would be found, without a word."""
    for given, known in (
        (contractor, reference.contractors()),
        (nis, tuple(reference.gemeenten())),
        (operator, tuple(reference.operators())),
    ):
        if given is not None and given not in known:
            raise UnusableSetting(f"{given} is not known; known are {', '.join(known)}")


def _print(lines: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        print_json(lines)
        return
    print_lines(
        [
            {
                "decision_id": line["decision_id"],
                "file": ", ".join(line["files"]) or line["sha256"],
                "sheet": line["sheet"],
                "row": line["row"],
                "verdict": line["verdict"],
                "hydrant_id": line["hydrant_id"],
                "note": " ".join((line["note"] or "").split()),
                "decided_at": f"{line['decided_at']:%Y-%m-%d %H:%M}",
                "remark": line["remark_nl"],
            }
            for line in lines
        ]
    )
