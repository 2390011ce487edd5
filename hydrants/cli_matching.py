"""`hydrants explain` and `hydrants parameters`: why a row was judged so, and what was learned."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from hydrants import night as steps
from hydrants import store
from hydrants.settings import settings
from hydrants.terminal import PLAIN, err, out, print_json

app = typer.Typer()

_Json = Annotated[bool, typer.Option("--json", help="Print JSON for a program.")]
_SAYS_SOMETHING = 0.05
_LEARNED = (
    "sigma_m",
    "gross_rate",
    "id_given_rate",
    "inspected_rate",
    "unregistered_rate",
    "again_rate",
    "again_same_day_rate",
)


@app.command()
def explain(
    file: Annotated[str, typer.Argument(help="firm/gemeente/file name, as `hydrants rows` lists it.")],
    row: Annotated[int, typer.Argument(help="Row number in the file.")],
    sheet: Annotated[str | None, typer.Option(help="Sheet, when the file has several.")] = None,
    sketch: Annotated[
        Path | None, typer.Option("--map", help="Draw the candidates on a small map, an SVG file.")
    ] = None,
    as_json: _Json = False,
) -> None:
    """Say which hydrants ROW of FILE could be about, and what each kind of evidence adds."""
    from hydrants.matching import lookup
    from hydrants.matching import sketch as drawing

    with steps.opened(settings()) as engine, store.read(engine) as connection:
        judged = lookup.judged(connection, settings(), file, row, sheet)
    if sketch is not None:
        title = f"{file} {judged.sheet} row {judged.row}: {judged.verdict}".replace("  ", " ")
        noise_m = judged.parameters.sigma_m
        sketch.write_text(
            drawing.drawn(title, judged.position, judged.address, noise_m, judged.found), encoding="utf-8"
        )
    if as_json:
        print_json(judged.as_dict())
        return
    out.print(judged.summary, **PLAIN)
    for one in judged.found:
        number = f" ({one.number})" if one.number else ""
        far = "" if one.distance_m is None else f", {one.distance_m:.1f} m"
        out.print(f"{one.probability:.4f}  {one.hydrant_id}{number}{far}", **PLAIN)
        out.print(f"        {_spelled(one.terms)}", **PLAIN)
    if len(judged.found) > 1:
        best, second = judged.found[:2]
        kinds = dict.fromkeys([*best.terms, *second.terms])
        apart = {kind: best.terms.get(kind, 0.0) - second.terms.get(kind, 0.0) for kind in kinds}
        out.print(f"{best.hydrant_id} over {second.hydrant_id}: {_spelled(apart)}", **PLAIN)
        out.print(
            "Natural logarithms of likelihoods; competition is what the claims of other rows add or take.",
            **PLAIN,
        )
    if sketch is not None:
        err.print(f"map: {sketch}", **PLAIN)


def _spelled(terms: dict[str, float]) -> str:
    """Those that say something, and their sum."""
    told = [f"{kind} {term:+.1f}" for kind, term in terms.items() if abs(term) >= _SAYS_SOMETHING]
    return f"{', '.join(told) or 'nothing'} = {sum(terms.values()):+.1f}"


@app.command()
def parameters(as_json: _Json = False) -> None:
    """List what the matcher learned of each firm in each gemeente, as stored with its last run."""
    from hydrants.matching import lookup

    with steps.opened(settings()) as engine, store.read(engine) as connection:
        learned = lookup.learned(connection)
    if as_json:
        print_json(
            [{"contractor": firm, "nis": nis, **asdict(found)} for (firm, nis), found in learned.items()]
        )
        return
    table = Table("firm", "nis", *_LEARNED, box=None)
    for (firm, nis), found in learned.items():
        table.add_row(firm, nis, *(f"{getattr(found, name):.4g}" for name in _LEARNED))
    out.print(table)
