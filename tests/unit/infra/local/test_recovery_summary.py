"""The summary tells how the service came back, whoever resumed it."""

import pytest

from infra.local.summary import _recovery

ADMIN_LINE = "  resumed by an admin, decided since then: 1,598"
FOUND = {"why_none": {"2026-04-10-aa": "It is too young."}, "first_training": {"certify_days_after_onset": 0}}
BY_ADMIN = {"by": "admin", "decided": 1_598}
BY_TRAINING = {
    "by": "judge",
    "verdict": "PASS",
    "as_of": "2026-06-07",
    "release": "2026-06-07-bb",
    "certify_days_after_onset": 28,
    "webhook": {"type": "antifraud.switch.resumed", "signature_verified": True},
}
NEW = {"decided": 2_000, "p50_ms": 2.5, "p99_ms": 4.0, "false_positive_rate": 0.031}


@pytest.mark.parametrize(
    ("found", "resume", "new", "last"),
    [
        (None, BY_ADMIN, None, [ADMIN_LINE]),
        (FOUND, {**BY_ADMIN, "as_of": "2026-06-07", "why": "INFEASIBLE, so it does not serve"}, None,
         ["  training as of 2026-06-07: INFEASIBLE, so it does not serve", ADMIN_LINE]),
        (FOUND, BY_TRAINING, NEW,
         ["  training as of 2026-06-07: PASS with 28 such days, resumed by judge",
          "  webhook antifraud.switch.resumed, signature verified: yes",
          "  2026-06-07-bb serves: 2,000 decisions, p50 2.5 ms, p99 4.0 ms, false-positive rate 3.1%",
          "  time line: recovery.svg"]),
    ],
    ids=["no way back", "the training fails", "the training passes"],
)  # fmt: skip
def test_the_summary_ends_with_who_resumed(found, resume, new, last):
    """The lines before are those of the judged releases and of the training that was too early."""
    summary = {"recover": found, "resume": resume, "new_release": new, "timeline": "recovery.svg"}
    before = ["  2026-04-10-aa may not serve: It is too young.",
              "  first training: 0 certify days after the onset, too few to resume"]  # fmt: skip
    assert _recovery(summary) == ["RECOVERY", *(before if found else []), *last]


def test_without_a_live_part_nothing_came_back():
    """A run without a release has no such block."""
    assert _recovery({"recover": None, "resume": None, "new_release": None}) == []
