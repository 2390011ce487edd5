"""A small map of one record and the hydrants it could be about, as SVG: no library, no network."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from hydrants.matching.explaining import Explanation

_SIZE, _EDGE = 480, 40
_LEAST_SPAN_M = 40.0
_LABELLED = 6
_LIKELY = 1e-3
_STEPS = (1, 2, 5)

_STYLE = (
    "text{font:12px sans-serif;fill:#222}"
    ".hydrant{fill:#fff;stroke:#555;stroke-width:1.5}"
    ".chosen{fill:#0a7d3c;stroke:#0a7d3c}"
    ".noise{fill:#1f6fb2;fill-opacity:.12;stroke:#1f6fb2;stroke-dasharray:4 3}"
    ".here{stroke:#1f6fb2;stroke-width:2.5}"
    ".line{stroke:#999;stroke-dasharray:2 3}"
    ".scale{stroke:#222;stroke-width:2}"
)

Point = tuple[float, float]


def drawn(
    title: str, position: Point | None, address: Point | None, noise_m: float, found: Sequence[Explanation]
) -> str:
    """The record as a cross with its noise, its address as a square, each candidate as a circle; north is up.

    Args:
        title: what is said above.
        position, address: the record's, EPSG:31370 metres.
        noise_m: standard deviation per axis of the position, metres.
        found: the explanations, the likeliest first; the first one is filled.

    Returns:
        SVG; all text in it is escaped.
    """
    title = "".join(sign for sign in title if sign.isprintable())
    candidates = [one for one in found if one.x_l72 is not None and one.y_l72 is not None]
    places = [(float(one.x_l72 or 0), float(one.y_l72 or 0)) for one in candidates]
    likely = [place for one, place in zip(candidates, places, strict=True) if one.probability >= _LIKELY]
    shown = [*likely[:_LABELLED], *(point for point in (position, address) if point)] or [(0.0, 0.0)]
    west, east = min(x for x, _ in shown), max(x for x, _ in shown)
    south, north = min(y for _, y in shown), max(y for _, y in shown)
    span_m = max(east - west, north - south, 4 * noise_m, _LEAST_SPAN_M)
    per_m = (_SIZE - 2 * _EDGE) / span_m
    middle = ((west + east) / 2, (south + north) / 2)

    def at(point: Point) -> Point:
        return (
            round(_SIZE / 2 + (point[0] - middle[0]) * per_m, 1),
            round(_SIZE / 2 - (point[1] - middle[1]) * per_m, 1),
        )

    parts = []
    if address:
        x, y = at(address)
        parts.append(f'<rect class="noise" x="{x - 6}" y="{y - 6}" width="12" height="12"/>')
        parts.append(_text((x + 10, y + 16), "address"))
    if position:
        x, y = at(position)
        parts.append(f'<circle class="noise" cx="{x}" cy="{y}" r="{round(2 * noise_m * per_m, 1)}"/>')
        if places:
            to = at(places[0])
            parts.append(f'<line class="line" x1="{x}" y1="{y}" x2="{to[0]}" y2="{to[1]}"/>')
        parts.append(f'<path class="here" d="M{x - 6} {y}h12M{x} {y - 6}v12"/>')
    for number, (one, place) in enumerate(zip(candidates, places, strict=True)):
        x, y = at(place)
        kind = "hydrant chosen" if number == 0 and one is found[0] else "hydrant"
        parts.append(f'<circle class="{kind}" cx="{x}" cy="{y}" r="6"/>')
        if number < _LABELLED:
            parts.append(_text((x + 9, y - 7), f"{one.hydrant_id}  {one.probability:.3f}"))
    bar_m = _round_length(span_m / 4)
    parts.append(f'<path class="scale" d="M{_EDGE} {_SIZE - 16}h{round(bar_m * per_m, 1)}"/>')
    parts.append(_text((_EDGE, _SIZE - 22), f"{bar_m:g} m"))
    parts.append(_text((12, 20), title))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_SIZE} {_SIZE}" role="img">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style>"
        f'<rect width="{_SIZE}" height="{_SIZE}" fill="#fff"/>{"".join(parts)}</svg>\n'
    )


def _text(place: Point, text: str) -> str:
    return f'<text x="{place[0]}" y="{place[1]}">{escape(text)}</text>'


def _round_length(most_m: float) -> float:
    """The largest of 1, 2, 5, 10, 20, ... metres that is no longer."""
    decade = 10.0 ** math.floor(math.log10(most_m))
    return max(step * decade for step in _STEPS if step * decade <= most_m)
