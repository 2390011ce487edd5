"""Find the registered hydrant that each inspection record is about, or say why none.

`blocking` proposes candidates, `learning` sees how this firm's positions and numbers err,
`scoring` weighs the evidence, `assignment` lets the records of a campaign compete, and the
posterior probability decides: link, or leave it to a person. Human decisions outrank it.
`noticing` sees what is wrong with a whole file; `explaining` shows how a row was judged.
"""

from hydrants.matching.linking import Linked, link
from hydrants.matching.stage import STAGE, VERSION, Examined, examine, run

__all__ = ["STAGE", "VERSION", "Examined", "Linked", "examine", "link", "run"]
