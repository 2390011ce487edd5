"""What gets lost between the hydrant and the row: numbers, positions, addresses."""

from __future__ import annotations

import numpy as np
import pandas as pd

from hydrants.demo.evidence import (
    ADDRESS_MARGIN_M,
    ADDRESS_NEAR_M,
    ASTRAY_M,
    MARGIN_M,
    NEAR_M,
    Neighbourhood,
    is_resolvable,
)
from hydrants.demo.houses import Houses
from hydrants.demo.inspections import Bools
from hydrants.demo.world import Floats, Ints, stream

GPS_SIGMA_M = 4.0
"""Per axis."""
_GROSS = 0.02
_GROSS_M = (30.0, 300.0)

_TYPO, _NO_NUMBER = 0.10, 0.20
_ADDRESS_ONLY = {"exact": 0.013, "typo": 0.006, "none": 0.013}
"""Shares of Westlandia's rows. Interwest's hydrants have no numbers: it has only `none`."""
_SWAPPED, _LAMBERT_2008 = 0.010, 0.006
_SEVERAL_NEAR_M, _SEVERAL_MARGIN_M = 8.0, 20.0
"""Rows about a hydrant that is visited several times could be taken for rows about its neighbours: without
a number they lie this near to it, and every other hydrant this much farther off."""

NO_ADDRESS, STREET_ONLY, NUMBER, OPPOSITE, AT_NUMBER, SHORT = range(6)
"""How an address is written: not at all; "Dorpsstraat"; "Dorpsstraat 14"; "Dorpsstraat t.o. 14";
"thv nr 14 Dorpsstraat"; "Dorpsstr. 14"."""

_ATTEMPTS = 60


def mistype(numbers: Ints, rng: np.random.Generator) -> Ints:
    """One typo in each number of seven digits: a digit replaced, two swapped, or one dropped.

    Never the number itself, never a leading zero.
    """
    result = numbers.copy()
    todo = np.arange(len(numbers))
    while len(todo):
        valid = numbers[todo]
        power = 10 ** rng.integers(0, 7, size=len(todo))
        digit = valid // power % 10
        replaced = valid + (rng.integers(0, 10, size=len(todo)) - digit) * power
        high = np.minimum(power, 10**5) * 10
        low = high // 10
        a, b = valid // high % 10, valid // low % 10
        swapped = valid + (b - a) * high + (a - b) * low
        dropped = valid // (power * 10) * power + valid % power
        kind = rng.random(len(todo))
        result[todo] = np.where(kind < 0.6, replaced, np.where(kind < 0.85, swapped, dropped))
        has_leading_zero = result[todo] < np.where(kind < 0.85, 10**6, 10**5)
        todo = todo[(result[todo] == valid) | has_leading_zero]
    return result


def gross_error(count: int, least_m: float, rng: np.random.Generator) -> Floats:
    """Displacements of at least `least_m` and at most 300 m, in any direction."""
    angle = rng.uniform(0, 2 * np.pi, count)
    reach = rng.uniform(least_m, _GROSS_M[1], count)
    return np.column_stack([np.cos(angle), np.sin(angle)]) * reach[:, None]


