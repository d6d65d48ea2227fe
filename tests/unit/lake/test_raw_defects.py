"""Defects of raw rows: reasons, columns at fault, and which of several defects counts."""

from antifraud.lake.raw_defects import DEFECTS, DUPLICATE, ROW_DEFECTS
from antifraud.lake.schemas import RAW


def test_the_order_of_defects_decides_between_several():
    """Defects are ordered: unreadable rows first, then time, then parties, then the rest, and duplicates last."""
    assert [(defect.reason, defect.column) for defect in DEFECTS] == [
        ("unparsable", None),
        ("unparsable", "tranaction_id"),
        ("unparsable", "tx_time_seconds"),
        ("unparsable", "tx_datetime"),
        ("outside_file", "tx_datetime"),
        ("customer_invalid", "customer_id"),
        ("terminal_invalid", "terminal_id"),
        ("unparsable", "tx_amount"),
        ("amount_not_positive", "tx_amount"),
        ("unparsable", "tx_time_days"),
        ("unparsable", "tx_fraud"),
        ("unparsable", "tx_fraud_scenario"),
        ("unparsable", "terminal_group_id"),
        ("duplicate", "tranaction_id"),
    ]
    assert (*ROW_DEFECTS, DUPLICATE) == DEFECTS


def test_every_raw_column_can_be_at_fault_and_no_other():
    """Each raw column can be at fault, and None stands for a wrong number of columns."""
    assert {defect.column for defect in DEFECTS} == {None, *RAW.column_names}


def test_the_limits_of_an_amount_are_those_of_the_contract():
    """The limits of an amount are in minor units in the condition, and in roubles in its meaning."""
    [unparsable, too_small] = [defect for defect in DEFECTS if defect.column == "tx_amount"]

    assert unparsable.condition == "amount IS NULL OR amount > 1000000000"
    assert unparsable.meaning == "no such number, or above 10000000.00"
    assert too_small.condition == "amount < 1"
