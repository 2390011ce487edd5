"""Where the time of a stage goes: its functions, by the time they take themselves."""

from __future__ import annotations

import cProfile
import pstats
from pathlib import Path
from typing import Any

from hydrants.settings import Settings
from scripts.night_bench import nights
from scripts.night_bench.apart import taken_by
from scripts.night_bench.worlds import Place

_FUNCTIONS = 15
_ROOT = Path(__file__).parents[2]


def profiled(settings: Settings, stage: str) -> dict[str, Any]:
    """Work one stage in this process, watched; the functions that took most, and the seconds of all."""
    watched = cProfile.Profile()
    watched.runcall(nights.stage, settings.model_copy(update={"workers": 1}), stage)
    stats: Any = pstats.Stats(watched)
    by_own_time = sorted(stats.stats.items(), key=lambda item: item[1][2], reverse=True)
    return {
        "seconds": stats.total_tt,
        "functions": [
            {"function": _named(*function), "calls": calls, "own s": own_s, "with what it calls s": all_s}
            for function, (_, calls, own_s, all_s, _) in by_own_time[:_FUNCTIONS]
        ],
    }


def rows(place: Place, world: Path, stages: list[str]) -> dict[str, list[dict[str, Any]]]:
    """Tables of a night whose asked stages are watched, by title; being watched slows Python, not waiting."""
    tables = {}
    with place.night(world) as settings:
        for stage in nights.STAGES:
            work = profiled if stage in stages else nights.stage
            result = taken_by(work, settings, stage).result
            if stage in stages:
                title = f"{stage}, in one process, watched: {result['seconds']:.1f} s"
                tables[title] = [
                    {**row, "own share": row["own s"] / result["seconds"]} for row in result["functions"]
                ]
    return tables


def _named(file: str, line: int, function: str) -> str:
    if file == "~":
        return function
    path = Path(file)
    inside = path.relative_to(_ROOT) if path.is_relative_to(_ROOT) and ".venv" not in path.parts else None
    return f"{inside or '/'.join(path.parts[-2:])}:{line} {function}"
