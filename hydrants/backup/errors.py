"""What can go wrong with a backup."""

from hydrants.errors import HydrantsError


class BackupUnusable(HydrantsError):
    """A backup cannot be written or brought back as it is; the message says what to do."""
