#!/usr/bin/env python3
"""What a search by cluster has to say of the shop, in plain numpy: writes search_by_cluster.csv and scatter_by_cluster.csv.

    venv/bin/python tests/reference/make_search_by_cluster.py

The households of make_clusters.py, and a new page that adds to the orders of phones alone. Half of the buckets of xxhash, into which households go
by their names, discover; the rest measures. There phones and everybody else are compared by the matrices of make_clusters.py, and so are all users of
each half; the levels of the device are compared over all users. Intervals of the metric that is searched on hold for both cohorts at once (Bonferroni).
"""

import csv
import math
import struct

import make_clusters as by
import make_metrics as shop
import numpy as np
import xxhash
from scipy import stats
from scipy.optimize import brentq

GAIN = 30.0
names = by.household(by.MANY, shop.arm)
drawn = by.household(by.MANY, 0 * shop.arm)
phones = np.array([kind == "phone" for kind in shop.device])
buyers = np.array([shop.place[user] for user in shop.orders["user_id"].tolist()])
gains = np.where(phones & (shop.arm == 1), GAIN, 0.0)
amounts = shop.orders["amount"] + 10 * (drawn[buyers] % 7) + gains[buyers]
spend, _ = shop.summed(shop.orders, "paid_at", amounts, before=False)

