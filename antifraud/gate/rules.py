"""The rule that turns findings into a verdict, and the sentences that explain it."""

from collections.abc import Iterator

from antifraud.figures import rub, share_text
from antifraud.gate.findings import Alternative, Estimate, Findings, Verdict
from antifraud.stats.threshold import TOGETHER

"""Minor units in a rouble."""


def verdict(found: Findings) -> Verdict:
    """PASS, FAIL or INFEASIBLE, by the rule that `antifraud.gate.judge` states."""
    if found.loss_limit_informative and not any(_breaches(found)):
        return Verdict.PASS
    return Verdict.INFEASIBLE if _best(found).loss_bound > found.limits.loss_limit_minor else Verdict.FAIL


def reasons(found: Findings) -> tuple[str, ...]:
    """Why: rate, loss and alerts with their limits, the volume, and at last the best single action."""
    state = [_rate(found), _loss(found), _volume(found)]
    if found.maturity.days:
        state.append(
            f"Missed fraud of the {found.maturity.days} youngest days is corrected for labels still to come: times "
            f"{found.maturity.factor:.3f} over the window, give or take {found.maturity.relative_sd:.1%}."
        )
    if not found.loss_limit_informative:
        state.append(
            f"The loss limit says nothing here: all fraud together is worth {rub(found.fraud_a_month.mean)} a month "
            f"(bound {rub(found.fraud_a_month.bound)}), less than the limit."
        )
    return (*state, _action(found))


def _breaches(found: Findings) -> Iterator[bool]:
    """Whether each limit is broken: rate, loss, alerts."""
    limits = found.limits
    yield found.fpr_bound > limits.fpr_limit
    yield found.loss.bound > limits.loss_limit_minor
    yield limits.alerts_a_day is not None and found.alerts_a_day > limits.alerts_a_day


def _rate(found: Findings) -> str:
    sense = "above" if found.fpr_bound > found.limits.fpr_limit else "within"
    return (
        f"The false-positive rate is {found.fpr:.2%} ({found.false_positives:,} of {found.legitimate:,} legitimate "
        f"transactions), at most {found.fpr_bound:.2%} with {share_text(1 - found.limits.delta, 0)} confidence (widest "
        f"bound: by {_binding(found)}): {sense} the limit of {found.limits.fpr_limit:.2%}."
    )


def _binding(found: Findings) -> str:
    """The widest bound; where that is all kinds together, also the widest of one kind."""
    if found.fpr_binding != TOGETHER:
        return found.fpr_binding
    single = {name: bound for name, bound in found.fpr_bounds.items() if name != TOGETHER}
    widest = max(single, key=single.__getitem__)
    return f"{TOGETHER}, {widest} alone give {single[widest]:.2%}"


def _loss(found: Findings) -> str:
    sense = "above" if found.loss.bound > found.limits.loss_limit_minor else "within"
    return (
        f"A month's missed fraud is {rub(found.loss.mean)}, at most {rub(found.loss.bound)} with "
        f"{share_text(found.loss.level, 0)} probability: {sense} the limit of {rub(found.limits.loss_limit_minor)}. "
        f"{share_text(found.value_recall)} of the fraud amount is caught, the limit demands "
        f"{share_text(found.required_value_recall)}."
    )


def _volume(found: Findings) -> str:
    unlabelled = f" ({found.unknown:,} of the window's without a label)" if found.unknown else ""
    return (
        f"Judged at {found.judged_transactions_a_month:,.0f} transactions a month; observed were "
        f"{found.observed_transactions_a_month:,.0f}{unlabelled}. That means {found.alerts_a_day:,.0f} alerts a day. "
        f"{_estimate('The volume', found.transactions)}; "
        f"{_estimate(f'the fraud share of {found.fraud_share.value:.2%}', found.fraud_share)}."
    )


def _estimate(what: str, estimate: Estimate) -> str:
    return f"{what} is {'declared' if estimate.declared else 'observed'}, give or take {estimate.relative_sd:.1%}"


def _action(found: Findings) -> str:
    """The best single thing to do, the most basic obstacle first."""
    rate, loss, alerts = _breaches(found)
    if verdict(found) is Verdict.INFEASIBLE:
        return _way_out(found)
    if rate:
        return f"Raise the threshold from {found.threshold} to {found.threshold_at_fpr_target} ppm and judge again."
    if loss:
        return _less_loss(found)
    if not found.loss_limit_informative:
        return "Declare the volume that the model will serve, or a loss limit that fits this one, and judge again."
    if alerts:
        return (
            f"Raise the threshold from {found.threshold} to {found.threshold_at_alerts_limit} ppm and judge again: "
            f"{found.alerts_a_day:,.0f} alerts a day, {found.limits.alerts_a_day:,} are allowed."
        )
    return "Promote."


def _less_loss(found: Findings) -> str:
    """What helps where some threshold of some model at hand meets both limits."""
    limits, own, best = found.limits, found.loss_at_fpr_target.bound, _best(found)
    if own > limits.loss_limit_minor:
        return f"Take {best.name} instead: {_obstacle(found)}."
    if found.threshold == found.threshold_at_alerts_limit:
        return (
            f"Make room for more alerts than {limits.alerts_a_day:,} a day, which keep the threshold at "
            f"{found.threshold} ppm: {_obstacle(found)}."
        )
    return f"Lower the threshold from {found.threshold} towards {found.threshold_at_fpr_target} ppm and judge again."


def _best(found: Findings) -> Alternative:
    """Of the models at hand the one that can lose least."""
    own = Alternative("this one", found.loss_at_fpr_target.bound)
    return min([own, *found.alternatives], key=lambda each: each.loss_bound)


def _obstacle(found: Findings) -> str:
    """The numbers that the loss limit fails on: bound and limit, the best at hand, and the label delay's part."""
    best, others = _best(found), len(found.alternatives)
    which = f"the best of {others + 1} models ({best.name})" if others else "it still"
    said = (
        f"loss bound {rub(found.loss.bound)} > {rub(found.limits.loss_limit_minor)}; at the lowest threshold that "
        f"the rate allows {which} reaches {rub(best.loss_bound)}"
    )
    if found.label_delay_loss:
        said += f"; the label delay of {found.label_delay_days} days alone costs {rub(found.label_delay_loss)}"
    return said


def _way_out(found: Findings) -> str:
    """What helps where none does: sooner labels, a better model, or limits that fit the volume."""
    least, limits = _best(found).loss_bound, found.limits
    said = f"No model at hand meets both limits: {_obstacle(found)}."
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
