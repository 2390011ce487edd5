"""What can go wrong, in words a reader can act on.

A bad row is a result (it is quarantined with a reason); a broken file, an
unusable setting or a missing reference is one of these exceptions.
"""


class HydrantsError(Exception):
    """Base of every error this package raises on purpose."""


class UploadRejected(HydrantsError):
    """A whole uploaded file cannot be used.

    Args:
        reason_nl: what is wrong and what the sender can do about it, in Dutch:
            it goes onto the sender's receipt.
    """

    def __init__(self, reason_nl: str) -> None:
        super().__init__(reason_nl)
        self.reason_nl = reason_nl


class RegisterRejected(HydrantsError):
    """A register export cannot be loaded as a whole."""


class ProfileError(HydrantsError):
    """A contractor's or operator's YAML profile is not usable."""


class ReferenceMissing(HydrantsError):
    """A reference file (boundaries, addresses) or a reference row is not there."""


class UnusableSetting(HydrantsError):
    """A setting or an option has a value that cannot be used."""


class NothingPublished(HydrantsError):
    """There is no snapshot to read yet."""


class NotFound(HydrantsError):
    """What was asked for by name is not there, or is there several times."""
