"""The rule that turns findings into a verdict, and the sentences that explain it."""

from antifraud.figures import rub, share_text
from antifraud.gate.assumptions import Assumption, refused
from antifraud.gate.findings import Estimate, Findings, Judgement, Verdict
from antifraud.gate.limits import declared, obstacle, unmet
from antifraud.settings.assumptions import AssumptionName


def conclude(found: Findings) -> Judgement:
    """Return the findings with their verdict, the reasons for it, and the best single action."""
    return Judgement(**found.by_name(), verdict=verdict(found), reasons=reasons(found), action=action(found))


def verdict(found: Findings) -> Verdict:
    """Return PASS, FAIL or INFEASIBLE, by the rule that `antifraud.gate.judge` states."""
    if not unmet(found):
        return Verdict.FAIL if refused(found) else Verdict.PASS
    out_of_reach = found.best_at_hand.loss_bound > found.limits.loss_limit_minor
    return Verdict.INFEASIBLE if out_of_reach else Verdict.FAIL


def reasons(found: Findings) -> tuple[str, ...]:
    """Return why: limits with a bound, the volume, limits that are counted there, what else the verdict rests on."""
    limits = declared(found.limits)
    state = [limit.reason(found) for limit in limits if limit.bound]
    state += [_volume(found), *(limit.reason(found) for limit in limits if not limit.bound)]
    state += [each.words for each in found.assumptions if each.name is AssumptionName.RATE_DAY]
    state.append(_months(found))
    if found.maturity.days:
        state.append(
            f"Missed fraud of the {found.maturity.days} youngest days is corrected for labels still to come: times "
            f"{found.maturity.factor:.3f} over the window, with a relative error of {found.maturity.relative_sd:.1%}."
        )
    if not found.loss_limit_informative:
        state.append(
            f"The loss limit says nothing here: all fraud together is worth {rub(found.fraud_a_month.mean)} a month "
            f"(bound {rub(found.fraud_a_month.bound)}), less than the limit."
        )
    return tuple(state)


def _months(found: Findings) -> str:
    """Return how far next month may differ, and the episodes that the bound allows for."""
    loss = found.loss
    said = f"The loss bound lets months differ by {loss.month_sd:.0%} (standard deviation)."
    if loss.larger:
        said += " More volume counts as larger episodes, which are worse here than more episodes."
    if loss.largest:
        said += (
            f" The largest known episode is worth {rub(loss.largest)}; the bound allows for a missed one of "
            f"{rub(loss.allowed)}. No bound knows a larger kind."
        )
    return said


def _volume(found: Findings) -> str:
    unlabelled = f" ({found.unknown:,} of the window's without a label)" if found.unknown else ""
    return (
        f"Judged at {found.judged_transactions_a_month:,.0f} transactions a month; observed were "
        f"{found.observed_transactions_a_month:,.0f}{unlabelled}. That means {found.alerts_a_day:,.0f} alerts a day. "
        f"{_estimate('The volume', found.transactions)}; "
        f"{_estimate(f'the fraud share of {found.fraud_share.value:.2%}', found.fraud_share)}."
    )


def _estimate(what: str, estimate: Estimate) -> str:
    origin = "declared" if estimate.declared else "observed"
    return f"{what} is {origin}, with a relative error of {estimate.relative_sd:.1%}"


def action(found: Findings) -> str:
    """Return the best single thing to do, the most basic obstacle first."""
    if verdict(found) is Verdict.INFEASIBLE:
        return _way_out(found)
    remedies = [limit.remedy(found) for limit in unmet(found)] + [_longer_window(each) for each in refused(found)]
    return next(iter(remedies), "Promote.")


def _longer_window(failed: Assumption) -> str:
    return (
        f"Find out why this window contradicts the assumption {failed.name}, and certify on days without the cause; or "
        "take its name out of ANTIFRAUD_REFUSE_IF_FAILED to be warned only."
    )


def _way_out(found: Findings) -> str:
    """Return what helps where no threshold does: sooner labels, a better model, or limits that fit the volume."""
    least, limits = found.best_at_hand.loss_bound, found.limits
    said = f"No model at hand meets both limits: {obstacle(found)}."
    own = found.loss_at_fpr_target.bound
    if found.label_delay_loss and own - found.label_delay_loss <= limits.loss_limit_minor:
        return f"{said} Bring labels sooner than after {found.label_delay_days} days."
    said += (
        f" This one catches {share_text(found.value_recall_at_fpr_target)} of the amount there; the loss limit demands "
        f"{share_text(found.required_value_recall)}"
    )
    if found.required_value_recall <= limits.attainable_value_recall:
        return f"{said}. Improve the model."
    volume = found.judged_transactions_a_month * limits.loss_limit_minor / least
    return (
        f"{said}, and more than {share_text(limits.attainable_value_recall)} counts as out of reach of any model. "
        f"Raise the loss limit to {rub(least)}, or bring the volume down to about {volume:,.0f} transactions a month."
    )
