#!/usr/bin/env python3
"""Quantiles over users and over orders of the `shop` where users were assigned by household, in plain numpy and scipy: the numbers that a run
has to meet.

    venv/bin/python tests/reference/make_quantiles_by_cluster.py        # writes quantiles_by_cluster_shop.csv

Households are those of make_clusters.py, which writes its own files again when it is imported, and so are the amounts of orders. Values of an arm are
sorted, and the p-quantile q of n of them stands at rank ceil(p n). The share at or below q is a ratio of two sums over households, whose
standard error is s, with G / (G - 1) for the G households that have a value. The values at the ranks floor(n (p - 1.96 s)) and ceil(n (p + 1.96 s))
lie 2 * 1.96 standard errors apart (Woodruff 1952). Degrees of freedom: half as many as there are ranks between them, times p (1 - p) / n over
s², at most one less than the effective number of households by their values (Kish); arms go together by Satterthwaite.

Of a contrast each household moves q in a cohort and in the rest by its part of the share times the standard error over s; the variance is the sum of
squares of what it moves their difference by, and the degrees of freedom are those of the side that has fewer.
"""

import csv
import math

import make_clusters as by_cluster
import numpy as np
from make_metrics import HERE, WEEK, arm, cohorts, first, micros, orders, place
from scipy import stats

DEVIATE = stats.norm.ppf(0.975)
names = by_cluster.household(by_cluster.MANY, arm)
drawn = by_cluster.household(by_cluster.MANY, 0 * arm)
buyers = np.array([place[user] for user in orders["user_id"].tolist()])
cents = np.round(100 * (orders["amount"] + 10 * (drawn[buyers] % 7))).astype(int)
after = micros(orders["paid_at"]) - first[buyers]
baskets: list[list[int]] = [[] for _ in names]
for user, amount, at in zip(buyers.tolist(), cents.tolist(), after.tolist()):
    if 0 <= at < WEEK:
        baskets[user].append(amount)
METRICS = {
    "order_p75": (baskets, 0.75),
    "spend_p90": ([[sum(basket)] for basket in baskets], 0.9),
    "largest_order": ([[max(basket)] if basket else [] for basket in baskets], 0.25),
}


class Arm:
    """A quantile of the values of some users of an arm."""

    def __init__(self, values: list[list[int]], p: float, who: np.ndarray):
        members = [user for user in np.flatnonzero(who).tolist() if values[user]]
        ranked = sorted(value for user in members for value in values[user])
        self.users, n = len(members), len(ranked)
        at = ranked[math.ceil(p * n) - 1]
        below, size = {}, {}
        for user in members:
            below[names[user]] = below.get(names[user], 0) + sum(value <= at for value in values[user])
            size[names[user]] = size.get(names[user], 0) + len(values[user])
        g, share = len(size), sum(below.values()) / n
        moved = {name: math.sqrt(g / (g - 1)) * (below[name] - share * size[name]) / n for name in size}
        s = math.sqrt(sum(part**2 for part in moved.values()))
        lower, upper = math.floor(n * (p - DEVIATE * s)), math.ceil(n * (p + DEVIATE * s))
        self.is_told = lower >= 1 and upper <= n
        if self.is_told:
            self.value, self.error = at / 100, (ranked[upper - 1] - ranked[lower - 1]) / 100 / (2 * DEVIATE)
            effective = n**2 / sum(part**2 for part in size.values())
            self.degrees = min((upper - lower) / 2 * p * (1 - p) / n / s**2, effective - 1)
            self.moved = {name: part * self.error / s for name, part in moved.items()}


out = csv.writer(open(HERE / "quantiles_by_cluster_shop.csv", "w", newline=""), lineterminator="\n")
out.writerow(by_cluster.HEADER[:12])
for metric, (values, p) in METRICS.items():
    for cohort, who in cohorts.items():
        sides = [[Arm(values, p, some & (arm == a)) for a in (0, 1)] for some in (who, ~who) if some.any()]
        if not all(part.is_told for part in sides[0]):
            continue
        control, treated = sides[0]

        def row(estimand: str, method: str, estimate: float, error: float, degrees: float) -> None:
            half = stats.t.ppf(0.975, degrees) * error
            numbers = [control.value, treated.value, estimate, error, estimate - half, estimate + half]
            out.writerow([metric, cohort, estimand, method, control.users, treated.users, *map(repr, map(float, numbers))])

        def effect(arms: list[Arm], scale: list[float]) -> tuple[float, float]:
            return by_cluster.combined([(part.error**2, part.degrees) for part in arms], scale)

        ratio = treated.value / control.value
        row("effect", "clustered_quantile", treated.value - control.value, *effect(sides[0], [1, 1]))
        row("lift", "delta", ratio - 1, *effect(sides[0], [ratio / control.value, 1 / control.value]))
        if len(sides) > 1 and all(part.is_told for part in sides[1]):
            differences = [treated.value - control.value for control, treated in sides]
            moved = 0.0
            for of_cohort, of_rest in zip(*sides):
                for name in of_cohort.moved.keys() | of_rest.moved.keys():
                    moved += (of_cohort.moved.get(name, 0) - of_rest.moved.get(name, 0)) ** 2
            degrees = min(effect(side, [1, 1])[1] for side in sides)
            row("contrast", "clustered_quantile", differences[0] - differences[1], math.sqrt(moved), degrees)
