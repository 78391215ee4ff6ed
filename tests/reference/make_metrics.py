#!/usr/bin/env python3
"""Effects and caps of the `shop` straight from its events, in plain numpy: the numbers that a run has to meet.

    venv/bin/python tests/reference/make_metrics.py        # writes metrics_shop.csv, levels_shop.csv and caps_shop.csv beside this file

Each user's numbers are summed event by event. Ratios are linearised, adjustments are least squares on a design matrix arm by arm, centred
at the mean of all users of the cohort, with the variance of that mean; a cohort with 50 users a covariate or fewer in an arm takes the slopes
of everybody. A covariate that is missing is 0, beside an indicator; of the levels of a text all but one are indicators. Caps are ranks of the
sorted values of all arms together; those that trees see are the ranks among the users who discover: half of the buckets of xxhash, in the
order of their hash.
"""

import csv
import math
import struct
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import xxhash
from dataclasses import dataclass

HERE = Path(__file__).resolve().parent
SHOP = HERE.parent / "data" / "shop" / "warehouse"
WEEK = 7 * 86_400_000_000


def read(name: str) -> dict[str, np.ndarray]:
    table = pq.read_table(SHOP / f"{name}.parquet")
    return {column: table[column].to_numpy(zero_copy_only=False) for column in table.column_names}


def micros(instants: np.ndarray) -> np.ndarray:
    return instants.astype("datetime64[us]").astype(np.int64)


exposures, people = read("exposures"), read("people")
users = np.sort(exposures["user_id"])
place = {user: row for row, user in enumerate(users.tolist())}
first, arm = np.zeros(len(users), dtype=np.int64), np.zeros(len(users), dtype=int)
for user, variant, at in zip(exposures["user_id"], exposures["variant"], micros(exposures["exposed_at"])):
    first[place[user]], arm[place[user]] = at, variant == "new"
age, device = np.full(len(users), np.nan), np.empty(len(users), dtype=object)
for user, years, kind in zip(people["user_id"], people["age"], people["device"]):
    age[place[user]], device[place[user]] = years, kind


def summed(table: dict[str, np.ndarray], time: str, value: np.ndarray, before: bool) -> tuple[np.ndarray, np.ndarray]:
    """The sum of a value by user in the week after or before the first exposure, and whether there is an event."""
    rows = np.array([place[user] for user in table["user_id"].tolist()])
    after = micros(table[time]) - first[rows]
    within = (after >= -WEEK) & (after < 0) if before else (after >= 0) & (after < WEEK)
    total, events = np.zeros(len(users)), np.zeros(len(users))
    np.add.at(total, rows[within], value[within])
    np.add.at(events, rows[within], 1)
    return np.round(total, 2), events > 0


orders, views = read("orders"), read("views")
one = {"orders": np.ones(len(orders["amount"])), "views": np.ones(len(views["clicked"]))}
spend, _ = summed(orders, "paid_at", orders["amount"], before=False)
spent_before, bought_before = summed(orders, "paid_at", orders["amount"], before=True)
count, _ = summed(orders, "paid_at", one["orders"], before=False)
count_before, _ = summed(orders, "paid_at", one["orders"], before=True)
clicks, _ = summed(views, "viewed_at", views["clicked"].astype(float), before=False)
pages, _ = summed(views, "viewed_at", one["views"], before=False)
clicks_before, viewed_before = summed(views, "viewed_at", views["clicked"].astype(float), before=True)
pages_before, _ = summed(views, "viewed_at", one["views"], before=True)


def threshold(values: np.ndarray, share: float) -> float:
    ranked = np.sort(values)
    return ranked[math.ceil(round(share * 1_000_000) * len(ranked) / 1_000_000) - 1]


cap = threshold(spend[spend != 0], 0.99)
capped, capped_before = np.minimum(spend, cap), np.minimum(spent_before, cap)
absent = lambda known: (~known).astype(float)
unknown_age = np.isnan(age).astype(float)
by_spend = np.column_stack([capped_before, absent(bought_before), np.nan_to_num(age), unknown_age])
by_views = np.column_stack([clicks_before, absent(viewed_before), pages_before, absent(viewed_before)])
by_count = np.column_stack([count_before, absent(bought_before)])


