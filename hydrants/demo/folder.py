"""The folder of a demo world: what may be replaced in it, and what it says about itself."""

from __future__ import annotations

import csv
import shlex
from pathlib import Path

from hydrants import reference
from hydrants.demo.geopackage import MADE_UP
from hydrants.errors import HydrantsError

_NOTE = """{made_up}

Alles in deze map is door een programma verzonnen (seed {seed}, schaal {scale}): brandkranen, controles,
fouten, en ook de straten, adressen en grenzen, tenzij er echte zijn opgegeven. Geen enkele rij zegt iets
over een echte brandkraan.

De waarheid, zoals truth.csv ze per rij geeft:
{sizes}

Bij schaal 1 zijn de cijfers van De Watergroep die van het jaarverslag over 2019. De grootte van het
register van Aquaduin, en alles wat daaruit volgt, is verzonnen: het echte aantal is niet bekend.
"""


def world_line(seed: int, scale: float) -> str:
    """The first line of demo.env, which tells one made-up world from another."""
    return f"# {MADE_UP}, seed {seed}, scale {scale:g}"


def clear(directory: Path) -> None:
    """Remove the uploads of an earlier demo world, and nothing else.

    Raises:
        HydrantsError: if there are uploads that no truth.csv speaks of.
    """
    uploads = directory / "uploads"
    there = {path.relative_to(uploads).as_posix() for path in uploads.rglob("*") if path.is_file()}
    ours: set[str] = set()
    if (directory / "truth.csv").is_file():
        with (directory / "truth.csv").open(encoding="utf-8", newline="") as file:
            ours = {row["file"] for row in csv.DictReader(file)}
    if there - ours and not ours:
        raise HydrantsError(f"{uploads} holds files that are not of a demo world; choose another directory")
    for name in there & ours:
        (uploads / name).unlink()


def write_notes(
    directory: Path,
    totals: dict[str, dict[str, int]],
    boundaries: Path | None,
    addresses: Path | None,
    seed: int,
    scale: float,
) -> None:
    """Write demo.env, which points every setting into the folder, and LEESMIJ.txt.

    Args:
        totals: registered, checked, failed, remaining by operator.
    """
    here = directory.resolve()
    settings = {
        "DATABASE_URL": f"sqlite:///{here / 'hydrants.sqlite'}",
        "ACCOUNTS_URL": f"sqlite:///{here / 'accounts.sqlite'}",
        "UPLOADS": here / "uploads",
        "REGISTERS": here / "registers",
        "LANDING": here / "landing",
        "PHOTOS": here / "photos",
        "SITE": here / "site",
        "BOUNDARIES": boundaries.resolve() if boundaries else here / "boundaries.geojson",
        "ADDRESSES": addresses.resolve() if addresses else here / "addresses.csv",
    }
    lines = [f"HYDRANTS_{name}={shlex.quote(str(value))}" for name, value in settings.items()]
    (directory / "demo.env").write_text("\n".join([world_line(seed, scale), *lines, ""]), encoding="utf-8")
    names = reference.operators()
    sizes = "\n".join(
        f"- {names[op].name}: {t['registered']} geregistreerd, {t['checked']} gecontroleerd, "
        f"waarvan {t['failed']} niet in orde; {t['remaining']} nog te controleren op 31-12-2019."
        for op, t in totals.items()
    )
    text = _NOTE.format(seed=seed, scale=f"{scale:g}", sizes=sizes, made_up=MADE_UP)
    (directory / "LEESMIJ.txt").write_text(text, encoding="utf-8")
