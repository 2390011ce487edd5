"""Where the fire hydrants of the Westhoek are, and which of them work."""

__version__ = "0.1.0"