@dataclass
class Arms:
    """Both arms: value, the part of a unit in it, and the covariates."""

    value: list[float]
    moved: list[np.ndarray]
    covariates: list[np.ndarray]


def mean(values: np.ndarray, who: np.ndarray) -> tuple[list[float], list[np.ndarray]]:
    arms = [values[who & (arm == a)] for a in (0, 1)]
    return [math.fsum(part) / len(part) for part in arms], [part - part.mean() for part in arms]


def ratio(who: np.ndarray) -> tuple[list[float], list[np.ndarray]]:
    value, moved = [], []
    for a in (0, 1):
        above, below = clicks[who & (arm == a)], pages[who & (arm == a)]
        value.append(above.sum() / below.sum())
        moved.append((above - value[-1] * below) / below.mean())
    return value, moved


def independent(covariates: np.ndarray, who: np.ndarray) -> np.ndarray:
    """The covariates that vary and are no combination of earlier ones in either arm of some users."""
    kept = []
    for column in range(covariates.shape[1]):
        ranks = []
        for a in (0, 1):
            part = covariates[who & (arm == a)][:, kept + [column]]
            ranks.append(np.linalg.matrix_rank(np.column_stack([np.ones(len(part)), part])) == len(kept) + 2)
        if all(ranks):
            kept.append(column)
    return covariates[:, kept]


def slopes(moved: list[np.ndarray], covariates: list[np.ndarray]) -> list[np.ndarray]:
    fit = lambda y, x: np.linalg.lstsq(x - x.mean(axis=0), y - y.mean(), rcond=None)[0]
    return [fit(y, x) for y, x in zip(moved, covariates)]


def adjusted(value: list[float], moved: list[np.ndarray], who: np.ndarray, covariates: np.ndarray, parent) -> tuple:
    """The difference, its variance, and the adjusted values with their covariance."""
    n, varying = [int((who & (arm == a)).sum()) for a in (0, 1)], independent(covariates, who)
    is_own = min(n) > 50 * varying.shape[1]
    covariates = varying if is_own else covariates
    k, everybody = covariates.shape[1], covariates[who].mean(axis=0)
    parts = [covariates[who & (arm == a)] for a in (0, 1)]
    b = slopes(moved, parts) if is_own else parent
    at = [value[a] - b[a] @ (parts[a].mean(axis=0) - everybody) for a in (0, 1)]
    spread = [np.cov(part.T).reshape(k, k) for part in parts]
    covariance = np.zeros((2, 2))
    for a in (0, 1):
        share = n[a] / sum(n)
        joint = np.cov(np.column_stack([moved[a], parts[a]]).T)
        weights = [np.concatenate([[1.0 if a == arm_of else 0.0], b[arm_of] * (share - (a == arm_of))]) for arm_of in (0, 1)]
        for i in (0, 1):
            for j in (0, 1):
                covariance[i, j] += weights[i] @ joint @ weights[j] / n[a]
        if is_own:
            residual = joint[0, 0] - b[a] @ joint[1:, 0]
            corrected = residual * (n[a] - 1) / (n[a] - 1 - k)
            distance = parts[a].mean(axis=0) - everybody
            leverage = distance @ np.linalg.inv(spread[a]) @ distance / (n[a] - 1)
            covariance[a, a] += (corrected - residual) / n[a] + corrected * leverage
    return at, covariance


out = csv.writer(open(HERE / "metrics_shop.csv", "w", newline=""), lineterminator="\n")
out.writerow(["metric", "cohort", "estimand", "method", "n_c", "n_t", "mean_c", "mean_t", "estimate", "std_err"])
cohorts = {"all": np.ones(len(users), dtype=bool), "phones": device == "phone", "oldest": age == 97}


