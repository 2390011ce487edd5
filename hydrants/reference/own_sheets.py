"""Sheets that a template brings along: the list to fill in, and two that explain it."""

from __future__ import annotations

LIST_SHEET = "Controles"
"""The sheet on which inspections are filled in."""

GUIDE_SHEET = "Uitleg"
"""What goes where; our words, not the sender's."""

WORDS_SHEET = "Lijsten"
"""What the drop-downs offer."""
