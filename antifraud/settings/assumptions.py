"""Names of the assumptions that the gate checks, and the setting that says which of them forbid a PASS."""

from enum import StrEnum

from antifraud.errors import SettingsError


class AssumptionName(StrEnum):
    """Name of an assumption, as the report and `ANTIFRAUD_REFUSE_IF_FAILED` spell it."""

    RATE_TREND = "rate_trend"
    """The rate does not rise over the window."""
    RATE_DAY = "rate_day"
    """No day's rate stands out."""
    RATE_TERMINAL = "rate_terminal"
    """No terminal's rate stands out."""
    RATE_MEMORY = "rate_memory"
    """Days are independent, where the window is too short for weeks as blocks."""
    RATE_GROUP = "rate_group"
    """There are enough chains or regions of terminals to bound the rate by them."""
    LOSS_GROWTH = "loss_growth"
    LOSS_WAVES = "loss_waves"
    LOSS_SIZES = "loss_sizes"
    COMPARISON_DAYS = "comparison_days"


def names_to_refuse(text: str) -> tuple[AssumptionName, ...]:
    """Return the names in a text that separates them by commas; ``all`` means every one.

    Raises:
        SettingsError: A name is unknown.

    >>> [str(name) for name in names_to_refuse("rate_trend")], names_to_refuse("")
    (['rate_trend'], ())
    """
    names = [each.strip() for each in text.split(",") if each.strip()]
    if names == ["all"]:
        return tuple(AssumptionName)
    if set(names) - set(AssumptionName):
        raise SettingsError(
            f"ANTIFRAUD_REFUSE_IF_FAILED has a name that is no assumption: expected all, or some of "
            f"{', '.join(AssumptionName)}, separated by commas; correct it or unset it"
        )
    return tuple(name for name in AssumptionName if name in names)
