#!/usr/bin/env python3
"""What a search by cluster has to say of the shop, in plain numpy: writes search_by_cluster.csv.

    venv/bin/python tests/reference/make_search_by_cluster.py

The households of make_clusters.py, and a new page that adds to the orders of phones alone. Half of the buckets of xxhash, into which households go
by their names, discover; the rest measures. There phones and everybody else are compared by the matrices of make_clusters.py, and so are all users of
each half; the levels of the device are compared over all users. Intervals of the metric that is searched on hold for both cohorts at once (Bonferroni).
"""

import csv
import struct

import make_clusters as by
import make_metrics as shop
import numpy as np
import xxhash
from scipy import stats

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
