"""A gemeente: its hydrants on a map and in a table, what is wrong with them, who mends it, and its files."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Hashable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from hydrants import reference
from hydrants.publishing import downloads, labels, schedule
from hydrants.publishing.areas import Area
from hydrants.publishing.content import Content
from hydrants.publishing.pages.rendering import write as write_page

STATUSES = ("ok", "failed", "remaining")
_DEGREES = 6  # a decimetre
_WORDS = {
    "finding": "finding_nl",
    "remark": "remark_nl",
    "street": "street_names",
    "kind": "type_nl",
    "operator": "operator_nl",
}


class Repair(NamedTuple):
    """How many hydrants of a gemeente have a defect, how many of those are out of order, and who mends it."""

    code: str
    label_nl: str
    repaired_by: str
    hydrants: int
    failed: int


class Repairer(NamedTuple):
    """How many hydrants of a gemeente somebody has to mend, and how many of those are out of order."""

    repaired_by: str
    hydrants: int
    failed: int


class Repairs(NamedTuple):
    """What is to be mended in a gemeente, and by whom."""

    by_defect: list[Repair]
    by_repairer: list[Repairer]

    @classmethod
    def of(cls, hydrants: pd.DataFrame) -> Repairs:
        """What the deciding inspections found; hydrants as `content.hydrants` gives them."""
        return cls(_repairs(hydrants), _repairers(hydrants))

    @classmethod
    def from_json(cls, given: list[Any]) -> Repairs:
        """What JSON made of it."""
        by_defect, by_repairer = given
        return cls([Repair(*one) for one in by_defect], [Repairer(*one) for one in by_repairer])


def write_data(folder: Path, content: Content, nis: str, hydrants: pd.DataFrame, area: Area | None) -> None:
    """Write hydrants.js of a gemeente, from which its pages are made in the browser.

    Args:
        folder: the gemeente's own, in the snapshot's.
        hydrants: as `content.hydrants` gives them.
        area: its shape; None when the boundaries lack it.
    """
    # ASCII, so that no character ends a line or a string of the script early
    data = json.dumps(_data(content, nis, hydrants, area), separators=(",", ":"))
    (folder / "hydrants.js").write_text(f"window.BRANDKRANEN = {data};\n", encoding="ascii")


def write(folder: Path, content: Content, nis: str, repairs: Repairs) -> None:
    """Write index.html of a gemeente into its folder."""
    write_page(
        folder / "index.html",
        "gemeente.html.j2",
        content.frame("../"),
        nis=nis,
        name=content.gemeenten()[nis],
        lines=[
            {**line, "operator_nl": reference.operators()[line["operator"]].name} for line in content.of(nis)
        ],
        figures={
            figure: sum(line[figure] for line in content.of(nis))
            for figure in ("registered", "checked", "ok", "failed", "remaining")
        },
        schedule=schedule.combined([content.schedules[line["operator"], nis] for line in content.of(nis)]),
        repairs=repairs.by_defect,
        repairers=repairs.by_repairer,
        files=[(f"{nis}{offer.suffix}", offer) for offer in downloads.OFFERED],
        told_since=content.told[nis].since,
        zones=[zone for zone in reference.zones(content.as_of).values() if nis in zone.gemeenten],
    )


def _repairs(hydrants: pd.DataFrame) -> list[Repair]:
    """The defects that the deciding inspections found, the most frequent first."""
    found = Counter[str]()
    failed = Counter[str]()
    for codes, status in zip(hydrants["defects"], hydrants["status"], strict=True):
        found.update(codes or [])
        if status == "failed":
            failed.update(codes or [])
    repairs = [
        Repair(code, labels.defect(code), labels.repaired_by(code), count, failed[code])
        for code, count in found.items()
    ]
    return sorted(repairs, key=lambda one: (-one.hydrants, one.code))


def _repairers(hydrants: pd.DataFrame) -> list[Repairer]:
    """Who mends the defects that the deciding inspections found; a hydrant with two of them counts once."""
    found = Counter[str]()
    failed = Counter[str]()
    for codes, status in zip(hydrants["defects"], hydrants["status"], strict=True):
        whose = {who for code in codes or [] if (who := labels.repaired_by(code))}
        found.update(whose)
        if status == "failed":
            failed.update(whose)
    return [Repairer(who, found[who], failed[who]) for who in sorted(found)]


def _data(content: Content, nis: str, hydrants: pd.DataFrame, area: Area | None) -> dict[str, Any]:
    """What the pages of a gemeente are made from in the browser: columns, and each text once."""
    words: dict[str, list[Any]] = {}
    columns: dict[str, list[Any]] = {
        "id": hydrants["hydrant_id"].tolist(),
        "lat": hydrants["lat"].round(_DEGREES).tolist(),
        "lon": hydrants["lon"].round(_DEGREES).tolist(),
        "status": [STATUSES.index(status) for status in hydrants["status"]],
        "diameter": hydrants["diameter_mm"].tolist(),
    }
    for name in ("inspected_on", "tried_on"):
        columns[name] = ["" if day is None else day.isoformat() for day in hydrants[name]]
    for name, field in _WORDS.items():
        columns[name], words[name] = _coded(hydrants[field])
    codes: dict[str, int] = {}
    columns["defects"] = [
        [codes.setdefault(code, len(codes)) for code in found or []] for found in hydrants["defects"]
    ]
    words["defects"] = [
        {"code": code, "label": labels.defect(code), "repaired_by": labels.repaired_by(code)}
        for code in codes
    ]
    return {
        "gemeente": {
            "nis": nis,
            "name": content.gemeenten()[nis],
            "area": area and area.geometry,
        },
        "tiles": content.tiles._asdict(),
        "columns": columns,
        "words": words,
        "histories": {},
    }


def _coded(values: Iterable[Hashable | None]) -> tuple[list[int], list[Hashable]]:
    """Each value's place in a list that has each once; -1 for none."""
    known: dict[Hashable, int] = {}
    places = [known.setdefault(value, len(known)) if value else -1 for value in values]
    return places, list(known)
