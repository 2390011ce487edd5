"""Street names that could be Flemish, of streets that do not exist."""

from __future__ import annotations

from itertools import product

import numpy as np

from hydrants.errors import HydrantsError

_EVERYWHERE = """
    Kerkstraat Dorpsstraat Schoolstraat Molenstraat Stationsstraat Kasteelstraat Nieuwstraat Veldstraat
    Kapellestraat Markt Dorpsplein Kloosterstraat Beukenlaan Lindelaan Kerkhofstraat Hoogstraat
    Bergstraat Beekstraat Boomgaardstraat Groenestraat Heirweg Gravestraat Leeuwerikstraat Wilgenlaan
    Eikenlaan Kortestraat Langestraat Zavelstraat Akkerstraat Hopstraat Vlasstraat Tuinwijk Parklaan
    Zonnelaan
"""

_STEMS = """
    Abeel Acacia Akker Appel Baron Beek Berk Beuken Bieten Bloemen Boer Bogaard Boom Bos Brem Brouwers
    Brug Cichorei Das Dassen Distel Dool Doorn Dries Duinen Eek Egel Eiken Elzen Engel Esdoorn Essen
    Fazanten Galge Ganzen Gast Gerst Goud Graan Grond Haag Haan Haver Hazelaar Hazen Heide Hemel Herten
    Hoeve Hof Hommel Hoppe Houtland IJzer Iepen Jager Kapel Kastanje Kauw Keizer Kers Kievit Klaver Klei
    Klokken Klooster Koekoek Konijnen Koolzaad Koning Koren Kraaien Kreek Kruis Kwartel Lariks Lavendel
    Leem Lelie Lijster Linden Maai Maarte Mees Meidoorn Merel Mispel Moer Molen Mos Mussen Narcis Noten
    Olmen Ooievaars Oost Otter Overbeek Paarden Palm Patrijzen Peppel Peren Perzik Pijl Pioenen Plas
    Ploeg Polder Populieren Pottenbakkers Prinsen Pruimen Raap Raven Ree Reiger Ridder Riet Roggen Rozen
    Schapen Schuur Sleutel Smis Sneppen Specht Spoor Steen Stok Tarwe Tempel Toren Uilen Valken Varkens
    Vijver Vinken Vlasbloem Vlier Vlinder Vogel Vos Wagen Wal Water Weide West Wever Wilgen Winter Witte
    Wulpen Zand Zeis Zomer Zuid Zwaan Zwaluw
"""

_SUFFIXES = ("straat", "weg", "laan", "dreef", "hof", "pad", "plein", "wegel", "veld", "lei", "dijk", "hoek")
_PREFIXES = ("", "Oude ", "Nieuwe ", "Kleine ", "Grote ", "Hoge ", "Lage ", "Korte ", "Lange ")


def _all_names() -> list[str]:
    made = [
        f"{prefix}{stem}{suffix}"
        for prefix, suffix, stem in product(_PREFIXES, _SUFFIXES, _STEMS.split())
        if not stem.lower().endswith(suffix)
    ]
    return list(dict.fromkeys([*_EVERYWHERE.split(), *made]))


_NAMES = np.array(_all_names(), dtype=object)
_FAMILIARITY = 1.4
"""How much likelier an early name is than a late one: the exponent of its rank."""


def draw(rng: np.random.Generator, count: int) -> list[str]:
    """Different street names for one postcode; the familiar ones come up in most.

    Raises:
        HydrantsError: if more are wanted than there are.
    """
    if count > len(_NAMES):
        raise HydrantsError(
            f"a postcode of {count} streets: the demo knows {len(_NAMES)} names; lower --scale"
        )
    rank = np.arange(1, len(_NAMES) + 1)
    keys = rng.gumbel(size=len(_NAMES)) - _FAMILIARITY * np.log(rank)
    best = np.argsort(-keys)[:count]
    return [str(name) for name in rng.permutation(_NAMES[best])]
