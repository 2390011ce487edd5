"""Where the gemeenten lie, in each coordinate system that files use."""

from __future__ import annotations

from hydrants.reference.boundaries import LAMBERT_72

LAMBERT_2008 = "EPSG:3812"
WGS84 = "EPSG:4326"

REGIONS = {
    LAMBERT_72: ((20_000.0, 62_000.0), (153_000.0, 208_000.0)),
    LAMBERT_2008: ((520_000.0, 562_000.0), (653_000.0, 708_000.0)),
    WGS84: ((2.54, 3.11), (50.68, 51.17)),
}
"""Limits of x and of y of the rectangle around them, by system, in its own unit; nowhere do two overlap."""
