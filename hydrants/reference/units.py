"""Units of what crews measure: one unit per field in the store, many on paper."""

from __future__ import annotations

from types import MappingProxyType

from hydrants.reference.words import fold

_M3_PER_H_IN_L_PER_MIN = 1000 / 60

_SPELLINGS: dict[str, tuple[str, ...]] = {
    "mm": ("mm", "millimeter", "DN", "Ø"),
    "cm": ("cm", "centimeter"),
    "m": ("m", "meter"),
    "km": ("km", "kilometer"),
    "bar": ("bar",),
    "mbar": ("mbar", "millibar"),
    "kPa": ("kPa",),
    "MPa": ("MPa",),
    "l/min": ("l/min", "l/m", "lpm", "liter/min", "liter per minuut"),
    "l/s": ("l/s", "liter/s", "liter per seconde"),
    "m3/h": ("m3/h", "m³/h", "m3/u", "m³/u", "m3/uur", "m³/uur", "kubieke meter per uur"),
}

_FACTORS: dict[str, dict[str, float]] = {
    "diameter_mm": {"mm": 1, "cm": 10},
    "x": {"m": 1, "km": 1000},
    "y": {"m": 1, "km": 1000},
    "pressure_bar": {"bar": 1, "mbar": 0.001, "kPa": 0.01, "MPa": 10},
    "flow_l_per_min": {"l/min": 1, "l/s": 60, "m3/h": _M3_PER_H_IN_L_PER_MIN},
}

_UNIT_BY_SPELLING = {
    field: {fold(spelling): unit for unit in factors for spelling in _SPELLINGS[unit]}
    for field, factors in _FACTORS.items()
}

MEASURED = frozenset(_FACTORS)
"""The fields that are measured in a unit."""


def unit_of(field: str, text: str) -> str | None:
    """The unit that a text stands for where this field is measured; None when it is none."""
    return _UNIT_BY_SPELLING.get(field, {}).get(fold(text))


def factor(field: str, unit: str) -> float:
    """By what a number in `unit` is multiplied to have the field in the unit of the store."""
    return _FACTORS[field][unit]


def units(field: str) -> tuple[str, ...]:
    """The units that a field may be given in; the store's own is first."""
    return tuple(_FACTORS[field])


STORE_UNIT = MappingProxyType({field: next(iter(factors)) for field, factors in _FACTORS.items()})
"""The unit of each field in the store, which holds where nothing else is said."""
