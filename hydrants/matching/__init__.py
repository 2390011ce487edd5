"""Find the registered hydrant that each inspection record is about, or say why none.

`blocking` proposes candidates, `scoring` weighs the evidence, `assignment` lets the
records of a campaign compete; here the posterior probability decides: link, or leave
it to a person. Human decisions outrank it.
"""

from hydrants.matching.linking import link
from hydrants.matching.stage import STAGE, VERSION, run

__all__ = ["STAGE", "VERSION", "link", "run"]
