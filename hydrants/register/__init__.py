"""The register: which hydrants there are, according to the water companies, version by version.

`load` takes one export and applies the refresh rule (see `rule`); every state a
hydrant ever had stays readable under the version that said so.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from hydrants import reference
from hydrants.errors import RegisterRejected
from hydrants.register import exports
from hydrants.register.loading import KINDS, load
from hydrants.register.reads import active, active_near, active_numbered, latest_version
from hydrants.settings import Settings

__all__ = ["KINDS", "active", "active_near", "active_numbered", "latest_version", "load", "refresh"]


def refresh(engine: sa.Engine, settings: Settings) -> list[dict[str, Any]]:
    """Load every export under `settings.registers/<operator>/` that is not loaded yet.

    Exports are taken in order of their date, then name. One that cannot be loaded does
    not keep the others out, but is an error in the end.

    Returns:
        What `load` returned per new export, with `operator` and `file`; empty when nothing is new.

    Raises:
        RegisterRejected: naming each export that could not be loaded, and why.
    """
    waiting: list[tuple[date, str, str, Path]] = []
    refused: list[str] = []
    for path in sorted(settings.registers.glob("*/*")):
        operator = path.parent.name
        if path.suffix.lower() not in exports.SUFFIXES or path.name.startswith("."):
            continue
        if operator not in reference.operators():
            refused.append(f"{operator}/{path.name}: no operator is called {operator!r}")
            continue
        try:
            waiting.append((exports.declared(path).get("exported_on", date.min), path.name, operator, path))
        except RegisterRejected as error:
            refused.append(f"{operator}/{error}")
    loaded: list[dict[str, Any]] = []
    for _, name, operator, path in sorted(waiting):
        try:
            result = load(engine, settings, operator, path)
        except RegisterRejected as error:
            refused.append(f"{operator}/{name}: {error}")
            continue
        if result["is_new"]:
            loaded.append({"operator": operator, "file": name, **result})
    if refused:
        raise RegisterRejected("not loaded: " + "; ".join(refused))
    return loaded
