"""The gate's limits, volume and margins, as the settings declare them."""

from antifraud.gate.judge import Demand
from antifraud.gate.limits import Limits
from antifraud.settings.assumptions import names_to_refuse
from antifraud.settings.core import JobSettings
from antifraud.stats.comparison import Margins
from antifraud.stats.spending import nightly_delta


def limits_of(settings: JobSettings) -> Limits:
    """Return the limits of one night, which spends its part of the year's delta."""
    return Limits(
        fpr_limit=settings.fpr_limit,
        fpr_target=settings.fpr_target,
        delta=nightly_delta(settings.delta, settings.delta_a_year),
        loss_limit_minor=settings.loss_limit_minor,
        alerts_a_day=settings.alerts_a_day,
        attainable_value_recall=settings.attainable_value_recall,
        refuse_if_failed=names_to_refuse(settings.refuse_if_failed),
    )


def demand_of(settings: JobSettings) -> Demand:
    """Return the volume that the loss is judged at."""
    return Demand(
        settings.declared_transactions_a_month,
        settings.declared_fraud_share,
        settings.volume_error,
        settings.fraud_share_error,
        settings.fraud_month_sd,
    )


def margins_of(settings: JobSettings) -> Margins:
    """Return by how much a candidate may be worse than the champion."""
    return Margins(settings.margin_loss_minor, settings.margin_fpr)