seed = xxhash.xxh3_64_intdigest(struct.pack("<Q", len("shop")) + b"shop" + b"fold")
rank = lambda bucket: (xxhash.xxh3_64_intdigest(struct.pack("<HQ", bucket, 0), seed), bucket)
first = set(sorted(range(by.BUCKETS), key=rank)[: by.BUCKETS // 2])
bucket = lambda name: xxhash.xxh3_64_intdigest(str(name).encode(), by.BUCKET_SEED) % by.BUCKETS
discovers = np.array([bucket(name) in first for name in names.tolist()])

out = csv.writer(open(by.HERE / "search_by_cluster.csv", "w", newline=""), lineterminator="\n")
out.writerow(["cohort", "metric", "estimand", "method", "n_c", "n_t", "clusters_c", "clusters_t", "estimate", "std_err", "lower", "upper"])


def row(cohort, metric, estimand, method, counts, estimate, error, degrees, tail=0.025):
    half = stats.t.ppf(1 - tail, degrees) * error
    out.writerow([cohort, metric, estimand, method, *counts, *map(repr, map(float, [estimate, error, estimate - half, estimate + half]))])


def effect(who, above, below):
    value = lambda some: above[some].sum() / (some.sum() if below is None else below[some].sum())
    return value((shop.arm == 1) & who) - value((shop.arm == 0) & who)


def errors(some, side, weights, above, below):
    parts = []
    for arm in (0, 1):
        taken = (shop.arm == arm) & some
        if below is None:
            parts.append(by.cr2(above[taken], side[taken], names[taken], np.array(weights)))
        else:
            parts.append(by.delta(above[taken], below[taken], side[taken], names[taken], np.array(weights)))
    return by.combined(parts, [1, 1])


kinds = {kind for kind in shop.device if kind is not None}
for kind in sorted(kinds):
    who = np.array([other == kind for other in shop.device])
    counts = [int((who & (shop.arm == arm)).sum()) for arm in (0, 1)]
    counts += [len(np.unique(names[who & (shop.arm == arm)])) for arm in (0, 1)]
    row(f"level {kind}", "revenue", "effect", "clustered", counts, effect(who, spend, None), *errors(who, np.where(who, 0, 1), [1.0], spend, None))

metrics = {"revenue": (spend, None), "spend": (spend, None), "orders_placed": (shop.count, None), "click_rate": (shop.clicks, shop.pages)}
halves = {"all of the discovery fold": discovers, "all of the measuring fold": ~discovers}
cohorts = {"phones": ~discovers & phones, "others": ~discovers & ~phones}
for cohort, who in {**halves, **cohorts}.items():
    counts = [int((who & (shop.arm == arm)).sum()) for arm in (0, 1)]
    counts += [len(np.unique(names[who & (shop.arm == arm)])) for arm in (0, 1)]
    for metric, (above, below) in metrics.items():
        if cohort in halves and metric != "revenue":
            continue
        method = "clustered" if below is None else "clustered_ratio"
        side = np.where(who, 0, 1)
        tail = 0.025 / 2 if metric == "revenue" else 0.025
        row(cohort, metric, "effect", method, counts, effect(who, above, below), *errors(who, side, [1.0], above, below), tail)
        if cohort in cohorts:
            rest = ~discovers & ~who
            contrast = effect(who, above, below) - effect(rest, above, below)
            row(cohort, metric, "contrast", method, counts, contrast, *errors(~discovers, side, [1.0, -1.0], above, below), tail)

# How much the effects of cohorts, and of the levels of the device, differ: Q with the whole covariance of effects that share households,
# Hotelling's test with the smallest degrees of freedom of an effect, and Paule and Mandel's variance with the interval of Q-profile.
# Noise is taken out of the variance between levels as the mean over all levels has it, whose levels share households as well.
scatter = csv.writer(open(by.HERE / "scatter_by_cluster.csv", "w", newline=""), lineterminator="\n")
scatter.writerow(["groups", "metric", "scale", "q", "p", "i_squared", "between", "lower", "upper", "strength", "over_control", "p_prognosis", "prognostic"])


def of_groups(parts, above, below):
    """The values of control and treatment by group, their covariances, and the degrees of freedom of each."""
    side = np.argmax(np.array(parts), axis=0)
    some = np.any(parts, axis=0)
    values, covariances, freedoms = [], [], []
    for arm in (0, 1):
        who = some & (shop.arm == arm)
        given = (side[who], names[who], len(parts))
        scores = by.mean_scores(above[who], *given) if below is None else by.ratio_scores(above[who], below[who], *given)
        covariances.append(scores.T @ scores)
        mine = [part & (shop.arm == arm) for part in parts]
        values.append(np.array([above[part].sum() / (part.sum() if below is None else below[part].sum()) for part in mine]))
        alone = lambda part: (np.zeros(part.sum(), dtype=int), names[part], np.array([1.0]))
        freedoms.append([(by.cr2(above[part], *alone(part)) if below is None else by.delta(above[part], below[part], *alone(part)))[1] for part in mine])
    return values, covariances, np.array(freedoms)


def satterthwaite(variances, freedoms):
    return sum(variances) ** 2 / sum(v**2 / d for v, d in zip(variances, freedoms))


def q_at(y, covariance, between):
    precision = np.linalg.inv(covariance + between * np.eye(len(y)))
    one = np.ones(len(y))
    mean = one @ precision @ y / (one @ precision @ one)
    return float((y - mean) @ precision @ (y - mean))


def hotelling(y, covariance, degrees):
    q, squared = len(y) - 1, q_at(y, covariance, 0)
    return stats.f.sf((degrees - q + 1) / (degrees * q) * squared, q, degrees - q + 1)


def variance_at(y, covariance, target):
    if q_at(y, covariance, 0) <= target:
        return 0.0
    high = 1.0
    while q_at(y, covariance, high) > target:
        high *= 2
    return brentq(lambda between: q_at(y, covariance, between) - target, 0, high, xtol=1e-18, rtol=1e-14)


def between_levels(y, covariance, shares):
    mean = shares @ y
    return max(0.0, shares @ ((y - mean) ** 2 - np.diag(covariance)) + shares @ covariance @ shares)


def tell(groups, metric, parts, above, below):
    (control, treated), (of_control, of_treated), freedoms = of_groups(parts, above, below)
    shares = np.array([part.sum() for part in parts]) / sum(part.sum() for part in parts)
    linear = lambda part: above[part] if below is None else (above[part] - above[part].sum() / below[part].sum() * below[part]) / below[part].mean()
    within = shares @ np.array([linear(part & (shop.arm == 0)).var(ddof=1) for part in parts])
    of_levels = between_levels(control, of_control, shares)
    for scale, (by_treated, by_control) in {"absolute": (np.ones(len(parts)), np.ones(len(parts))), "relative": (1 / treated, 1 / control)}.items():
        y = treated - control if scale == "absolute" else np.log(treated / control)
        covariance = of_treated * np.outer(by_treated, by_treated) + of_control * np.outer(by_control, by_control)
        each = [np.diag(of_control) * by_control**2, np.diag(of_treated) * by_treated**2]
        degrees = min(satterthwaite(variances, freedom) for variances, freedom in zip(zip(*each), freedoms.T))
        squared, k = q_at(y, covariance, 0), len(y)
        tails = [stats.chi2.ppf(tail, k - 1) for tail in (0.975, 0.025)]
        numbers = [squared, hotelling(y, covariance, degrees), max(0.0, (squared - (k - 1)) / squared), *(math.sqrt(variance_at(y, covariance, target)) for target in [k - 1, *tails])]
        if scale == "absolute":
            strength = between_levels(y, covariance, shares)
            numbers += [math.sqrt(strength), math.sqrt(strength / (within + of_levels)), hotelling(control, of_control, min(freedoms[0])), math.sqrt(of_levels)]
        scatter.writerow([groups, metric, scale, *map(repr, map(float, numbers)), *[""] * (10 - len(numbers))])


tell("cohorts", "revenue", [phones & ~discovers, ~phones & ~discovers], spend, None)
levels = [np.array([other == kind for other in shop.device]) for kind in [*sorted(kinds), None]]
for metric in ("revenue", "click_rate"):
    tell("device", metric, [level for level in levels if level.any()], *metrics[metric])
