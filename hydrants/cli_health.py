"""`hydrants health`: one line for each thing that is watched, and an exit code for a monitor."""

from __future__ import annotations

from typing import Annotated

import typer

from hydrants.settings import settings
from hydrants.terminal import PLAIN, err, out, print_json

app = typer.Typer()


@app.command()
def health(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for a program.")] = False,
) -> None:
    """Say whether all is well: store, schema, figures, nights, files, disks; exit code 1 if not."""
    from hydrants import health as watched

    found = watched.checks(settings())
    is_healthy = all(check.is_ok for check in found)
    if as_json:
        print_json({"is_healthy": is_healthy, "checks": [check._asdict() for check in found]})
    else:
        for check in found:
            line = f"{'ok' if check.is_ok else 'PROBLEM':<8} {check.name}: {check.told}"
            (out if check.is_ok else err).print(line, **PLAIN)
    if not is_healthy:
        raise typer.Exit(1)
