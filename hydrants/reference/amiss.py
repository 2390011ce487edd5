"""What is wrong with a whole file of positions, in the words of its sender."""

from __future__ import annotations

import math

_WINDS = ("noorden", "noordoosten", "oosten", "zuidoosten", "zuiden", "zuidwesten", "westen", "noordwesten")


def amiss_nl(what: str, gemeente: str, share: float, east_m: float, north_m: float) -> str:
    """A finding of the table `finding`, and what to do about it, in Dutch.

    Args:
        what: SHIFTED or ELSEWHERE.
        gemeente: name of the gemeente whose folder the file came in.
        share: of the records that show it.
        east_m, north_m: the offset from the register, for SHIFTED.
    """
    if what == "SHIFTED":
        wind = _WINDS[round(math.degrees(math.atan2(east_m, north_m)) / 45) % 8]
        far_m = math.hypot(east_m, north_m)
        seen = (
            f"de plaatsen in dit bestand liggen samen zo'n {far_m:.0f} m naar het {wind} "
            "van de brandkranen in het register; waarschijnlijk is hier of in het register een verkeerd "
            "coördinatenstelsel gekozen"
        )
    else:
        seen = (
            f"{100 * share:.0f} % van de plaatsen in dit bestand ligt buiten {gemeente}; "
            "waarschijnlijk kwam het in de map van een verkeerde gemeente"
        )
    return (
        f"Opgelet: {seen}. Daarom is nog geen enkele rij aan een brandkraan gekoppeld. "
        "Kijk het na en stuur het bestand zo nodig verbeterd opnieuw."
    )
