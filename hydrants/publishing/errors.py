"""What can go wrong in publishing only."""

from hydrants.errors import HydrantsError


class InvariantBroken(HydrantsError):
    """The figures contradict the register or each other; nothing is published."""
