#!/usr/bin/env python3
"""Effects of the `shop` by slice where users were assigned by household, in plain numpy: the numbers that a run has to meet.

    venv/bin/python tests/reference/make_slices_by_cluster.py        # writes slices_by_cluster_shop.csv and slices_by_cluster_tests_shop.csv

Households and metrics are those of make_clusters.py, weeks and slices those of make_slices.py; both write their own files again when they
are imported. Of means, an arm is a regression of its users on a dummy for each slice, whose errors of type CR2 come from the inverse square root of
I - H of every household by its eigenvalues, and so do the covariances of the slices; of ratios both come from the delta method over households. That
all slices share an effect is tested by Hotelling's T² with the smallest degrees of freedom of an effect, by inverting the covariance of
the differences of neighbours. The slope has the weights of the inverse variances, and the error of such a combination.
"""

import csv
import math

import numpy as np
from scipy import stats

import make_clusters as by_cluster
from make_metrics import HERE, arm, clicks, cohorts, orders, pages, place, summed
from make_slices import slicings

names = by_cluster.household(by_cluster.MANY, arm)
drawn = by_cluster.household(by_cluster.MANY, 0 * arm)
buyers = np.array([place[user] for user in orders["user_id"].tolist()])
spend, _ = summed(orders, "paid_at", orders["amount"] + 10 * (drawn[buyers] % 7), before=False)


def freedom(above: np.ndarray, below, cluster: np.ndarray) -> tuple[float, float]:
    """Variance and degrees of freedom of one slice in one arm."""
    alone = np.zeros(len(above), dtype=int)
    if below is None:
        return by_cluster.cr2(above, alone, cluster, np.array([1.0]))
    return by_cluster.delta(above, below, alone, cluster, np.array([1.0]))


slices = csv.writer(open(HERE / "slices_by_cluster_shop.csv", "w", newline=""), lineterminator="\n")
slices.writerow(["slicing", "number", "metric", "cohort", "n_c", "n_t", "mean_c", "mean_t", "estimate", "std_err"])
tests = csv.writer(open(HERE / "slices_by_cluster_tests_shop.csv", "w", newline=""), lineterminator="\n")
tests.writerow(["slicing", "metric", "cohort", "p_differences", "slope", "slope_std_err"])
for slicing, parts in slicings.items():
    for cohort in ("all", "phones"):
        members = cohorts[cohort]
        taken = [part for part in parts if min((members & part & (arm == a)).sum() for a in (0, 1)) > 0]
        if len(taken) < len(parts):
            continue
        side = np.argmax(np.array(parts), axis=0)
        for metric, (above, below) in {"spend": (spend, None), "click_rate": (clicks, pages)}.items():
            value = lambda who: above[who].sum() / (who.sum() if below is None else below[who].sum())
            covariance, effects = np.zeros((len(parts), len(parts))), []
            for a in (0, 1):
                who = members & (arm == a)
                given = (side[who], names[who], len(parts))
                scores = by_cluster.mean_scores(above[who], *given) if below is None else by_cluster.ratio_scores(above[who], below[who], *given)
                covariance += scores.T @ scores
            for number, part in enumerate(parts, start=1):
                whos = [members & part & (arm == a) for a in (0, 1)]
                means, n = [value(who) for who in whos], [int(who.sum()) for who in whos]
                arms = [freedom(above[who], None if below is None else below[who], names[who]) for who in whos]
                error, degrees = by_cluster.combined(arms, [1, 1])
                assert math.isclose(error**2, covariance[number - 1, number - 1], rel_tol=1e-9)
                numbers = [*means, means[1] - means[0], error]
                slices.writerow([slicing, number, metric, cohort, *n, *map(repr, map(float, numbers))])
                effects.append((means[1] - means[0], degrees))
            tau, degrees = np.array([effect for effect, _ in effects]), min(degrees for _, degrees in effects)
            differences = np.diff(np.eye(len(parts)), axis=0)
            moved = differences @ tau
            squared, q = float(moved @ np.linalg.inv(differences @ covariance @ differences.T) @ moved), len(parts) - 1
            p = stats.f.sf((degrees - q + 1) / (degrees * q) * squared, q, degrees - q + 1)
            x, weight = np.arange(len(parts)), 1 / np.diag(covariance)
            centred = x - (weight * x).sum() / weight.sum()
            combination = weight * centred / (weight * centred**2).sum()
            tests.writerow([slicing, metric, cohort, *map(repr, map(float, [p, combination @ tau, math.sqrt(combination @ covariance @ combination)]))])
