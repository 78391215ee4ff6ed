"""A made-up shop of 6,000 users, for metrics that are more than a mean: ratios, pre-periods, covariates and caps.

What a user orders follows what the user ordered before, with a few large orders; every fifth user is new and has no pre-period.
The effect is planted: the new page sells a little more to everybody, and is clicked less on phones.
"""

from pathlib import Path

import numpy as np
import pyarrow as pa

from .invention import DAY, SECOND, day_number, one_in, whole
from .tables import Columns, by_time, stacked, taken, write_file

UNITS = 6_000
FIRST_DAY = day_number("2026-03-02")
HOUR = 3_600 * SECOND
DEVICES = np.array(["phone", "phone", "tablet", "desktop"], dtype=object)


def users() -> Columns:
    row = np.arange(UNITS)
    treated = whole(row, "treated", 0, 10) < 4
    second = whole(row, "day", 0, 4) * 86_400 + whole(row, "second", 0, 86_400)
    age = whole(row, "age", 18, 98)
    return {
        "row": row,
        "user": row + 1,
        "treated": treated,
        "variant": np.where(treated, "new", "control").astype(object),
        "device": DEVICES[whole(row, "device", 0, 4)],
        "first": FIRST_DAY * DAY + second * SECOND,
        "age": age,
        "taste": 300 + 12 * age + whole(row, "taste", 0, 5_000) + whole(row, "taste again", 0, 5_000),
        "is_new": one_in(row, "is new", 5),
        "leaves": np.where(one_in(row, "keen", 2), 1, 4),
    }


def order(some: Columns, purpose: str, hours: tuple[int, int], uplift: int) -> Columns:
    """An order of some users, in hours from their first exposure; one in 80 is large."""
    row = some["row"]
    after = whole(row, purpose, hours[0] * 3_600, hours[1] * 3_600) * SECOND
    large = np.where(one_in(row, purpose + " large", 80), 6, 1)
    cents = large * (some["taste"] + whole(row, purpose + " cents", 0, 1_500) + np.where(some["treated"], uplift, 0))
    return {"user_id": some["user"], "paid_at": some["first"] + after, "amount": cents / 100}


def orders(everybody: Columns) -> Columns:
    row, old = everybody["row"], ~everybody["is_new"]
    parts = []
    for visit in ("one", "two", "three"):
        orders_in = lambda when: whole(row, f"{when} {visit}", 0, 6) >= everybody["leaves"]
        before = taken(everybody, old & orders_in("before"))
        parts.append(order(before, "before " + visit, (-168, 0), 0))
        after = taken(everybody, orders_in("after"))
        parts.append(order(after, "after " + visit, (0, 168), 150))
    # Beyond both windows: these count for nothing.
    parts.append(order(everybody, "long before", (-240, -169), 0))
    parts.append(order(everybody, "late", (169, 200), 0))
    return stacked(parts)


def views(everybody: Columns) -> Columns:
    """Pages that a user looked at, and whether something on them was clicked."""
    row = everybody["row"]
    parts = []
    for page in range(8):
        for name, hours in (("before", (-168, 0)), ("after", (0, 168))):
            purpose = f"{name} page {page}"
            some = taken(everybody, whole(row, purpose + " seen", 0, 9) > page if name == "after" else
                         ~everybody["is_new"] & (whole(row, purpose + " seen", 0, 12) > page))
            chance = 10 + some["taste"] // 160 - np.where((some["device"] == "phone") & some["treated"] & (name == "after"), 15, 0)
            after = whole(some["row"], purpose, hours[0] * 3_600, hours[1] * 3_600) * SECOND
            clicked = (whole(some["row"], purpose + " clicked", 0, 100) < chance).astype(np.int64)
            parts.append({"user_id": some["user"], "viewed_at": some["first"] + after, "clicked": clicked})
    return stacked(parts)


def utc(instant: np.ndarray) -> pa.Array:
    return pa.array(instant, type=pa.timestamp("us", tz="UTC"))


def write(folder: Path) -> None:
    """The whole warehouse."""
    everybody = users()
    exposures = {"user_id": everybody["user"], "variant": everybody["variant"], "exposed_at": everybody["first"]}
    log = by_time(exposures, "exposed_at", "user_id")
    write_file(folder / "exposures.parquet", {**log, "exposed_at": utc(log["exposed_at"])})
    log = by_time(orders(everybody), "paid_at", "user_id")
    write_file(folder / "orders.parquet", {**log, "paid_at": utc(log["paid_at"])})
    log = by_time(views(everybody), "viewed_at", "user_id")
    write_file(folder / "views.parquet", {**log, "viewed_at": utc(log["viewed_at"])})
    unknown = one_in(everybody["row"], "age unknown", 12)
    age = pa.array(everybody["age"], mask=unknown)
    write_file(folder / "people.parquet", {"user_id": everybody["user"], "age": age, "device": everybody["device"]})
