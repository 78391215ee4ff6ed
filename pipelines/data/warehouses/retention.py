"""The retention experiment as a warehouse: exposures, outcomes, weekly account tags.

Original, from tests/data/retention/retention.parquet: accounts and their ids, treatment, outcome, tags. The truth that the simulation knows
(potential outcomes, true effects) stays there. The folds of the lecture are a table of their own. Invented: every time, repeats, and the
rows to leave out.
"""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from .invention import DAY, SECOND, day_number, instants, one_in, whole
from .tables import Columns, by_time, stacked, taken, timestamps, utc_days, write_days, write_file

ZONE = "Europe/Berlin"
FIRST_DAY = day_number("2025-03-04")  # a Tuesday
MONDAY_BEFORE = day_number("2025-03-03")
WEEK = 7
WINDOW = 21 * DAY
TAGS = [
    "risk_score",
    "usage_z",
    "customer_value",
    "log_customer_value",
    "tenure_months",
    "enterprise_plan",
    "support_tickets",
]


def read_accounts(path: Path) -> Columns:
    """The original columns, with `first`, the instant of first exposure that was invented for each account."""
    table = pq.read_table(path)
    accounts = {name: table[name].to_numpy() for name in ["account_id", "treatment", "outcome", *TAGS]}
    row = np.arange(table.num_rows)
    after_midnight = whole(row, "second after midnight", 0, 3_600)  # the day before in UTC
    usual = whole(row, "second", 7 * 3_600, 23 * 3_600)
    second = np.where(one_in(row, "after midnight", 8), after_midnight, usual)
    accounts["first"] = instants(FIRST_DAY + whole(row, "day", 0, 3), second, ZONE)
    accounts["row"] = row
    return accounts


def exposures(accounts: Columns) -> Columns:
    def shown(some: Columns, at: np.ndarray) -> Columns:
        variant = np.where(some["treatment"] == 1, "offer", "control").astype(object)
        return {"account_id": some["account_id"], "variant": variant, "exposed_at": at}

    again = taken(accounts, one_in(accounts["row"], "shown again", 2))
    return stacked([
        shown(accounts, accounts["first"]),
        shown(again, again["first"] + whole(again["row"], "time again", 3_600, 24 * 86_400) * SECOND),
    ])


def outcomes(accounts: Columns) -> Columns:
    """The original outcome as the one final value in the window; others are preliminary, or final but outside the window."""

    def measured(some: Columns, after: np.ndarray, status: str, value: np.ndarray) -> Columns:
        statuses = np.full(len(value), status, dtype=object)
        return {"account_id": some["account_id"], "measured_at": some["first"] + after, "status": statuses, "value": value}

    def some(purpose: str) -> tuple[Columns, np.ndarray]:
        chosen = taken(accounts, one_in(accounts["row"], purpose, 20))
        return chosen, whole(chosen["row"], purpose + " value", 20, 120).astype(np.float64)

    final = whole(accounts["row"], "measured", 7 * 86_400, 21 * 86_400) * SECOND
    early, early_value = some("preliminary")
    before, before_value = some("before exposure")
    after, after_value = some("after the window")
    return stacked([
        measured(accounts, final, "final", accounts["outcome"]),
        measured(early, whole(early["row"], "early", 0, 7 * 86_400) * SECOND, "preliminary", early_value),
        measured(before, -whole(before["row"], "before", 1, 7 * 86_400) * SECOND, "final", before_value),
        measured(after, WINDOW + whole(after["row"], "after", 0, 86_400) * SECOND, "final", after_value),
    ])


def snapshots(accounts: Columns) -> Columns:
    """Mondays. The last one before exposure holds the original row; every third account also has an older and a later one."""

    def known(some: Columns, day: np.ndarray, risk: np.ndarray) -> Columns:
        return {"account_id": some["account_id"], "day": day, **{name: some[name] for name in TAGS}, "risk_score": risk}

    last = np.where(one_in(accounts["row"], "a week older", 5), MONDAY_BEFORE - WEEK, MONDAY_BEFORE)
    chosen = one_in(accounts["row"], "more snapshots", 3)
    more, more_last = taken(accounts, chosen), last[chosen]
    calmed = np.where(more["treatment"] == 1, 0.5, 1.25) * more["risk_score"]  # what the offer did: a leak would show it
    later = MONDAY_BEFORE + WEEK * whole(more["row"], "later week", 1, 3)
    return stacked([
        known(more, more_last - WEEK, 0.875 * more["risk_score"]),
        known(accounts, last, accounts["risk_score"]),
        known(more, later, calmed),
    ])


def folds(original: Path) -> Columns:
    """The lecture's halves: which accounts find its trees, and which measure them."""
    table = pq.read_table(original, columns=["account_id", "fold35", "fold50"])
    words = {name: table[name].cast("string").to_numpy(zero_copy_only=False) for name in ["fold35", "fold50"]}
    return {"account_id": table["account_id"].to_numpy(), **words}


def write(original: Path, folder: Path) -> None:
    """The whole warehouse, from the original file."""
    accounts = read_accounts(original)
    log = by_time(exposures(accounts), "exposed_at", "account_id")
    write_days(folder / "exposures", {**log, "exposed_at": timestamps(log["exposed_at"])}, utc_days(log["exposed_at"]))
    events = by_time(outcomes(accounts), "measured_at", "account_id")
    write_file(folder / "folds.parquet", folds(original))
    write_file(folder / "outcomes.parquet", {**events, "measured_at": timestamps(events["measured_at"])})
    tags = snapshots(accounts)
    tags = taken(tags, np.lexsort((tags["account_id"], tags["day"])))
    day = tags.pop("day")
    for name in ("enterprise_plan", "support_tickets"):
        tags[name] = tags[name].astype(np.int32)
    write_days(folder / "account_tags", tags, day)
