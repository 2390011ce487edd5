"""Nights that are cut short, and what must hold afterwards."""
