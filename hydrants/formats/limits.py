"""How much an untrusted file may ask of its reader; the settings `HYDRANTS_READ_*` fill this in."""

from __future__ import annotations

from dataclasses import dataclass

MAX_COLUMNS = 256
"""More columns than any inspection list has; a file with more is damaged or hostile."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one file; what passes one refuses the file, never the night.

    Args:
        file_bytes: size of the file itself.
        unpacked_bytes: what a zip (XLSX, ODS, KMZ, shapefile, photos) may unpack to, declared and actual.
        output_bytes: what may be read out of it, text and pictures; a text that a small file repeats
            in every cell counts each time.
        rows: rows with text.
        memory_bytes: address space of the reading process.
        cpu_s: processor time of the reading process, seconds.
        wall_s: how long may be waited for it in all, seconds; catches a reader that waits without working.
    """

    file_bytes: int = 500_000_000
    unpacked_bytes: int = 500_000_000
    output_bytes: int = 2_000_000_000
    rows: int = 2_000_000
    memory_bytes: int = 1_500_000_000
    cpu_s: int = 300
    wall_s: int = 900
