"""Labels of a decision log that depend on our own flags: the rule of `antifraud/gate/identified.py` for a replay of it.

A blocked payment hides its label. The lake lets the payments of a control share stand for the blocked ones; a log has
no weights, so every payment that the model has blocked needs a label there.
"""

from dataclasses import dataclass

import numpy as np

from antifraud.artifacts.decision_log import NO_SCORE, Columns
from antifraud.clock import Span
from antifraud.errors import NotIdentified
from jobs.judging.logged_labels import UNKNOWN, Mask, Statuses


@dataclass
class Blocked:
    """Payments that the model has blocked, and those among them with a label."""

    payments: int = 0
    labelled: int = 0

    def count(self, part: Columns, status: Statuses) -> Statuses:
        """Count a part of the log; return its statuses without the labels of payments that rules alone have blocked.

        Such a payment is none of the model's: the rules would block it again, whatever a release says.
        """
        ours = _is_of_the_model(part)
        blocked = part["flagged"] & ours
        self.payments += int(np.count_nonzero(blocked))
        self.labelled += int(np.count_nonzero(blocked & (status != UNKNOWN)))
        return np.where(part["flagged"] & ~ours, np.int8(UNKNOWN), status)

    def require_identified(self, span: Span) -> None:
        """Refuse days on which a blocked payment has no label.

        Raises:
            NotIdentified: One has none.
        """
        if missing := self.payments - self.labelled:
            raise NotIdentified(
                f"not identified: {missing:,} of {self.payments:,} payments that were blocked on {span} have no label, "
                "and a log has no weights. Replay the lake, label all flagged payments, or choose days without service"
            )


def _is_of_the_model(part: Columns) -> Mask:
    would_flag = (part["score"] != NO_SCORE) & (part["score"] > part["threshold"])
    return np.asarray(would_flag | (part["propensity"] > 0))
