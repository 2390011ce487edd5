"""`hydrants addresses`: the address table, and what it makes of a text."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hydrants import night as steps
from hydrants import reference, store
from hydrants.errors import UnusableSetting
from hydrants.settings import settings
from hydrants.terminal import PLAIN, out, print_json, spelled

app = typer.Typer(help="The address table: docs/addresses.md.", no_args_is_help=True)

_Json = Annotated[bool, typer.Option("--json", help="Print JSON for a program.")]


@app.command()
def load(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False)],
    as_json: _Json = False,
) -> None:
    """Load the addresses of FILE (CSV of BeST, Adressenregister or CRAB) in place of those that are there.

    They hold until the file at HYDRANTS_ADDRESSES changes.
    """
    from hydrants.reference import addresses

    with steps.opened(settings()) as engine:
        with store.write(engine) as connection:
            reference.sync(connection)
        counts = addresses.load_by_hand(engine, settings().landing, file, settings().addresses)
    print_json(counts) if as_json else out.print(spelled(counts), **PLAIN)


@app.command()
def find(
    text: Annotated[str, typer.Argument(help="An address as a crew writes it: 'Dorpsstr. t.o. 14'.")],
    nis: Annotated[str, typer.Option(help="NIS code of the gemeente.")],
    postcode: Annotated[str | None, typer.Option(help="As the row states it.")] = None,
    as_json: _Json = False,
) -> None:
    """Show how TEXT is read and where it leads by the address table."""
    if nis not in reference.gemeenten():
        raise UnusableSetting(f"{nis} is not known; known are {', '.join(reference.gemeenten())}")
    from hydrants.geocoding.resolver import Gazetteer

    with steps.opened(settings()) as engine, store.read(engine) as connection:
        found = Gazetteer(connection, [nis]).resolve(nis, text, postcode)
    reading = found.reading._asdict() if found.reading else {}
    if as_json:
        places = [place._asdict() for place in filter(None, (found.place, *found.alternatives))]
        print_json({"outcome": found.outcome, "street": found.street, "places": places, "reading": reading})
        return
    out.print(f"{found.outcome}: {found.street or 'no street'}", **PLAIN)
    told = {name: value for name, value in reading.items() if value is not None}
    if told:
        out.print("read as " + spelled(told), **PLAIN)
    for place in filter(None, (found.place, *found.alternatives)):
        out.print(
            f"  x {place.x_l72:.1f}, y {place.y_l72:.1f}, {place.method}, within {place.accuracy_m:.0f} m",
            **PLAIN,
        )
