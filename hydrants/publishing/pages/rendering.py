"""Templates to HTML, in one environment."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import jinja2

from hydrants.publishing import labels
from hydrants.publishing.frame import Frame
from hydrants.publishing.pages import burndown

_PIECES_AT_ONCE = 1_000
TEMPLATES = Path(__file__).resolve().parents[1] / "templates"


def render(template: str, frame: Frame, **values: Any) -> str:
    """The HTML of a page; every text is escaped, and a value that a template misses is an error."""
    return _environment().get_template(template).render(frame=frame, **values)


def write(path: Path, template: str, frame: Frame, **values: Any) -> None:
    """Write a page as it is made: one with thousands of lines is never in memory as a whole."""
    made = _environment().get_template(template).stream(frame=frame, **values)
    made.enable_buffering(_PIECES_AT_ONCE)
    made.dump(str(path), encoding="utf-8")


@lru_cache(maxsize=1)
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "day": labels.day,
        "short_day": labels.short_day,
        "number": labels.number,
        "firm": labels.firm,
    }
    environment.globals |= {
        "percent": labels.percent,
        "chart": burndown.chart,
        "chart_rows": burndown.rows,
    }
    return environment
