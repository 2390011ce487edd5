"""Coordinates written in degrees, minutes and seconds: 50°51'19"N 2°43'28"E."""

from __future__ import annotations

import re

SEXAGESIMAL = "EPSG:4326 in degrees, minutes and seconds"
"""What stands as the coordinate system of a record whose coordinates were written so."""

_PART = re.compile(
    r"\s*([NZSOEW])?\s*([+-]?\d{1,3})\s*(?:°|º|˚|graden|gr\.?|deg\.?)"
    r"\s*(\d{1,2}(?:[.,]\d+)?)\s*(?:'|’|‘|′|´|`|min\.?|m)"
    r"\s*(?:(\d{1,2}(?:[.,]\d+)?)\s*(?:\"|”|“|″|''|’’|′′|sec\.?|s(?![a-z])))?"
    r"(?(1)|\s*([NZSOEW])?)(?![a-z0-9])\s*[,;/]?",
    re.IGNORECASE,
)
_SOUTH_OR_WEST = {"Z", "S", "W"}
_LATITUDE = {"N", "Z", "S"}


class Degrees(float):
    """A number of degrees, WGS84, that was written with minutes."""


def parse(text: str) -> tuple[Degrees, ...]:
    """The coordinates that a text consists of.

    Letters are those of the compass, in Dutch or English. Of two coordinates the longitude
    comes first if the letters tell which it is, else they stay in their order.

    Args:
        text: one coordinate ("2°43'28\\"E", "N 50° 51,3'") or two of them.

    Returns:
        One or two numbers; none when the text is anything else.
    """
    found: list[tuple[Degrees, str]] = []
    end = 0
    while end < len(text) and len(found) < 3:
        match = _PART.match(text, end)
        if match is None:
            return ()
        before, whole, minutes, seconds, after = match.groups()
        parts = [float((part or "0").replace(",", ".")) for part in (minutes, seconds)]
        if max(parts) >= 60 or (seconds and parts[0] % 1):
            return ()
        letter = (before or after or "").upper()
        sign = -1 if whole.startswith("-") or letter in _SOUTH_OR_WEST else 1
        found.append((Degrees(sign * (abs(int(whole)) + parts[0] / 60 + parts[1] / 3600)), letter))
        end = match.end()
    if len(found) == 2 and found[0][1] in _LATITUDE and found[1][1] not in _LATITUDE:
        found.reverse()
    return tuple(number for number, _ in found) if len(found) < 3 else ()