def rows(metric: str, cohort: str, estimand: str, method: str, value: list[float], covariance: np.ndarray) -> None:
    n = [int((cohorts[cohort] & (arm == a)).sum()) for a in (0, 1)]
    if metric.startswith("click_rate"):
        n = [int((cohorts[cohort] & (arm == a)).sum()) for a in (0, 1)]
    error = math.sqrt(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    out.writerow([metric, cohort, estimand, method, *n, *map(repr, map(float, [*value, value[1] - value[0], error]))])
    if estimand == "effect":
        r = value[1] / value[0]
        variance = (covariance[1, 1] - 2 * r * covariance[0, 1] + r * r * covariance[0, 0]) / value[0] ** 2
        out.writerow([metric, cohort, "lift", "delta", *n, *map(repr, map(float, [*value, r - 1, math.sqrt(variance)]))])


def plain(moved: list[np.ndarray]) -> np.ndarray:
    return np.diag([part.var(ddof=1) / len(part) for part in moved])


for cohort, who in cohorts.items():
    for metric, values in {"spend": spend, "cheap": np.minimum(spend, 60.0)}.items():
        value, moved = mean(values, who)
        rows(metric, cohort, "effect", "welch", value, plain(moved))
    value, moved = ratio(who)
    rows("click_rate", cohort, "effect", "ratio_delta", value, plain(moved))
    for metric, of, covariates, method in (
        ("revenue", lambda who: mean(capped, who), by_spend, "cuped"),
        ("orders_placed", lambda who: mean(count, who), by_count, "cuped"),
        ("click_rate_adjusted", ratio, by_views, "ratio_cuped"),
    ):
        covariates = independent(covariates, cohorts["all"])
        everybody = cohorts["all"]
        parent = slopes(of(everybody)[1], [covariates[everybody & (arm == a)] for a in (0, 1)])
        value, moved = of(who)
        rows(metric, cohort, "effect", method, *adjusted(value, moved, who, covariates, parent))
        if cohort == "all":
            before = "ratio_delta" if method == "ratio_cuped" else "welch"
            rows(metric, cohort, "unadjusted_effect", before, value, plain(moved))
for metric in ("revenue", "cheap"):
    value, moved = mean(spend, cohorts["all"])
    rows(metric, "all", "uncapped_effect", "welch", value, plain(moved))

out = csv.writer(open(HERE / "levels_shop.csv", "w", newline=""), lineterminator="\n")
out.writerow(["metric", "cohort", "estimand", "method", "n_c", "n_t", "mean_c", "mean_t", "estimate", "std_err"])
by_people = np.column_stack([np.nan_to_num(age), unknown_age, device == "phone", device == "tablet"]).astype(float)
by_people = independent(by_people, cohorts["all"])
parent = slopes(mean(spend, cohorts["all"])[1], [by_people[arm == a] for a in (0, 1)])
for cohort, who in cohorts.items():
    rows("spend", cohort, "effect", "cuped", *adjusted(*mean(spend, who), who, by_people, parent))

BUCKETS, BUCKET_SEED = 1_024, 0x77686F6D3F626B74


def discovers() -> np.ndarray:
    """Whether a user is in the buckets that discover."""
    key = struct.pack("<Q", len("shop")) + b"shop" + b"fold"
    seed = xxhash.xxh3_64_intdigest(key)
    rank = lambda bucket: (xxhash.xxh3_64_intdigest(struct.pack("<HQ", bucket, 0), seed), bucket)
    first = set(sorted(range(BUCKETS), key=rank)[: BUCKETS // 2])
    bucket = lambda user: xxhash.xxh3_64_intdigest(struct.pack("<q", user), BUCKET_SEED) % BUCKETS
    return np.array([bucket(int(user)) in first for user in users])


caps = csv.writer(open(HERE / "caps_shop.csv", "w", newline=""), lineterminator="\n")
caps.writerow(["metric", "of", "declared", "threshold", "units", "share"])
for of, who in {"reporting": cohorts["all"], "discovery": discovers()}.items():
    values = spend[who]
    for metric, at in {"revenue": threshold(values[values != 0], 0.99), "cheap": 60.0}.items():
        above = int((values > at).sum())
        caps.writerow([metric, of, str(metric == "cheap").lower(), repr(float(at)), above, repr(above / len(values))])
