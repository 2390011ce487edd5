"""Whether a posterior of .9 is right nine times out of ten."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float64]

TOP_DECILES = (10, 9, 8)
BINS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0)
_Z = 1.96


@dataclass(frozen=True)
class Bin:
    """Records of about the same posterior."""

    name: str
    count: int
    mean_p: float
    right: float

    @property
    def difference(self) -> float:
        """How much more often they are right than they say."""
        return self.right - self.mean_p

    @property
    def error(self) -> tuple[float, float]:
        """How far below and above `right` the truth may be: Wilson's interval of 95 %."""
        n, share = self.count, self.right
        middle = (share + _Z**2 / (2 * n)) / (1 + _Z**2 / n)
        half = _Z / (1 + _Z**2 / n) * np.sqrt(share * (1 - share) / n + _Z**2 / (4 * n**2))
        return max(0.0, share - float(middle - half)), max(0.0, float(middle + half) - share)


def top_deciles(p: FloatArray, is_right: BoolArray) -> list[Bin]:
    """The three tenths of the records with the highest posterior, the highest first."""
    order = np.argsort(p, kind="stable")
    return [
        _bin(f"decile {tenth}", p[part], is_right[part])
        for tenth, part in zip(range(10, 0, -1), np.array_split(order, 10)[::-1], strict=True)
        if tenth in TOP_DECILES
    ]


def fixed_bins(p: FloatArray, is_right: BoolArray) -> list[Bin]:
    """Records by posterior, in bins that are narrower near 1; the empty ones left out."""
    of = np.digitize(p, BINS[1:-1])
    return [
        _bin(f"{BINS[i]:g}-{BINS[i + 1]:g}", p[of == i], is_right[of == i])
        for i in range(len(BINS) - 1)
        if (of == i).any()
    ]


def _bin(name: str, p: FloatArray, is_right: BoolArray) -> Bin:
    return Bin(name, len(p), float(p.mean()), float(is_right.mean()))


def plot(bins: Mapping[str, Sequence[Bin]], path: Path) -> None:
    """Draw mean posterior against share right, a line per world; the same bins give the same bytes."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    style: Any = {"svg.hashsalt": "hydrants", "svg.fonttype": "path", "font.size": 10}
    with mpl.rc_context(style):
        figure, (shares, counts) = plt.subplots(
            2, 1, figsize=(6, 7.5), height_ratios=(3, 1), sharex=True, layout="constrained"
        )
        shares.plot([0, 1], [0, 1], color="0.6", linewidth=1, label="as sure as right")
        for (name, line), marker in zip(bins.items(), "os^Dv", strict=False):
            mean_p, right = [one.mean_p for one in line], [one.right for one in line]
            error = np.array([one.error for one in line]).T
            shares.errorbar(mean_p, right, yerr=error, marker=marker, markersize=4, capsize=2, label=name)
            counts.plot(mean_p, [one.count for one in line], marker=marker, markersize=4)
        shares.set(ylabel="share that is right", xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
        shares.legend(loc="lower right", frameon=False)
        counts.set(xlabel="posterior probability of the best candidate", ylabel="records", yscale="log")
        figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)
        plt.close(figure)
