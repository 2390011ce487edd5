"""A street world for the matcher alone: hydrants 8-120 m apart, and records with known faults."""

from __future__ import annotations

import numpy as np
import pandas as pd

ORIGIN_L72 = (30_000.0, 160_000.0)


def hydrant_frame(points: np.ndarray, refs: list[str | None]) -> pd.DataFrame:
    """Hydrants as `matching.link` wants them; ids are H0, H1, ..."""
    return pd.DataFrame(
        {
            "hydrant_id": [f"H{i}" for i in range(len(points))],
            "ref": pd.Series(refs, dtype=object),
            "x": points[:, 0],
            "y": points[:, 1],
            "street_keys": pd.Series([frozenset()] * len(points), dtype=object),
            "hydrant_type": None,
            "diameter_mm": None,
            "nis": "33021",
            "is_contracted": True,
        }
    )


def record_frame(rows: list[dict[str, object]]) -> pd.DataFrame:
    """Records as `matching.link` wants them; what a row leaves out is unknown."""
    unknown = {"ref": None, "x": np.nan, "y": np.nan, "address_x": np.nan, "address_y": np.nan}
    unknown |= {"address_accuracy_m": np.nan, "street_key": None, "hydrant_type": None, "diameter_mm": None}
    unknown |= {"nis": "33021", "day": 0, "competes": True, "decided": None}
    frame = pd.DataFrame([{**unknown, **row} for row in rows], columns=list(unknown))
    texts = ["ref", "street_key", "hydrant_type", "decided"]
    return (
        frame.astype(dict.fromkeys(texts, object))
        .where(frame.notna(), None)
        .astype(dict.fromkeys(("x", "y", "address_x", "address_y", "address_accuracy_m"), float))
    )


def at(x_m: float, y_m: float = 0.0) -> dict[str, float]:
    """A position in metres from the corner of the world."""
    return {"x": ORIGIN_L72[0] + x_m, "y": ORIGIN_L72[1] + y_m}


def hydrants_at(points_m: list[tuple[float, float]], refs: list[str] | None = None) -> pd.DataFrame:
    """Hydrants in metres from the corner of the world, without numbers unless some are given."""
    return hydrant_frame(np.add(points_m, ORIGIN_L72), list(refs) if refs else [None] * len(points_m))


def street_world(n: int, seed: int, sigma_m: float = 4.0) -> tuple[pd.DataFrame, pd.DataFrame, np.ndarray]:
    """Records, hydrants, and per record the true hydrant_id (None: not in the register).

    70 % clean numbers, 10 % with one or two slips, 20 % without; 2 % gross errors of 30-300 m; 3 % declared
    re-inspections; 1 % not in the register.
    """
    rng = np.random.default_rng(seed)
    streets = []
    while sum(map(len, streets)) < n:
        start, angle = rng.uniform(0, np.sqrt(n * 10_000.0), 2), rng.uniform(0, np.pi)
        along = np.clip(rng.lognormal(3.6, 0.6, rng.integers(4, 16)), 8, 120).cumsum()
        streets.append(start + np.outer(along, [np.cos(angle), np.sin(angle)]))
    points = np.concatenate(streets)[:n] + ORIGIN_L72
    refs = [str(number) for number in rng.choice(np.arange(1_000_000, 1_000_000 + 6 * n), n, replace=False)]

    again = rng.choice(n, int(0.03 * n), replace=False)
    target = np.concatenate([rng.permutation(n), again])
    count = len(target)
    position = points[target] + rng.normal(0, sigma_m, (count, 2))
    gross = rng.random(count) < 0.02
    angle, radius_m = rng.uniform(0, 2 * np.pi, count), rng.uniform(30, 300, count)
    displaced = points[target] + radius_m[:, None] * np.c_[np.cos(angle), np.sin(angle)]
    position = np.where(gross[:, None], displaced, position)
    draw = rng.random(count)
    written = [
        refs[hydrant] if u < 0.7 else _slipped(refs[hydrant], rng) if u < 0.8 else None
        for hydrant, u in zip(target, draw, strict=True)
    ]
    day = np.concatenate([rng.integers(0, 250, n), rng.integers(250, 365, len(again))])
    rows = [
        {"ref": ref, "x": x, "y": y, "day": int(d), "competes": i < n}
        for i, (ref, (x, y), d) in enumerate(zip(written, position, day, strict=True))
    ]
    unknown = rng.uniform(points.min(axis=0), points.max(axis=0), (int(0.01 * n), 2))
    rows += [{"x": x, "y": y, "day": int(rng.integers(0, 250))} for x, y in unknown]
    truth = np.array([f"H{i}" for i in target] + [None] * len(unknown), dtype=object)
    return record_frame(rows), hydrant_frame(points, list(refs)), truth


def _slipped(number: str, rng: np.random.Generator) -> str:
    signs = list(number)
    for _ in range(1 if rng.random() < 0.8 else 2):
        kind = rng.integers(3)
        at = rng.integers(len(signs) - (kind == 1))
        if kind == 0:
            signs[at] = str(rng.integers(10))
        elif kind == 1:
            signs[at], signs[at + 1] = signs[at + 1], signs[at]
        else:
            del signs[at]
    return "".join(signs)
