"""What became of written addresses: right, declared unknown or ambiguous, or wrong though sure."""

from __future__ import annotations

import math
import statistics
from collections import Counter, defaultdict

from rich.console import Console
from rich.table import Table

from hydrants.geocoding.resolver import Outcome, Resolution
from scripts.written_addresses import Written

FAR_M, FAR_ACCURACIES = 100.0, 4.0
"""A place is wrong when it is farther than this, and than so many times its own accuracy, from the truth."""

_WITHIN = 2.45  # standard deviations per axis: 95 % of a Gaussian in two dimensions
_FIGURES = ("right street", "right number or declared", "wrong though sure", "ambiguous", "unknown")


def verdict(one: Written, found: Resolution) -> tuple[bool, bool, bool]:
    """Whether the street is right; the number is right or not claimed; and it is wrong though sure.

    Of a road with a kilometre the right answer is none, with road and kilometre read.
    """
    is_sure = found.outcome is Outcome.FOUND
    reading = found.reading
    if one.road is not None:
        is_read = reading is not None and (reading.road, reading.km) == (one.road, one.km)
        return is_read and not is_sure, is_read and not is_sure, is_sure
    has_street = found.street in one.streets
    numbers = (reading.number, reading.second_number) if reading else (None, None)
    has_number = has_street and numbers == (_upper(one.number), _upper(one.second_number))
    away_m = _away_m(one, found)
    is_far = (
        away_m is not None
        and found.place is not None
        and one.form != "street alone"
        and (away_m > max(FAR_M, FAR_ACCURACIES * found.place.accuracy_m))
    )
    return has_street, has_number or not is_sure, is_sure and (not has_number or is_far)


def by_form(written: list[Written], resolved: list[Resolution], console: Console, wrong: int) -> Table:
    """A line for each written form; prints some of the texts that went wrong."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    shown = 0
    for one, found in zip(written, resolved, strict=True):
        street, number, is_wrong = verdict(one, found)
        told = (
            street,
            number,
            is_wrong,
            found.outcome is Outcome.AMBIGUOUS,
            found.outcome is Outcome.UNKNOWN,
        )
        for form in (one.form, f"{one.slips} slips", "all"):
            counts[form].update(texts=1, **dict(zip(_FIGURES, map(int, told), strict=True)))
        if shown < wrong and (is_wrong or not street):
            shown += 1
            console.print(
                f"{one.text!r} ({one.postcode}): {one.streets} {one.number}", found, sep="\n", markup=False
            )
    table = Table(title="What was found", box=None)
    table.add_column("written as")
    for heading in ("texts", *_FIGURES):
        table.add_column(heading, justify="right")
    for form, figures in counts.items():
        shares = (f"{figures[name] / figures['texts']:.4f}" for name in _FIGURES)
        table.add_row(form, str(figures["texts"]), *shares)
    return table


def by_method(written: list[Written], resolved: list[Resolution]) -> Table:
    """How far places are from where they should be, beside the accuracy that they claim."""
    away: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for one, found in zip(written, resolved, strict=True):
        away_m = _away_m(one, found)
        if away_m is not None and found.place is not None and found.street in one.streets:
            what = found.place.method if one.form != "corner" else "corner"
            listed = "" if one.is_listed or what == "corner" else ", number not in the list"
            away[what + listed].append((away_m, found.place.accuracy_m))
    table = Table(
        title="How far from the address that was meant (a hydrant's own offset not counted)", box=None
    )
    table.add_column("place")
    for heading in (
        "texts",
        "median m",
        "90 % within m",
        "median claimed m per axis",
        "within 95 % of claim",
    ):
        table.add_column(heading, justify="right")
    for what, pairs in sorted(away.items()):
        distances = sorted(away_m for away_m, _ in pairs)
        table.add_row(
            what,
            str(len(pairs)),
            f"{statistics.median(distances):.0f}",
            f"{distances[int(0.9 * len(distances))]:.0f}",
            f"{statistics.median(accuracy_m for _, accuracy_m in pairs):.0f}",
            f"{sum(away_m <= _WITHIN * accuracy_m for away_m, accuracy_m in pairs) / len(pairs):.3f}",
        )
    return table


def _away_m(one: Written, found: Resolution) -> float | None:
    if found.place is None or math.isnan(one.x_l72):
        return None
    return math.hypot(found.place.x_l72 - one.x_l72, found.place.y_l72 - one.y_l72)


def _upper(number: str | None) -> str | None:
    return None if number is None else number.upper()
