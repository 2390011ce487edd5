"""How right a set of links is, counted the same way for every matcher.

- *recall*: records rightly linked / records whose hydrant is in the register;
- *precision*: records rightly linked / records linked;
- *wrong per 1 000*: 1 000 x records wrongly linked / records linked; a link of a record whose hydrant is not
  in the register is wrong;
- *review*: records that the matcher leaves to a person.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Accuracy:
    """Counts of records; those of several worlds add up."""

    records: int
    registered: int
    linked: int
    right: int
    review: int

    @property
    def recall(self) -> float:
        """Rightly linked among those whose hydrant is in the register."""
        return self.right / self.registered

    @property
    def precision(self) -> float:
        """Rightly linked among those linked; NaN if none is."""
        return self.right / self.linked if self.linked else float("nan")

    @property
    def wrong_per_1000(self) -> float:
        """Wrongly linked per thousand linked; NaN if none is."""
        return 1000 * (1 - self.precision)

    @property
    def review_share(self) -> float:
        """Left to a person, of all records."""
        return self.review / self.records

    def __add__(self, other: Accuracy) -> Accuracy:
        return Accuracy(
            self.records + other.records,
            self.registered + other.registered,
            self.linked + other.linked,
            self.right + other.right,
            self.review + other.review,
        )


def accuracy(found: IntArray, target: IntArray, is_review: BoolArray | None = None) -> Accuracy:
    """Count how many links are right.

    Args:
        found: per record the position of the hydrant it was linked to; -1 if it was not linked.
        target: per record the position of its hydrant; -1 if that is not in the register.
        is_review: per record whether it is left to a person; none is, if left out.
    """
    return Accuracy(
        records=len(target),
        registered=int((target >= 0).sum()),
        linked=int((found >= 0).sum()),
        right=int(((found >= 0) & (found == target)).sum()),
        review=0 if is_review is None else int(is_review.sum()),
    )


def positions(hydrant_ids: pd.Series, hydrants: pd.DataFrame) -> IntArray:
    """Where each hydrant_id stands in `hydrants`; -1 for a missing one."""
    found: IntArray = pd.Index(hydrants["hydrant_id"]).get_indexer(hydrant_ids).astype(np.int64)
    return found
