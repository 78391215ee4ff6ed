#!/usr/bin/env python3
"""Effects within strata, in plain numpy: the numbers that runs with `split.strata` have to meet.

    venv/bin/python tests/reference/make_strata.py        # writes strata_shop.csv, strata_ramp_shop.csv and strata_star.csv beside this file

The shop: users have a country by their id. In `fr` only one treated user in nine is kept, and every order is worth 60 more, so that all users
together mislead (Simpson's paradox); in `is` no treated user is kept; some users have no country, which is a stratum of its own. Arms are
compared within each country, or each country before and from 2026-03-04, and every stratum weighs as much as it has users, with the variance
of that share. A stratum with fewer than two users in an arm is left out. The estimators within a stratum are those of `make_metrics.py`, which
writes its own numbers again when it is imported; a stratum that is too small takes the slopes of all kept users.

Class sizes: 79 schools are blocks, in each of which pupils were assigned to three kinds of classes. A school weighs as much as it has pupils
with the score, in whatever class. One school has no regular class, and is left out.
"""

import csv
import math
from pathlib import Path

import make_metrics as shop
import numpy as np
import pyarrow.parquet as pq

HERE = Path(__file__).resolve().parent
HEADER = ["metric", "variant", "cohort", "estimand", "method", "n_c", "n_t", "mean_c", "mean_t", "estimate", "std_err"]


def averaged(strata: list[tuple[int, list[float], np.ndarray]]) -> tuple[list[float], np.ndarray]:
    """The means of control and treatment over strata of so many units, with their covariance."""
    total = sum(units for units, *_ in strata)
    value = [math.fsum(units / total * means[a] for units, means, _ in strata) for a in (0, 1)]
    covariance = np.zeros((2, 2))
    for units, means, within in strata:
        share = units / total
        off = np.array(means) - value
        covariance += (share * share - share * (1 - share) / total) * within + share / total * np.outer(off, off)
    return value, covariance


def lines(value: list[float], covariance: np.ndarray) -> list[tuple[str, float, float]]:
    """Estimand, estimate and standard error of the difference and of the quotient less one."""
    r = value[1] / value[0]
    error = math.sqrt(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
    of_lift = (covariance[1, 1] - 2 * r * covariance[0, 1] + r * r * covariance[0, 0]) / value[0] ** 2
    return [("effect", value[1] - value[0], error), ("lift", r - 1, math.sqrt(of_lift))]


def writer(name: str):
    out = csv.writer(open(HERE / name, "w", newline=""), lineterminator="\n")
    out.writerow(HEADER)
    return out


users, late = shop.users, shop.first >= np.datetime64("2026-03-04", "us").astype(np.int64)
country = np.where(users % 101 == 0, "missing", np.where(users % 499 == 0, "is", np.where(users % 3 == 0, "fr", "de")))
kept = (shop.arm == 0) | ((country != "is") & ((country != "fr") | (users % 27 == 0)))
buyers = np.array([shop.place[user] for user in shop.orders["user_id"].tolist()])
more = np.where(country[buyers] == "fr", 60.0, 0.0)
spend, _ = shop.summed(shop.orders, "paid_at", shop.orders["amount"] + more, before=False)


def within(who: np.ndarray, strata: list[np.ndarray], estimate) -> tuple[list[float], np.ndarray]:
    members = [who & kept & stratum for stratum in strata]
    is_compared = lambda part: min(int((part & (shop.arm == a)).sum()) for a in (0, 1)) >= 2
    return averaged([(int(part.sum()), *estimate(part)) for part in members if is_compared(part)])


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


def shop_rows(name: str, strata: list[np.ndarray], with_covariates: bool) -> None:
    out = writer(name)

    def write(metric, cohort, method, value, covariance):
        n = [int((shop.cohorts[cohort] & kept & (shop.arm == a)).sum()) for a in (0, 1)]
        for estimand, estimate, error in lines(value, covariance):
            by = method if estimand == "effect" else "delta"
            out.writerow([metric, "new", cohort, estimand, by, *n, *map(repr, map(float, [*value, estimate, error]))])

    for cohort in ("all", "phones"):
        who = shop.cohorts[cohort]
        write("spend", cohort, "stratified_welch", *within(who, strata, plain(lambda some: shop.mean(spend, some))))
        write("click_rate", cohort, "stratified_ratio_delta", *within(who, strata, plain(shop.ratio)))
        for metric, of, covariates, method in (
            ("orders_placed", lambda some: shop.mean(shop.count, some), shop.by_count, "stratified_cuped"),
            ("click_rate_adjusted", shop.ratio, shop.by_views, "stratified_ratio_cuped"),
        ):
            if with_covariates:
                independent = shop.independent(covariates, kept)
                parent = shop.slopes(of(kept)[1], [independent[kept & (shop.arm == a)] for a in (0, 1)])
                write(metric, cohort, method, *within(who, strata, adjusted(of, independent, parent)))


countries = [country == name for name in ("missing", "de", "fr", "is")]
shop_rows("strata_shop.csv", countries, with_covariates=True)
shop_rows("strata_ramp_shop.csv", [part & when for when in (~late, late) for part in countries], with_covariates=False)

pupils = pq.read_table(HERE.parent / "data" / "star" / "star_kindergarten.parquet").to_pandas()
cohorts = {"all": np.ones(len(pupils), dtype=bool), "lunchk_free": (pupils["lunchk"] == "free").to_numpy()}
out = writer("strata_star.csv")
for metric in ("scorek", "readk", "mathk"):
    for variant in ("small", "regular+aide"):
        for cohort, members in cohorts.items():
            some = pupils[members & pupils[metric].notna()]
            arms = [some[some["stark"] == arm] for arm in ("regular", variant)]
            schools = []
            for _, school in some.groupby("schoolidk"):
                scores = [school.loc[school["stark"] == arm, metric].to_numpy() for arm in ("regular", variant)]
                if min(map(len, scores)) >= 2:
                    variances = np.diag([part.var(ddof=1) / len(part) for part in scores])
                    schools.append((len(school), [part.mean() for part in scores], variances))
            value, covariance = averaged(schools)
            for estimand, estimate, error in lines(value, covariance):
                by = "stratified_welch" if estimand == "effect" else "delta"
                numbers = map(repr, map(float, [*value, estimate, error]))
                out.writerow([metric, variant, cohort, estimand, by, *map(len, arms), *numbers])
