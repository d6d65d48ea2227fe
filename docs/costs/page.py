"""Generate docs/cost.md: the cost of a month before the first resource exists, and at ten times the load."""

import math
from typing import Final

from docs.costs.bill import (
    Line,
    bill_of,
    cluster_hour,
    cluster_hours,
    grown,
    months_total,
    people_total,
    total,
)
from docs.costs.inputs import shape_of, sizes, table
from docs.costs.work import DAYS_A_MONTH, MILLION, SECONDS_A_DAY, history_core_hours, night_of, scorer_cores, stored_gb
from docs.settings_page import NOTICE

ENVIRONMENTS: Final = ("prototype", "production")
YEAR: Final = 12
FACTORS: Final = (1, 10, 100)
MINUTES_AN_HOUR: Final = 60
GO_ON: Final = (
    (
        "the cloud's own bill",
        "at most 1.2 times this sheet, and every assumed price is replaced",
        "bill of month 2",
    ),
    ("clusters left after 30 nights", "0, and less than 1,000 RUB lost to them", "the DAG `clusters` reports it"),
    ("nights that published their day", "30 of 30, without a person", "Airflow"),
    ("the gate's verdict on real data", "PASS, or INFEASIBLE and the business changes a limit", "report of `retrain`"),
    ("answers of the scorer", "99 % within 50 ms, and 99.9 % of requests answered", "the balancer's dashboard"),
    ("raw identifiers outside the raw zone", "0 findings", "the leak scan"),
    (
        "a rebuild from nothing",
        "a working day, by an engineer who is new to it",
        "[deployment](deployment.md)",
    ),
)
"""Conditions that the prototype must meet: subject, limit, and how it is seen."""
LIMITS: Final = """\
Beyond ten times the traffic, money is not what limits:

- Every scorer's host has a store of its own, with one writer. At a hundred times the traffic, customers have to be
  divided among stores.
- The state that scorers read is one file with every entity, written by one process. Its size follows the customers.
- The catalog commits one table at a time, so hundreds of days cannot be loaded at once ([scale](scale.md)).
- PostgreSQL, Valkey, Airflow and the balancer are counted at today's size; none of them grows with transactions alone.
"""


def cost_page() -> str:
    """Return docs/cost.md."""
    parts = (_head, _against_budget, _months, _clusters, _stored, _million, _capacity, _go_on, _prices)
    return "\n".join(part() for part in parts)


def _rub(amount: float) -> str:
    return f"{amount:,.0f}"


def _rows(*rows: tuple[object, ...]) -> str:
    return "".join(f"| {' | '.join(map(str, row))} |\n" for row in rows)


def _table(head: tuple[str, ...], *rows: tuple[object, ...]) -> str:
    return _rows(head, ("---",) * len(head), *rows)


def _head() -> str:
    return (
        f"# Cost\n\n{NOTICE}Amounts are RUB with VAT. Prices, volumes and staff are in "
        "[docs/costs/prices.toml](costs/prices.toml), sizes of hosts and disks in the Terraform files of "
        "[both environments](../infra/terraform/README.md). No bill has been compared with this sheet yet.\n"
    )


def _against_budget() -> str:
    budget = table()["budget"]["rub"]
    rows = []
    for name in ENVIRONMENTS:
        months = table()["environments"][name]["months"]
        rows.append((f"{name}, {months} months", months_total(name, months), people_total(name, months)))
    rows.append(("**both**", sum(row[1] for row in rows), sum(row[2] for row in rows)))
    rows.append(("production, a year", months_total("production", YEAR), people_total("production", YEAR)))
    spelled = [
        (name, *map(_rub, (cloud, people, cloud + people)), f"{(cloud + people) / budget:.1%}", f"{cloud / budget:.1%}")
        for name, cloud, people in rows
    ]
    head = ("stage", "cloud", "people", "together", "share of the budget", "cloud's share")
    staff = ", ".join(f"{each['role']} {each['prototype']:g}/{each['production']:g}" for each in table()["people"])
    return (
        f"## Against the budget of {_rub(budget)}\n\n{_table(head, *spelled)}\n"
        f"Staff is a declared input, not a result. Full-time shares in prototype and production: {staff}.\n"
    )


def _parts(lines: list[Line]) -> dict[str, float]:
    parts: dict[str, float] = {}
    for line in lines:
        parts[line.part] = parts.get(line.part, 0) + line.rub
    return parts


def _months() -> str:
    bills = [bill_of(sizes(name), table()["environments"][name], 1) for name in ENVIRONMENTS]
    first, second = (_parts(lines) for lines in bills)
    rows = [(part, _rub(first[part]), _rub(second[part])) for part in first]
    assumed = [sum(line.rub for line in lines if not line.is_found) for lines in bills]
    sums = [total(lines) for lines in bills]
    doubled = [each + more for each, more in zip(sums, assumed, strict=True)]
    rows += [
        ("**sum**", *map(_rub, sums)),
        ("of it at assumed prices", *map(_rub, assumed)),
        ("sum if these are twice as high", *map(_rub, doubled)),
    ]
    return "## A month, the first of each environment\n\n" + _table(("part", *ENVIRONMENTS), *rows)


