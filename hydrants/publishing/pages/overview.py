"""The overview: a line per gemeente and water company, a map of the gemeenten, and how far the campaign is.

What it shows lies beside it as `overview.json`, from which it can be made again for a reader who may see some
of the gemeenten only: totals, map and burn-down then speak of those alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

import orjson

from hydrants import reference
from hydrants.publishing import labels, schedule
from hydrants.publishing.areas import Area
from hydrants.publishing.content import Content
from hydrants.publishing.frame import Frame, Tiles
from hydrants.publishing.pages.rendering import render
from hydrants.publishing.schedule import Schedule

FILE = "overview.json"
_FIGURES = ("registered", "checked", "ok", "failed", "remaining")
_DAYS = ("as_of", "campaign_start", "campaign_end")

Line = dict[str, Any]


def write(folder: Path, content: Content, areas: dict[str, Area]) -> None:
    """Write index.html, overview.json and progress.json."""
    shown = {
        "frame": {**content.frame("")._asdict(), "tiles": content.tiles._asdict()},
        "lines": [line for line in content.lines if line["nis"] is not None],
        "areas": {nis: area._asdict() for nis, area in areas.items()},
        "schedules": [
            {"operator": operator, "nis": nis, "schedule": one.as_json()}
            for (operator, nis), one in content.schedules.items()
        ],
    }
    as_json = orjson.dumps(shown)
    (folder / FILE).write_bytes(as_json)
    (folder / "index.html").write_text(overview_html(as_json), encoding="utf-8")
    (folder / "progress.json").write_bytes(orjson.dumps(content.lines, option=orjson.OPT_INDENT_2))


def overview_html(overview_json: bytes, gemeenten: Iterable[str] | None = None) -> str:
    """The overview's HTML, of some gemeenten only: nothing in it comes from the others.

    Args:
        overview_json: content of a snapshot's overview.json.
        gemeenten: NIS codes; default: all.
    """
    shown = orjson.loads(overview_json)
    visible = None if gemeenten is None else frozenset(gemeenten)
    lines = [_with_days(line) for line in shown["lines"] if visible is None or line["nis"] in visible]
    named = {line["nis"]: line["gemeente"] for line in lines}
    frame = _frame(shown["frame"])
    schedules: dict[str, list[Schedule]] = {}
    for one in shown["schedules"]:
        if one["nis"] in named:
            schedules.setdefault(one["operator"], []).append(Schedule.from_json(one["schedule"]))
    zones = [zone for zone in reference.zones(frame.as_of).values() if zone.gemeenten <= named.keys()]
    return render(
        "overview.html.j2",
        frame,
        operators=_operators(lines, schedules),
        gemeenten=dict(sorted(named.items(), key=lambda item: item[1])),
        zones=zones,
        is_region=visible is None or named.keys() >= reference.gemeenten().keys(),
        data={
            "tiles": frame.tiles._asdict(),
            "gemeenten": _features(lines, named, shown["areas"]),
        },
    )


def _operators(lines: list[Line], schedules: dict[str, list[Schedule]]) -> list[dict[str, Any]]:
    """Each water company with its lines, their total, and its burn-down."""
    return [
        {
            "operator": operator.operator,
            "name": operator.name,
            "lines": own,
            "total": _total(own),
            "schedule": schedule.combined(schedules[operator.operator]),
        }
        for operator in sorted(reference.operators().values(), key=lambda row: row.position)
        if (own := [line for line in lines if line["operator"] == operator.operator])
    ]


def _total(lines: list[Line]) -> Line:
    firms = {line["contractor"] for line in lines}
    days = [line["last_checked_on"] for line in lines if line["last_checked_on"]]
    return {
        "contractor": firms.pop() if len(firms) == 1 else None,
        "last_checked_on": max(days, default=None),
        **{figure: sum(line[figure] for line in lines) for figure in _FIGURES},
    }


def _features(lines: list[Line], named: dict[str, str], areas: dict[str, Any]) -> dict[str, Any]:
    """The gemeenten as GeoJSON, with all water companies' figures summed."""
    features = []
    for nis, area in areas.items():
        if nis not in named:
            continue
        figures = _total([line for line in lines if line["nis"] == nis])
        features.append(
            {
                "type": "Feature",
                "properties": {
                    "nis": nis,
                    "name": named[nis],
                    "label_at": area["label_at"],
                    "is_small": area["is_small"],
                    "percent": labels.percent(figures["checked"], figures["registered"]),
                    **{figure: figures[figure] for figure in _FIGURES},
                },
                "geometry": area["geometry"],
            }
        )
    return {"type": "FeatureCollection", "features": features}


def _frame(given: dict[str, Any]) -> Frame:
    days = {name: date.fromisoformat(given[name]) for name in _DAYS}
    return Frame(**{**given, **days, "tiles": Tiles(**given["tiles"])})


def _with_days(line: Line) -> Line:
    last = line["last_checked_on"]
    return {**line, "last_checked_on": last and date.fromisoformat(last)}