def draw(
    events: pd.DataFrame, hydrants: pd.DataFrame, around: Neighbourhood, houses: Houses, seed: int
) -> pd.DataFrame:
    """Write every visit down as its firm would, with its dirt, resolvable by a careful person.

    Dirt is given only to rows that stay resolvable with it (see `evidence.is_resolvable`); a row that is not,
    gets the exact number, or, where the hydrant has none, a better position.

    Args:
        events: what `inspections.plan` and `borrow` return.

    Returns:
        The same rows with number, x_l72, y_l72, house (position in the address list, -1: none), house_x_l72,
        house_y_l72, address_form, hydrant_type, diameter_mm (0: not said), is_swapped, is_lambert_2008.
    """
    rng = stream(seed, "dirt")
    rows = events.copy()
    hydrant = rows["hydrant"].to_numpy()
    count = len(rows)
    valid = around.number[hydrant]
    is_first = (rows["step"] == 0).to_numpy() & ~rows["is_contradiction"].to_numpy()
    is_single = (rows.groupby("hydrant")["hydrant"].transform("size") == 1).to_numpy()
    may_lose = is_first & (valid > 0) & (rows["firm"] == "westlandia").to_numpy()

    is_gross = rng.random(count) < _GROSS
    offset = rng.normal(0, GPS_SIGMA_M, (count, 2))
    offset[is_gross] = gross_error(int(is_gross.sum()), _GROSS_M[0], rng)
    rows[["x_l72", "y_l72"]] = (around.xy[hydrant] + offset).round(2)
    rows["number"] = valid
    is_type_said = rng.random(count) < 0.95
    rows["hydrant_type"] = np.where(is_type_said, hydrants["true_type"].to_numpy()[hydrant], 0)
    rows["diameter_mm"] = np.where(rng.random(count) < 0.7, hydrants["diameter_mm"].to_numpy()[hydrant], 0)
    _address(rows, hydrant, houses, rng)

    is_plain_sight = is_single | _is_plain_sight(rows, around)
    clear_house = np.where(is_single, _clear_house(hydrant, around, houses, rng), -1)
    free = may_lose.copy()
    for kind, share in _ADDRESS_ONLY.items():
        changed = _with_house(rows, clear_house, houses).assign(x_l72=np.nan, y_l72=np.nan)
        if kind != "exact":
            changed["number"] = mistype(valid, rng) if kind == "typo" else 0
        free &= ~_replace(rows, changed, free & is_single, share, may_lose, around, rng)
    for kind, share in (("none", _NO_NUMBER), ("typo", _TYPO)):
        changed = _with_house(rows, np.where(is_gross, clear_house, -1), houses)
        changed["number"] = 0 if kind == "none" else mistype(valid, rng)
        fits = free & (is_plain_sight | (kind == "typo"))
        free &= ~_replace(rows, changed, fits, share, may_lose, around, rng)
    # a second visit is without a number only where the position is honest and the type is said
    again = ~is_first & (valid > 0) & rows["is_declared"].to_numpy() & is_plain_sight & is_type_said
    _replace(rows, rows.assign(number=0), again, _NO_NUMBER, again, around, rng)

    _draw_without_numbers(rows, valid, is_gross, is_single, clear_house, around, houses, rng)
    _calm(rows, around, rng)
    is_point = rows["x_l72"].notna().to_numpy()
    rows["is_swapped"] = is_point & (rng.random(count) < _SWAPPED)
    rows["is_lambert_2008"] = is_point & (rng.random(count) < _LAMBERT_2008)
    return rows


def _address(rows: pd.DataFrame, hydrant: Ints, houses: Houses, rng: np.random.Generator) -> None:
    """The usual address text: mostly a house nearby, sometimes the street alone, sometimes nothing."""
    count = len(rows)
    is_across = (rng.random(count) < 0.25) & (houses.opposite[hydrant] >= 0)
    house = np.where(is_across, houses.opposite[hydrant], houses.beside[hydrant])
    chance = rng.random(count)
    style = rng.choice([NUMBER, AT_NUMBER, SHORT], size=count, p=[0.55, 0.2, 0.25])
    form = np.where(
        chance < 0.72, np.where(is_across, OPPOSITE, style), np.where(chance < 0.84, STREET_ONLY, NO_ADDRESS)
    )
    form[(house < 0) & (form > STREET_ONLY)] = STREET_ONLY
    rows["address_form"] = form
    rows["house"] = np.where(form > STREET_ONLY, house, -1)
    rows[["house_x_l72", "house_y_l72"]] = houses.point(rows["house"].to_numpy())
    rows["plain_form"] = style


def _clear_house(hydrant: Ints, around: Neighbourhood, houses: Houses, rng: np.random.Generator) -> Ints:
    """A house that by itself leads to the hydrant; -1 where there is none."""
    result = np.full(len(hydrant), -1)
    for candidate in (houses.beside[hydrant], houses.opposite[hydrant]):
        point = houses.point(candidate)
        is_near = around.distance_m(point, hydrant) <= ADDRESS_NEAR_M
        is_clear = is_near & (around.margin_m(point, hydrant) >= ADDRESS_MARGIN_M)
        result = np.where(is_clear & ((result < 0) | (rng.random(len(hydrant)) < 0.5)), candidate, result)
    return result


def _with_house(rows: pd.DataFrame, house: Ints, houses: Houses) -> pd.DataFrame:
    """The rows with these houses in their address text; -1 leaves a row as it is."""
    is_given = house >= 0
    new_house = np.where(is_given, house, rows["house"])
    is_across = new_house == houses.opposite[rows["hydrant"].to_numpy()]
    form = np.where(is_across, OPPOSITE, rows["plain_form"])
    changed = rows.assign(house=new_house, address_form=np.where(is_given, form, rows["address_form"]))
    changed[["house_x_l72", "house_y_l72"]] = houses.point(new_house)
    return changed


