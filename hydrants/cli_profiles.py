"""`hydrants profile` and `hydrants template`: what is needed to agree on files with a firm."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hydrants import reference
from hydrants.errors import UnusableSetting, UploadRejected
from hydrants.settings import Settings, settings
from hydrants.terminal import PLAIN, out, print_json

if TYPE_CHECKING:
    from hydrants.reading.answers import Part
    from hydrants.reference.profile import Profile
    from hydrants.validation.trial import Chunks, Trial
    from hydrants.validation.trial_report import Report

app = typer.Typer()
profile_app = typer.Typer(help="How a firm writes its lists: docs/profiles.md.", no_args_is_help=True)
app.add_typer(profile_app, name="profile")

_Json = Annotated[bool, typer.Option("--json", help="Print JSON for a program.")]


@profile_app.command()
def schema() -> None:
    """Print the JSON schema of a profile, for editors: docs/profile.schema.json."""
    from hydrants.reference import profile_schema

    print_json(profile_schema.schema())


@profile_app.command()
def check(
    files: Annotated[list[Path], typer.Argument(exists=True, dir_okay=False, metavar="FILE.yml...")],
    as_json: _Json = False,
) -> None:
    """Check profiles, wherever they lie: every problem with its line. Exits with 1 when there is an error."""
    from hydrants.reference import profile_check

    found = {file: profile_check.check(file) for file in files}
    if as_json:
        print_json([{"file": file, **one._asdict()} for file, problems in found.items() for one in problems])
    else:
        for file, problems in found.items():
            for one in problems:
                place = f"{file}:{one.line}" if one.line else str(file)
                kind = "error" if one.is_error else "warning"
                out.print(f"{place}: {kind}: {one.place}: {one.message}", **PLAIN)
            if not problems:
                out.print(f"{file}: nothing to say against it", **PLAIN)
    if any(one.is_error for problems in found.values() for one in problems):
        raise typer.Exit(1)


@profile_app.command("try")
def try_(
    profile: Annotated[str, typer.Argument(help="A firm, such as westlandia, or a profile FILE.yml.")],
    upload: Annotated[Path, typer.Argument(exists=True, dir_okay=False)],
    nis: Annotated[
        str | None, typer.Option(help="NIS code of the gemeente; by default the folder's, or a firm's first.")
    ] = None,
    rows: Annotated[int, typer.Option(min=0, help="How many examples to show of each thing.")] = 5,
    as_json: _Json = False,
) -> None:
    """Show what the night would make of UPLOAD; store nothing. Exits with 1 if no row of it would count."""
    agreed = _profile(profile)
    if nis is not None and nis not in reference.gemeenten():
        raise UnusableSetting(f"{nis} is not known; known are {', '.join(reference.gemeenten())}")
    report = dry_run(agreed, upload, nis or _usual_nis(agreed.contractor, upload), settings(), rows)
    if as_json:
        print_json(asdict(report))
    else:
        from hydrants.validation import trial_text

        for line in trial_text.lines(report, upload.name):
            out.print(line, **PLAIN)
    if report.rejected_because or report.held_because:
        raise typer.Exit(1)


@app.command()
def template(
    contractor: Annotated[str, typer.Argument(help="A firm, such as westlandia, or a profile FILE.yml.")],
    file: Annotated[
        Path | None,
        typer.Argument(dir_okay=False, metavar="[FILE.xlsx]", help="By default sjabloon_FIRM.xlsx."),
    ] = None,
) -> None:
    """Write an empty workbook with the firm's own headings and drop-downs."""
    from hydrants import template as writer

    agreed = _profile(contractor)
    path = file or Path(f"sjabloon_{agreed.contractor}.xlsx")
    writer.write(path, agreed, settings().campaign_start)
    out.print(f"the template of {agreed.name} lies in {path}", **PLAIN)


def _profile(name: str) -> Profile:
    """A firm's profile by the firm's name or by its path."""
    from hydrants.reference import profile as profiles

    if name in reference.contractors() and os.sep not in name:
        return profiles.load(name)
    path = Path(name)
    if path.suffix in (".yml", ".yaml") or os.sep in name:
        return profiles.load_file(path)
    raise UnusableSetting(
        f"{name} is not known; known are {', '.join(reference.contractors())}, or the path of a profile"
    )


def _usual_nis(contractor: str, upload: Path) -> str:
    folder = upload.absolute().parent.name
    if folder in reference.gemeenten():
        return folder
    contracted = (row.nis for row in reference.contracts() if row.contractor == contractor)
    return next(contracted, next(iter(reference.gemeenten())))


def dry_run(profile: Profile, upload: Path, nis: str, given: Settings, examples: int) -> Report:
    """What the night would make of an upload that came today; nothing is stored.

    Args:
        nis: gemeente of the folder that it would be sent to.
        examples: how many are shown of each column and reason.
    """
    from hydrants import validation
    from hydrants.validation.trial import Trial

    latest_on = validation.latest_on(datetime.now(UTC), given.campaign_end)
    photos: dict[str, str | None] = {}
    while True:
        trial = Trial(profile, nis, given.campaign_start, latest_on, photos, examples)
        came = _read(trial, upload, profile.layer, given)
        if came == photos:
            return trial.report()
        photos = came  # pictures come after the rows that name them: once more, now that they are known


def _read(trial: Trial, upload: Path, layer: str | None, given: Settings) -> dict[str, str | None]:
    """Read an upload as the night does, into a trial; the pictures that came along."""
    from hydrants.formats import Format, Photo
    from hydrants.reading import isolation, limits_of
    from hydrants.reading.answers import SheetBegins

    photos: dict[str, str | None] = {}
    file_format = ""
    with contextlib.closing(isolation.read(upload, layer, limits_of(given))) as parts:
        try:
            for part in parts:
                match part:
                    case Format():
                        file_format = part.value
                    case Photo():
                        photos[part.file_name] = part.refused_because
                    case SheetBegins():
                        rows = _rows(parts)
                        trial.take(file_format, part.name, part.columns, part.crs, part.notice_nl, rows)
        except UploadRejected as rejection:
            trial.reject(rejection.reason_nl)
    return photos


def _rows(parts: Iterator[Part]) -> Chunks:
    from hydrants.reading.answers import Rows, SheetEnds

    for part in parts:
        if isinstance(part, SheetEnds):
            return
        if isinstance(part, Rows):
            yield part.numbers, part.cells
