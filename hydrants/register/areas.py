"""Which gemeente a registered hydrant stands in: geometry decides, not what an export says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import shapely

from hydrants import reference
from hydrants.reference import boundaries
from hydrants.register.profile import reject

NEAREST_GEMEENTE_M = 300.0
"""A point outside every gemeente belongs to the nearest one, up to this far."""


def with_gemeente(frame: pd.DataFrame, boundaries_file: Path) -> pd.DataFrame:
    """Find the gemeente around each point, else the nearest within `NEAREST_GEMEENTE_M`.

    Args:
        frame: rows of an export: reason, x_l72, y_l72 (metres).
        boundaries_file: gemeente polygons.

    Returns:
        The frame with `nis`; a row without is rejected.

    Raises:
        ReferenceMissing: when there are no boundaries.
    """
    areas = boundaries.load(boundaries_file)
    areas = areas[areas.index.isin(list(reference.gemeenten()))]
    usable = frame.index[frame["reason"].isna()]
    points = shapely.points(frame.loc[usable, ["x_l72", "y_l72"]].to_numpy(dtype="float64"))
    shapes = areas.geometry.to_numpy()
    area, point = shapely.STRtree(points).query(shapes, predicate="intersects")
    outside = np.setdiff1d(np.arange(len(points)), point)
    near_point, near_area = shapely.STRtree(shapes).query_nearest(
        points[outside], max_distance=NEAREST_GEMEENTE_M
    )
    found = pd.Series(
        areas.index.to_numpy()[np.concatenate([area, near_area])],
        index=usable[np.concatenate([point, outside[near_point]])],
    ).sort_values()  # a point on a shared border is in the gemeente with the lower NIS code, always
    nis = found[~found.index.duplicated()].reindex(frame.index).astype("object")
    result = frame.assign(nis=nis)
    far = f"ligt meer dan {NEAREST_GEMEENTE_M:.0f} m buiten elke gemeente"
    reject(result, nis.isna(), far)
    return result