def _replace(
    rows: pd.DataFrame,
    changed: pd.DataFrame,
    among: Bools,
    share: float,
    of: Bools,
    around: Neighbourhood,
    rng: np.random.Generator,
) -> Bools:
    """Put changed rows in the place of a share of the rows, as far as they stay resolvable."""
    wanted = round(share * int(of.sum()))
    asked = rng.permutation(np.flatnonzero(among))
    chosen: list[Ints] = []
    # asking in portions spares work: most kinds of dirt are wanted for few rows
    for portion in np.array_split(asked, max(1, len(asked) // max(1_000, 2 * wanted))):
        if wanted <= sum(map(len, chosen)):
            break
        chosen.append(portion[is_resolvable(changed.iloc[portion], around)])
    picked = np.concatenate([*chosen, np.array([], dtype=np.int64)])[:wanted]
    for name in ("number", "x_l72", "y_l72", "house", "house_x_l72", "house_y_l72", "address_form"):
        values = rows[name].to_numpy(copy=True)
        values[picked] = changed[name].to_numpy()[picked]
        rows[name] = values
    is_picked = np.zeros(len(rows), dtype=bool)
    is_picked[picked] = True
    return is_picked


def _draw_without_numbers(
    rows: pd.DataFrame,
    valid: Ints,
    is_gross: Bools,
    is_single: Bools,
    clear_house: Ints,
    around: Neighbourhood,
    houses: Houses,
    rng: np.random.Generator,
) -> None:
    """Hydrants that have no number: by address alone, with a gross error, else an honest position."""
    unnumbered = valid == 0
    hydrant = rows["hydrant"].to_numpy()
    can_astray = unnumbered & (clear_house >= 0)
    by_house = _with_house(rows, clear_house, houses)
    is_done = _replace(
        rows, by_house.assign(x_l72=np.nan, y_l72=np.nan), can_astray, 0.02, unnumbered, around, rng
    )
    astray = by_house.copy()
    astray[["x_l72", "y_l72"]] = (around.xy[hydrant] + gross_error(len(rows), ASTRAY_M + 1.0, rng)).round(2)
    is_done |= _replace(rows, astray, can_astray & ~is_done, _GROSS, unnumbered, around, rng)

    todo = np.flatnonzero(unnumbered & ~is_done)
    xy = rows[["x_l72", "y_l72"]].to_numpy(copy=True)
    xy[todo[is_gross[todo]]] = np.inf
    for attempt in range(_ATTEMPTS):
        near = np.where(is_single[todo], NEAR_M, _SEVERAL_NEAR_M)
        margin = np.where(is_single[todo], MARGIN_M, _SEVERAL_MARGIN_M)
        is_good = around.distance_m(xy[todo], hydrant[todo]) <= near
        is_good &= around.margin_m(xy[todo], hydrant[todo]) >= margin
        todo = todo[~is_good]
        if not len(todo):
            break
        sigma = GPS_SIGMA_M * (1 if attempt < _ATTEMPTS // 2 else 0.15)
        xy[todo] = (around.xy[hydrant[todo]] + rng.normal(0, sigma, (len(todo), 2))).round(2)
    rows[["x_l72", "y_l72"]] = xy


def _is_plain_sight(rows: pd.DataFrame, around: Neighbourhood) -> Bools:
    """Whether the position is so good that even a hydrant visited several times cannot be mistaken."""
    xy, hydrant = rows[["x_l72", "y_l72"]].to_numpy(), rows["hydrant"].to_numpy()
    is_near = around.distance_m(xy, hydrant) <= _SEVERAL_NEAR_M
    result: Bools = is_near & (around.margin_m(xy, hydrant) >= _SEVERAL_MARGIN_M)
    return result


def _calm(rows: pd.DataFrame, around: Neighbourhood, rng: np.random.Generator) -> None:
    """Rows with an exact number whose position speaks for a hydrant of a similar number: honest after all."""
    is_vague = ~is_resolvable(rows, around)
    hydrant = rows["hydrant"].to_numpy()[is_vague]
    rows.loc[is_vague, ["x_l72", "y_l72"]] = (
        around.xy[hydrant] + rng.normal(0, GPS_SIGMA_M / 2, (len(hydrant), 2))
    ).round(2)