def _clusters() -> str:
    rows = []
    for name in ENVIRONMENTS:
        plan, cluster = table()["environments"][name], sizes(name)["cluster"]
        traffic = plan["transactions_a_second"]
        night = night_of(traffic, cluster)
        rows.append(
            (
                name,
                f"{traffic:g}",
                f"{night.lake * MINUTES_AN_HOUR:.0f}",
                f"{night.retrain * MINUTES_AN_HOUR:.0f}",
                night.billed,
                f"{cluster_hours(traffic, cluster):.0f}",
                *(math.ceil(total(cluster_hour(cluster, target))) for target in ("managed_spark", "dataproc")),
            )
        )
    head = ("environment", "transactions a second", "minutes of the lake's cluster", "minutes of retraining's",
            "started hours a night", "hours a month", "an hour, Managed Spark", "an hour, Data Processing")  # fmt: skip
    return f"## Clusters\n\n{_table(head, *rows)}\n{_start()} {_history()}\n"


def _start() -> str:
    return (
        f"A cluster starts for {table()['assumed']['create_minutes']} minutes by assumption: most of the life of the "
        "lake's. Managed Service for Apache Spark bills started hours, so a night costs two of them however short its "
        "jobs are. The time of jobs comes from measured core-seconds a million rows ([scale](scale.md))."
    )


def _history() -> str:
    plan, cluster = table()["environments"]["production"], sizes("production")["cluster"]
    work = history_core_hours(plan["history_gb"])
    cores = cluster["workers"] * shape_of(cluster["worker_preset"]).cores * table()["measured"]["parallel_share"]
    hours = math.ceil((work.rows + work.days) / cores)
    price = total(cluster_hour(cluster, "managed_spark"))
    return (
        f"Loading the {plan['history_gb']} GB of history once takes {work.rows:.0f} core-hours of ingest and totals, "
        f"and {work.days:.0f} of states and features if every day gets them. Together these are {hours} hours of "
        f"production's cluster, {hours * price:,.0f} RUB."
    )


def _stored() -> str:
    columns = []
    for name in ENVIRONMENTS:
        plan = table()["environments"][name]
        columns.append(stored_gb(plan["transactions_a_second"], plan["history_gb"], YEAR))
    rows = [(kind, *(f"{column[kind]:.0f}" for column in columns)) for kind in columns[0]]
    sums = tuple(f"{sum(column.values()):.0f}" for column in columns)
    return f"## Storage\n\nGB after a year:\n\n{_table(('kind', *ENVIRONMENTS), *rows, ('**sum**', *sums))}"


def _million() -> str:
    rows = []
    for name in ENVIRONMENTS:
        plan = table()["environments"][name]
        millions = plan["transactions_a_second"] * SECONDS_A_DAY * DAYS_A_MONTH / MILLION
        cost = total(bill_of(sizes(name), plan, 1))
        rows.append((name, f"{millions:.1f}", _rub(cost), _rub(cost / millions)))
    head = ("environment", "million transactions a month", "cloud a month", "a million transactions")
    return f"## A million transactions\n\n{_table(head, *rows)}"


def _capacity() -> str:
    rows = []
    for factor in FACTORS:
        given, plan = grown("production", factor)
        traffic = plan["transactions_a_second"]
        cost = total(bill_of(given, plan, YEAR))
        millions = traffic * SECONDS_A_DAY * DAYS_A_MONTH / MILLION
        rows.append(
            (
                f"{factor}x, {traffic:,} a second",
                f"{scorer_cores(traffic):.1f}",
                given["scorers"]["hosts"],
                given["cluster"]["workers"],
                f"{night_of(traffic, given['cluster']).lake * MINUTES_AN_HOUR:.0f}",
                f"{sum(stored_gb(traffic, plan['history_gb'], YEAR).values()) / 1_000:.1f}",
                _rub(cost),
                _rub(cost / millions),
            )
        )
    head = ("load of production", "cores that decisions need", "scorers", "workers of a cluster",
            "minutes of the lake's run", "TB after a year", "cloud, month 12", "a million transactions")  # fmt: skip
    return (
        "## Ten times and a hundred times\n\n"
        f"{_table(head, *rows)}\nDecisions are planned for {table()['assumed']['scorer_load']:.0%} of the cores, at "
        f"{table()['measured']['decision_microseconds']} measured microseconds each. {LIMITS}"
    )


def _go_on() -> str:
    return (
        "## When to go on\n\nAt the end of month 3 the prototype must show all of the following. Otherwise the final "
        "system is not begun.\n\n" + _table(("what", "limit", "how it is seen"), *GO_ON)
    )


def _prices() -> str:
    rows = [
        (
            f"`{name}`",
            price["what"],
            price["rub"],
            price.get("date", "**assumed**"),
            price.get("source") or price["reason"],
        )
        for name, price in table()["prices"].items()
    ]
    query = table()["query"]
    return (
        f"## Prices\n\nToday's prices come from `{query['url']}`: {query['note']}. A price without a date was not "
        "found; its number is an assumption, and the last column says which.\n\n"
        + _table(("name", "what", "RUB", "in force", "source, or reason for the assumption"), *rows)
    )
