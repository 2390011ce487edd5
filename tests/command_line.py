"""The command line on a store of a test, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import sqlalchemy as sa


def called(engine: sa.Engine, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `hydrants` with these arguments in `folder`, with no setting but the address of the store."""
    return subprocess.run(
        [sys.executable, "-m", "hydrants.cli", *arguments],
        env={
            "PATH": os.environ["PATH"],
            "HYDRANTS_DATABASE_URL": engine.url.render_as_string(hide_password=False),
        },
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
    )
