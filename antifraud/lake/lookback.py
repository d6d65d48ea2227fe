"""The days that a day looks back on, and which of them the lake lacks."""

import datetime as dt
from typing import Final

from antifraud.clock import ONE_DAY, days_between
from antifraud.features.buckets import LONGEST_WINDOW_DAYS
from antifraud.lake.catalog import open_catalog, published
from antifraud.lake.feed import covers, discover
from antifraud.lake.schemas import TOTALS_CUSTOMER, TOTALS_TERMINAL
from antifraud.lake.storage import raw_folder
from antifraud.settings.core import JobSettings

TOTALS: Final = (TOTALS_CUSTOMER, TOTALS_TERMINAL)


def missing_before(settings: JobSettings, day: dt.date) -> list[dt.date]:
    """Return the days that features of `day` look back on and that some table of totals lacks.

    Features look back on the longest window, and for terminal risk on the label delay before it. History begins with
    the feed or with the lake. The feed is consulted too, so that days not yet loaded count as missing and a backfill
    may run in any order.
    """
    reach = dt.timedelta(days=LONGEST_WINDOW_DAYS + settings.label_delay_days)
    window = days_between(day - reach, day - ONE_DAY)
    catalog = open_catalog(settings)
    customers, terminals = (published(catalog, table, window[0], window[-1]) for table in TOTALS)
    files = discover(raw_folder(settings))
    known = [*[day for day in window if covers(files, day)][:1], *customers, *terminals]
    # A day is there only if both tables have it: a run may have been killed between them.
    whole = customers.keys() & terminals.keys()
    return [day for day in window if known and day >= min(known) and day not in whole]
