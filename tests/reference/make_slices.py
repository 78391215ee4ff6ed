#!/usr/bin/env python3
"""Effects of the `shop` by week of first exposure and by slice, straight from its events: the numbers that a run has to meet.

    venv/bin/python tests/reference/make_slices.py        # numpy, scipy and pyarrow; writes two files beside this one

The arithmetic of an effect is that of make_metrics.py, which writes its own file again when it is imported. Weeks are counted from 2026-02-26,
which cuts the four days of the sample in two. Ages are cut into quarters: a value belongs to the quarter in which the middle of its users lies.
A slice with too few users for slopes of its own takes those of its cohort, and a cohort those of everybody. `slices_shop.csv` holds
the effects, `slices_tests_shop.csv` Welch's (1951) test that the slices share an effect and the weighted slope over them, where nothing is
adjusted.
"""

import csv
import math

import numpy as np
from scipy import stats

from make_metrics import HERE, adjusted, age, arm, by_spend, by_views, capped, cohorts, device, first, mean, plain, ratio, slopes

START = np.datetime64("2026-02-26").astype("datetime64[us]").astype(np.int64)
week = (first - START) // (7 * 86_400_000_000)
known, counts = np.unique(age[~np.isnan(age)], return_counts=True)
middle = (2 * np.concatenate([[0], np.cumsum(counts)[:-1]]) + counts) * 4 // (2 * counts.sum())
quarter = np.array([4 if math.isnan(years) else middle[np.searchsorted(known, years)] for years in age])
slicings = {
    "week": [week == number for number in range(int(week.max()) + 1)],
    "device": [device == level for level in sorted(set(device.tolist()))],
    "age": [quarter == part for part in np.unique(quarter)],
}
everybody = cohorts["all"]
of_metrics = {
    "revenue": (lambda who: mean(capped, who), by_spend),
    "click_rate": (ratio, None),
    "click_rate_adjusted": (ratio, by_views),
}


def sizes(who: np.ndarray) -> list[int]:
    return [int((who & (arm == a)).sum()) for a in (0, 1)]


def told_apart(who: np.ndarray, covariates: np.ndarray) -> list[int]:
    """The covariates that vary among some users and are no combination of earlier ones, in both arms."""
    kept: list[int] = []
    for column in range(covariates.shape[1]):
        parts = [covariates[who & (arm == a)][:, kept + [column]] for a in (0, 1)]
        if all(np.linalg.matrix_rank(part - part.mean(axis=0)) == len(kept) + 1 for part in parts):
            kept.append(column)
    return kept


def own_slopes(of, who: np.ndarray, covariates: np.ndarray, parent):
    """Slopes of some users, 0 for covariates that they do not tell apart; those of the parent if they are too few."""
    kept = told_apart(who, covariates)
    if min(sizes(who)) <= 50 * len(kept):
        return parent
    found = slopes(of(who)[1], [covariates[who & (arm == a)][:, kept] for a in (0, 1)])
    whole = np.zeros((2, covariates.shape[1]))
    whole[:, kept] = found
    return list(whole)


def estimate(metric: str, cohort: np.ndarray, who: np.ndarray) -> tuple[list[float], float]:
    of, covariates = of_metrics[metric]
    value, moved = of(who)
    if covariates is None:
        covariance = plain(moved)
    else:
        parent = own_slopes(of, cohort, covariates, own_slopes(of, everybody, covariates, None))
        kept = told_apart(who, covariates)
        if min(sizes(who)) > 50 * len(kept):
            covariates = covariates[:, kept]
        value, covariance = adjusted(value, moved, who, covariates, parent)
    return value, math.sqrt(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])


def welch(effects: list[tuple[float, float, float]]) -> float:
    """Effects, standard errors and degrees of freedom to the p-value that the effects are one."""
    tau, error, freedom = (np.array(column) for column in zip(*effects))
    weight, k = error**-2, len(tau)
    q = (weight * (tau - (weight * tau).sum() / weight.sum()) ** 2).sum()
    a = ((1 - weight / weight.sum()) ** 2 / freedom).sum()
    f = (q / (k - 1)) / (1 + 2 * (k - 2) * a / (k * k - 1))
    return float(stats.f.sf(f, k - 1, (k * k - 1) / (3 * a)))


def slope(effects: list[tuple[float, float, float]]) -> tuple[float, float]:
    tau, error, _ = (np.array(column) for column in zip(*effects))
    x, weight = np.arange(len(tau)), error**-2
    centred = x - (weight * x).sum() / weight.sum()
    squares = (weight * centred**2).sum()
    return float((weight * centred * tau).sum() / squares), math.sqrt(1 / squares)


slices = csv.writer(open(HERE / "slices_shop.csv", "w", newline=""), lineterminator="\n")
slices.writerow(["slicing", "number", "metric", "cohort", "n_c", "n_t", "mean_c", "mean_t", "estimate", "std_err"])
tests = csv.writer(open(HERE / "slices_tests_shop.csv", "w", newline=""), lineterminator="\n")
tests.writerow(["slicing", "metric", "cohort", "p_differences", "slope", "slope_std_err"])
for slicing, parts in slicings.items():
    for cohort, members in cohorts.items():
        for metric in of_metrics:
            effects = []
            for number, part in enumerate(parts, start=1):
                who = members & part
                n = sizes(who)
                if min(n) < 2:
                    continue
                value, error = estimate(metric, members, who)
                slices.writerow([slicing, number, metric, cohort, *n, *map(repr, map(float, [*value, value[1] - value[0], error]))])
                spread = [moved.var(ddof=1) / len(moved) for moved in of_metrics[metric][0](who)[1]]
                freedom = sum(spread) ** 2 / sum(v * v / (m - 1) for v, m in zip(spread, n))
                effects.append((value[1] - value[0], error, freedom))
            if metric == "click_rate" and len(effects) == len(parts):
                tests.writerow([slicing, metric, cohort, *map(repr, [welch(effects), *slope(effects)])])
