#!/usr/bin/env python3
"""Effects of the `shop` as if its first two days had been the first 7 % of a ramp, in plain numpy: the numbers that a run has to meet.

    venv/bin/python tests/reference/make_ramp.py        # writes ramp_shop.csv beside this file

Of the users who saw the new page before 2026-03-04 only those whose id is a multiple of 9 are kept, and every order of a user who came from
that day on is worth 60 more: late users are treated more and spend more, so that all units together mislead. Arms are compared within both
periods; each weighs as much as it has users, with the variance of that share. The estimators within a period are those of `make_metrics.py`,
which writes its own numbers again when it is imported; a period that is too small takes the slopes of all kept users.
"""

import csv
import math
from pathlib import Path

import make_metrics as shop
import numpy as np

BOUNDARY = np.datetime64("2026-03-04", "us").astype(np.int64)
late = shop.first >= BOUNDARY
kept = late | (shop.arm == 0) | (shop.users % 9 == 0)
buyers = np.array([shop.place[user] for user in shop.orders["user_id"].tolist()])
spend, _ = shop.summed(shop.orders, "paid_at", shop.orders["amount"] + np.where(late[buyers], 60.0, 0.0), before=False)


def averaged(periods: list[tuple[int, list[float], np.ndarray]]) -> tuple[list[float], np.ndarray]:
    """The means of the arms over periods of so many users, with their covariance."""
    total = sum(units for units, *_ in periods)
    value = [math.fsum(units / total * means[a] for units, means, _ in periods) for a in (0, 1)]
    covariance = np.zeros((2, 2))
    for units, means, within in periods:
        share = units / total
        off = np.array(means) - value
        covariance += (share * share - share * (1 - share) / total) * within + share / total * np.outer(off, off)
    return value, covariance


def by_period(who: np.ndarray, estimate) -> tuple[list[float], np.ndarray]:
    members = [who & kept & ~late, who & kept & late]
    return averaged([(int(part.sum()), *estimate(part)) for part in members])


def plain(of):
    def estimate(who):
        value, moved = of(who)
        return value, shop.plain(moved)

    return estimate


def adjusted(of, covariates, parent):
    def estimate(who):
        value, moved = of(who)
        return shop.adjusted(value, moved, who, covariates, parent)

    return estimate


out = csv.writer(open(Path(__file__).resolve().parent / "ramp_shop.csv", "w", newline=""), lineterminator="\n")
out.writerow(["metric", "cohort", "estimand", "method", "n_c", "n_t", "mean_c", "mean_t", "estimate", "std_err"])


def write(metric: str, cohort: str, method: str, value: list[float], covariance: np.ndarray) -> None:
    who = shop.cohorts[cohort] & kept
    n = [int((who & (shop.arm == a)).sum()) for a in (0, 1)]
    error = math.sqrt(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    r = value[1] / value[0]
    of_lift = (covariance[1, 1] - 2 * r * covariance[0, 1] + r * r * covariance[0, 0]) / value[0] ** 2
    found = [("effect", method, value[1] - value[0], error), ("lift", "delta", r - 1, math.sqrt(of_lift))]
    for estimand, by, estimate, std_err in found:
        out.writerow([metric, cohort, estimand, by, *n, *map(repr, map(float, [*value, estimate, std_err]))])


for cohort in ("all", "phones"):
    who = shop.cohorts[cohort]
    write("spend", cohort, "stratified_welch", *by_period(who, plain(lambda some: shop.mean(spend, some))))
    write("click_rate", cohort, "stratified_ratio_delta", *by_period(who, plain(shop.ratio)))
    for metric, of, covariates, method in (
        ("orders_placed", lambda some: shop.mean(shop.count, some), shop.by_count, "stratified_cuped"),
        ("click_rate_adjusted", shop.ratio, shop.by_views, "stratified_ratio_cuped"),
    ):
        covariates = shop.independent(covariates, kept)
        parent = shop.slopes(of(kept)[1], [covariates[kept & (shop.arm == a)] for a in (0, 1)])
        write(metric, cohort, method, *by_period(who, adjusted(of, covariates, parent)))
