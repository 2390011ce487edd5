"""From a seed to a folder: the made-up world, its registers, a year of uploads, and the truth."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd

from hydrants.demo import (
    best,
    dirt,
    extras,
    filing,
    folder,
    inspections,
    placing,
    registers,
    streets,
    truth,
    wording,
    world,
    writers,
)
from hydrants.demo.evidence import Neighbourhood, is_resolvable
from hydrants.demo.houses import Houses
from hydrants.errors import HydrantsError

Report = Callable[[str], None]

_STREET_SLACK = 2.5
"""Metres of street side for each metre that hydrants need; most streets have them on one side only."""

_FEWEST_STREET_M = 3_000.0
"""In each gemeente, however small the scale: enough for two companies to have streets of their own."""


@dataclass(frozen=True)
class DemoCounts:
    """What was written. Per operator: hydrants as the truth has them on 31-12-2019."""

    seed: int
    scale: float
    registered: dict[str, int]
    checked: dict[str, int]
    failed: dict[str, int]
    remaining: dict[str, int]
    addresses: int
    files: int
    rows: int
    linked_rows: int


@dataclass(frozen=True)
class Scene:
    """The world before anybody writes anything down."""

    areas: gpd.GeoDataFrame
    addresses: pd.DataFrame
    hydrants: pd.DataFrame
    events: pd.DataFrame
    totals: dict[str, dict[str, int]]


def write(
    directory: Path,
    *,
    seed: int = 2019,
    scale: float = 1.0,
    boundaries: Path | None = None,
    addresses: Path | None = None,
    report: Report | None = None,
) -> DemoCounts:
    """Write a made-up Westhoek with a known truth into `directory`.

    The same arguments give the same bytes. A demo world that is there already is replaced.

    Args:
        scale: 1 for De Watergroep's 15 916 hydrants; 63 for a million.
        boundaries: a file of real gemeente polygons, instead of approximate ones.
        addresses: a file of real addresses (BeST or CRAB columns), instead of made-up ones.
        report: gets a line of progress now and then.

    Raises:
        HydrantsError: if the directory holds uploads of something else, or the streets cannot hold
            so many hydrants.
        ReferenceMissing: if a given file is not usable.
    """
    if scale <= 0:
        raise HydrantsError(f"--scale {scale} must be above 0")
    say = report or (lambda _line: None)
    folder.clear(directory)
    scene = build(seed, scale, boundaries, addresses, say)
    registers.write(directory / "registers", scene.hydrants)
    if boundaries is None:
        best.write_boundaries(directory / "boundaries.geojson", scene.areas)
    if addresses is None:
        best.write_addresses(directory / "addresses.csv", scene.addresses)
    say(f"registers: {len(scene.hydrants):,} hydrants; the size of Aquaduin's is invented")
    files, rows = draw_rows(scene, seed, scale)
    written, linked = _write_uploads(directory, files, rows, scene, seed)
    folder.write_notes(directory, scene.totals, boundaries, addresses, seed, scale)
    say(f"uploads: {len(rows):,} rows in {written} files, {linked:,} linked to a hydrant by the truth")
    figures = {
        name: {op: counts[name] for op, counts in scene.totals.items()}
        for name in inspections.DEWATERGROEP_TOTALS
    }
    return DemoCounts(
        seed=seed,
        scale=scale,
        addresses=len(scene.addresses),
        files=written,
        rows=len(rows),
        linked_rows=linked,
        **figures,
    )


def build(seed: int, scale: float, boundaries: Path | None, addresses: Path | None, say: Report) -> Scene:
    """The gemeenten, the streets, the hydrants, and what happened to them.

    Raises:
        HydrantsError: if the events do not add up to the wanted totals.
    """
    areas = world.gemeenten(boundaries)
    sizes = registers.sizes(scale)
    slack = max(1.3, _STREET_SLACK * scale**-0.15) if scale > 1 else _STREET_SLACK
    street_m = {
        nis: _FEWEST_STREET_M
        + sum(n * placing.mean_gap_m(op) for (op, code), n in sizes.items() if code == nis) * slack / 2
        for nis in areas.index
    }
    found = streets.addresses(addresses, areas, street_m, seed, float(np.clip(scale**0.25, 1.0, 2.8)))
    numbered = placing.numbered(found)
    say(f"streets: {numbered['street_id'].nunique():,} with {len(numbered):,} addresses")
    placed = placing.place(placing.lines(numbered), areas, sizes, seed)
    hydrants = registers.describe(placed, numbered, seed)
    hydrants["alone_m"] = inspections.alone_m(hydrants[["x_l72", "y_l72"]].to_numpy())
    events = inspections.plan(hydrants, scale, seed)
    events = pd.concat([events, inspections.borrow(events, hydrants, scale, seed)], ignore_index=True)
    totals = inspections.totals(events, hydrants["operator"].to_numpy(dtype=object))
    _assert_totals(totals["dewatergroep"], scale)
    return Scene(areas, numbered, hydrants, events, totals)


def _assert_totals(totals: dict[str, int], scale: float) -> None:
    wanted = {name: round(count * scale) for name, count in inspections.DEWATERGROEP_TOTALS.items()}
    wanted["remaining"] = wanted["registered"] - wanted["checked"]
    if totals != wanted:
        raise HydrantsError(f"the demo's truth adds up to {totals}, wanted {wanted}")


def draw_rows(scene: Scene, seed: int, scale: float) -> tuple[list[filing.File], pd.DataFrame]:
    """Every row of every file, before it is put into words.

    Raises:
        HydrantsError: if a row that the truth links could not be resolved by a careful person.
    """
    hydrants = scene.hydrants
    around = Neighbourhood(hydrants)
    houses = Houses(hydrants, scene.addresses, around)
    linked = dirt.draw(scene.events, hydrants, around, houses, seed)
    linked = linked.assign(
        why="",
        is_anchor=False,
        street=hydrants["street"].to_numpy()[linked["hydrant"]],
        place=linked["hydrant"],
    )
    files = filing.plan(linked, scale, seed)
    linked["file"] = filing.file_of(linked, files)
    lonely = extras.unregistered(linked, hydrants, scene.areas, around, seed)
    lonely["file"] = filing.file_of(lonely, files)
    between = extras.midway(linked, hydrants, around, seed)
    linked["is_anchor"] = np.isin(np.arange(len(linked)), between.attrs["anchors"])
    others = pd.concat(
        [
            lonely,
            between,
            extras.street_only(linked, hydrants, seed),
            extras.refused(linked, files, hydrants, around, scale, seed),
        ],
        ignore_index=True,
    )
    others["place"] = world.stream(seed, "places").integers(0, len(hydrants), size=len(others))
    columns = [name for name in linked.columns if name in others.columns]
    rows = filing.number_records(
        pd.concat([linked[columns], others[columns]], ignore_index=True), files, seed
    )
    rows["remark"] = None
    rows = filing.add_corrections(rows, files, around.number, seed)
    rows = wording.describe(rows, seed)
    is_linked = (rows["hydrant"] >= 0).to_numpy()
    rows[["house_x_l72", "house_y_l72"]] = houses.point(rows["house"].to_numpy())
    if not is_resolvable(rows[is_linked], around).all():
        raise HydrantsError("the demo wrote a row that nobody could resolve, and links it")
    return files, filing.add_repeats(rows, files)


def _write_uploads(
    directory: Path, files: list[filing.File], rows: pd.DataFrame, scene: Scene, seed: int
) -> tuple[int, int]:
    uploads = directory / "uploads"
    ids = scene.hydrants["hydrant_id"].to_numpy(dtype=object)
    ordered = rows.sort_values(["file", "day", "place", "ref_number"], kind="stable")
    parts: dict[int, pd.DataFrame] = {}
    for number, part in ordered.groupby("file", sort=True):
        file = files[int(str(number))]
        table = wording.table(part, file, scene.addresses)
        numbers, summary = writers.write(uploads / file.path, file, table)
        parts[int(str(number))] = truth.of_file(
            file.path, writers.SHEETS[file.suffix], numbers, part, ids, summary
        )
    copies = []
    for number in filing.resent(files, list(parts), seed):
        source = Path(files[number].path)
        copy = source.with_name(f"{source.stem}_nogmaals{source.suffix}")
        shutil.copyfile(uploads / source, uploads / copy)
        copies.append(truth.of_copy(parts[number], copy.as_posix()))
    truth.write(directory / "truth.csv", [*parts.values(), *copies])
    return len(parts) + len(copies), int((rows["hydrant"] >= 0).sum())
