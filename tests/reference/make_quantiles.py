#!/usr/bin/env python3
"""Quantiles over units and over events of the `shop` straight from its events, in plain numpy and scipy: the numbers that a run has to meet.

    venv/bin/python tests/reference/make_quantiles.py        # writes quantiles_shop.csv and quantile_intervals_shop.csv beside this file

Each user's number is made event by event and the users of an arm are sorted. The p-quantile of n users stands at rank ceil(p n). The share of
users at or below it has the standard error s = sqrt(p (1 - p) / n); the users at the ranks floor(n (p - 1.96 s)) and ceil(n (p + 1.96 s))
lie 2 * 1.96 standard errors apart (Woodruff 1952), which rest on half as many degrees of freedom as there are ranks between them. Of events
all orders of an arm are sorted, and s is that of a ratio of two sums over users: orders at or below the quantile, over orders; the degrees of
freedom shrink as s² grows, and are those of the users at most. Arms are added by Satterthwaite.
"""

import csv
import math
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from scipy import stats

HERE = Path(__file__).resolve().parent
SHOP = HERE.parent / "data" / "shop" / "warehouse"
WEEK = 7 * 86_400_000_000
DEVIATE = stats.norm.ppf(0.975)


def read(name: str) -> dict[str, np.ndarray]:
    table = pq.read_table(SHOP / f"{name}.parquet")
    return {column: table[column].to_numpy(zero_copy_only=False) for column in table.column_names}


def micros(instants: np.ndarray) -> np.ndarray:
    return instants.astype("datetime64[us]").astype(np.int64)


exposures, people, orders = read("exposures"), read("people"), read("orders")
first = dict(zip(exposures["user_id"].tolist(), micros(exposures["exposed_at"]).tolist()))
treated = dict(zip(exposures["user_id"].tolist(), (exposures["variant"] == "new").tolist()))
device = dict(zip(people["user_id"].tolist(), people["device"].tolist()))
age = dict(zip(people["user_id"].tolist(), people["age"].tolist()))
baskets: dict[int, list[int]] = {user: [] for user in first}
for user, at, amount in zip(orders["user_id"].tolist(), micros(orders["paid_at"]).tolist(), orders["amount"].tolist()):
    if 0 <= at - first[user] < WEEK:
        baskets[user].append(round(amount * 100))

# In cents, or in orders: whole numbers, so that nothing depends on how sums are rounded.
spend = {user: sum(basket) for user, basket in baskets.items()}
largest = {user: max(basket) for user, basket in baskets.items() if basket}
count = {user: len(basket) for user, basket in baskets.items()}
every = {user: basket for user, basket in baskets.items() if basket}
METRICS = {
    "order_p75": (every, 0.75, 100, None),
    "spend_p90": (spend, 0.9, 100, None),
    "largest_order": (largest, 0.25, 100, -0.2),
    "orders_median": (count, 0.5, 1, None),
}
COHORTS = {"phones": lambda user: device[user] == "phone", "oldest": lambda user: age[user] == 97}


def quantile(values: list, p: float, steps: int) -> tuple[float, float, float, int] | None:
    """The quantile, its variance, the degrees of freedom of that, and the number of users; None where it has no interval."""
    of_events = isinstance(values[0], list)
    ranked = sorted(value for user in values for value in user) if of_events else sorted(values)
    n = len(ranked)
    independent = p * (1 - p) / n
    s = math.sqrt(independent)
    if of_events:
        at = ranked[math.ceil(round(p * 1_000_000) * n / 1_000_000) - 1]
        below = np.array([sum(value <= at for value in user) for user in values], dtype=float)
        events = np.array([len(user) for user in values], dtype=float)
        moved = below - below.sum() / events.sum() * events
        s = math.sqrt(moved.var(ddof=1) / len(values)) / events.mean()
    lower, upper = math.floor(n * (p - DEVIATE * s)), math.ceil(n * (p + DEVIATE * s))
    if lower < 1 or upper > n:
        return None
    error = (ranked[upper - 1] - ranked[lower - 1]) / steps / (2 * DEVIATE)
    at = ranked[math.ceil(round(p * 1_000_000) * n / 1_000_000) - 1] / steps
    degrees = (upper - lower) / 2 * independent / s**2
    return at, error**2, min(degrees, len(values) - 1) if of_events else degrees, len(values)


def combined(estimate: float, parts: list[tuple[float, float]]) -> tuple[float, float, float]:
    variance = sum(part for part, _ in parts)
    return estimate, math.sqrt(variance), variance**2 / sum(part**2 / degrees for part, degrees in parts)


numbers = csv.writer(open(HERE / "quantiles_shop.csv", "w", newline=""), lineterminator="\n")
numbers.writerow(["metric", "cohort", "estimand", "method", "n_c", "n_t", "mean_c", "mean_t", "estimate", "std_err"])
intervals = csv.writer(open(HERE / "quantile_intervals_shop.csv", "w", newline=""), lineterminator="\n")
intervals.writerow(["metric", "cohort", "estimand", "lower", "upper"])


def row(metric: str, cohort: str, estimand: str, method: str, arms: list, found: tuple[float, float, float]) -> None:
    estimate, error, degrees = found
    shown = [arms[0][3], arms[1][3], *(repr(float(number)) for number in (arms[0][0], arms[1][0], estimate, error))]
    numbers.writerow([metric, cohort, estimand, method, *shown])
    margin = stats.t.ppf(0.975, degrees) * error
    intervals.writerow([metric, cohort, estimand, repr(float(estimate - margin)), repr(float(estimate + margin))])


def compared(values: dict[int, int], who: list[int], p: float, steps: int) -> list | None:
    arms = [quantile([values[user] for user in who if treated[user] == arm and user in values], p, steps) for arm in (0, 1)]
    return None if None in arms else arms


for metric, (values, p, steps, limit) in METRICS.items():
    for cohort in ("all", *COHORTS):
        holds = COHORTS.get(cohort, lambda user: True)
        arms = compared(values, [user for user in first if holds(user)], p, steps)
        if arms is None or arms[0][1] + arms[1][1] == 0:
            continue
        (q0, v0, d0, _), (q1, v1, d1, _) = arms
        effect = combined(q1 - q0, [(v1, d1), (v0, d0)])
        row(metric, cohort, "effect", "quantile", arms, effect)
        ratio = q1 / q0
        if q0 > 9 * math.sqrt(v0):
            row(metric, cohort, "lift", "delta", arms, combined(ratio - 1, [(v1 / q0**2, d1), (ratio**2 * v0 / q0**2, d0)]))
        if limit is not None and cohort == "all":
            part = [(v1, d1), ((1 + limit) ** 2 * v0, d0)]
            row(metric, cohort, "margin", "non_inferiority", arms, combined(q1 - (1 + limit) * q0, part))
        rest = compared(values, [user for user in first if not holds(user)], p, steps) if cohort in COHORTS else None
        if rest is not None and rest[0][1] + rest[1][1] > 0:
            (r0, w0, e0, _), (r1, w1, e1, _) = rest
            other = combined(r1 - r0, [(w1, e1), (w0, e0)])
            parts = [(effect[1] ** 2, effect[2]), (other[1] ** 2, other[2])]
            row(metric, cohort, "contrast", "quantile", arms, combined(effect[0] - other[0], parts))
