"""`hydrants uploads`: what became of each file, and letting a held one through."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from hydrants import night as steps
from hydrants import reference, store
from hydrants.errors import UnusableSetting
from hydrants.settings import settings
from hydrants.terminal import PLAIN, err, out, print_json, print_lines

app = typer.Typer(help="The files that the firms sent.", no_args_is_help=True)

_Json = Annotated[bool, typer.Option("--json", help="Print JSON for a program.")]
_SHORT_HASH = 12


@app.command("list")
def list_(
    contractor: Annotated[str | None, typer.Option(help="Firm, such as westlandia.")] = None,
    nis: Annotated[str | None, typer.Option(help="NIS code of a gemeente.")] = None,
    as_json: _Json = False,
) -> None:
    """List every upload, newest first: firm, gemeente, file, figures, and where its receipt lies."""
    for given, known in ((contractor, reference.contractors()), (nis, tuple(reference.gemeenten()))):
        if given is not None and given not in known:
            raise UnusableSetting(f"{given} is not known; known are {', '.join(known)}")
    from hydrants.receipts import uploads

    with steps.opened(settings()) as engine, store.read(engine) as connection:
        lines = uploads.listed(connection, contractor, nis)
    _print(lines, as_json, nothing="nothing was received yet")


@app.command()
def held(as_json: _Json = False) -> None:
    """List the files that are held, since more rows were refused than the firm's profile expects."""
    from hydrants.receipts import uploads

    with steps.opened(settings()) as engine, store.read(engine) as connection:
        lines = uploads.held(connection)
    _print(lines, as_json, nothing="no file is held")


@app.command()
def release(
    file: Annotated[
        str, typer.Argument(help="File name, firm/gemeente/file name, or the start of its hash.")
    ],
    note: Annotated[str | None, typer.Option(help="Why it may count; kept with the decision.")] = None,
    as_json: _Json = False,
) -> None:
    """Let a held FILE through: the next night counts its rows. Once more changes nothing."""
    from hydrants.receipts import uploads

    with steps.opened(settings()) as engine:
        line, is_new = uploads.let_through(engine, settings().landing, file, note)
    if as_json:
        print_json({**line, "is_new": is_new})
        return
    name = f"{line['contractor']}/{line['nis']}/{line['file_name']}"
    said = "is released: the next night counts its rows" if is_new else "was released before"
    out.print(f"{name} {said}", **PLAIN)


def _print(lines: list[dict[str, Any]], as_json: bool, nothing: str) -> None:
    if as_json:
        print_json(lines)
        return
    print_lines(
        [
            {
                **line,
                "sha256": line["sha256"][:_SHORT_HASH],
                "received_at": f"{line['received_at']:%Y-%m-%d %H:%M}",
            }
            for line in lines
        ]
    )
    if not lines:
        err.print(nothing, **PLAIN)
