"""One night over several made-up worlds: are the figures of each exactly those of its truth?

Every world goes through the stages in a directory of its own, with SQLite, and is thrown away after.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from hydrants import demo, evaluation, night, publishing, store
from hydrants.settings import Settings

HEADLINE = {"registered": 15_916, "checked": 11_515, "failed": 2_889, "remaining": 4_401}
"""De Watergroep at the end of 2019, which the truth of every world of scale 1 adds up to."""


def main() -> int:
    """Work through the worlds asked for; 0 when the figures of each are exact."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[2019, 1, 2, 3, 4])
    parser.add_argument("--boundaries", type=Path, help="real gemeente polygons, for a world more")
    parser.add_argument("--addresses", type=Path, help="real addresses, for the same world")
    asked = parser.parse_args()
    worlds: list[tuple[int, Path | None, Path | None]] = [(seed, None, None) for seed in asked.seeds]
    if asked.boundaries and asked.addresses:
        worlds.append((asked.seeds[0], asked.boundaries, asked.addresses))

    table = Table("world", *HEADLINE, "precision", "recall", "wrong/1000", "amiss", "seconds", box=None)
    is_exact = True
    for seed, boundaries, addresses in worlds:
        started = time.perf_counter()
        figures, quality, amiss = work_through(seed, boundaries, addresses)
        is_exact &= figures == HEADLINE
        name = f"seed {seed}" + (", real boundaries and addresses" if boundaries else "")
        table.add_row(
            name,
            *(f"{figures[key]}{'' if figures[key] == HEADLINE[key] else ' (!)'}" for key in HEADLINE),
            *(f"{quality[key]:.4f}" for key in ("precision", "recall", "wrong_per_1000")),
            str(amiss),
            f"{time.perf_counter() - started:.0f}",
        )
    Console().print(table)
    return 0 if is_exact else 1


def work_through(
    seed: int, boundaries: Path | None, addresses: Path | None
) -> tuple[dict[str, int], dict[str, float | int], int]:
    """The figures of De Watergroep, how good the links are, and how many uploads seem amiss."""
    with tempfile.TemporaryDirectory(prefix="hydrants-world-") as name:
        directory = Path(name)
        settings = Settings(
            _env_file=None,  # type: ignore[call-arg]
            database_url=f"sqlite:///{directory / 'hydrants.sqlite'}",
            uploads=directory / "uploads",
            registers=directory / "registers",
            landing=directory / "landing",
            photos=directory / "photos",
            site=directory / "site",
            boundaries=boundaries or directory / "boundaries.geojson",
            addresses=addresses or directory / "addresses.csv",
            upload_stable_s=0,
        )
        demo.write(directory, seed=seed, boundaries=boundaries, addresses=addresses)
        with night.opened(settings) as engine:
            counts = night.whole_night(engine, settings)
            with store.read(engine) as connection:
                lines = publishing.progress(connection)
                quality = evaluation.evaluate(connection, directory / "truth.csv")
    total = next(line for line in lines if line["operator"] == "dewatergroep" and line["nis"] is None)
    return {key: int(total[key]) for key in HEADLINE}, quality, counts["match"]["amiss"]


if __name__ == "__main__":
    sys.exit(main())
