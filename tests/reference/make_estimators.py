"""Writes estimators.csv: what crates/whom-stats estimates, from rows, with numpy, scipy and gbstats 0.8.

Usage: make_estimators.py > estimators.csv   (python 3.11, numpy 1.26, scipy 1.17, gbstats 0.8.0 and pandas 1.5)

The units are drawn by a linear congruential generator, which crates/whom-stats/src/reference_units.rs repeats. Everything is
computed from the rows: regressions by lstsq on a design matrix, sandwiches cluster by cluster, quantiles by sorting. Names that
start with gbstats come from that package, which defines these quantities in the same way.
"""

import math

import numpy as np
from gbstats.frequentist.tests import FrequentistConfig, TwoSidedTTest
from gbstats.models.statistics import (
    QuantileStatistic,
    RatioStatistic,
    RegressionAdjustedStatistic,
    SampleMeanStatistic,
    compute_theta,
)
from scipy import stats

UNITS = 3_000
state = 20_261_127


def draw(bound):
    global state
    state = (state * 6_364_136_223_846_793_005 + 1_442_695_040_888_963_407) % 2**64
    return (state >> 33) % bound


rows = []
for _ in range(UNITS):
    stratum, cluster = draw(4), draw(120)
    control, first = [50, 40, 60, 30][stratum], [30, 40, 20, 50][stratum]
    lot = draw(100)
    arm = 0 if lot < control else 1 if lot < control + first else 2
    missing = int(draw(10) == 0)
    pre = 0 if missing else 500 + draw(1000) + draw(1000)
    age = draw(100)
    spend = 2_000 + pre * (2 + arm) // 2 + 7 * age + draw(3_000) + 150 * arm + 300 * stratum + cluster * 37 % 500
    views = 1 + draw(12)
    clicks = draw(views + 1) + (arm & draw(2))
    rows.append((stratum, cluster, arm, missing, pre, age, spend, views, clicks))
stratum, cluster, arm, missing, pre, age, spend, views, clicks = np.array(rows).T.astype(float)
CENTS = 100.0
spend, pre = spend / CENTS, pre / CENTS


def show(name, value):
    print(f"{name},{float(value)!r}")


def show_estimate(name, value, variance, degrees=None):
    show(f"{name} value", value)
    show(f"{name} std_err", math.sqrt(variance))
    if degrees is not None:
        show(f"{name} degrees", degrees)


def welch(parts):
    """Satterthwaite's degrees of freedom of a sum of (variance, degrees)."""
    return sum(v for v, _ in parts) ** 2 / sum(v * v / d for v, d in parts)


def lift(m1, m0, covariance):
    gradient = np.array([1 / m0, -m1 / m0**2])
    return m1 / m0 - 1, gradient @ covariance @ gradient


def mean_variance(values):
    return values.var(ddof=1) / len(values)


# Adjusted values: each arm's regression, predicted at the covariates' mean over all arms.
def adjusted(name, outcome_of, treatment):
    covariates = np.column_stack([pre, missing, age])
    pooled = covariates.mean(axis=0)
    n, k = len(pooled), covariates.shape[1]
    centre_variance = sum(
        (sum(arm == a) / UNITS) ** 2 * np.cov(covariates[arm == a].T) / sum(arm == a) for a in (0, 1, 2)
    )
    value, residual, slopes, parts = {}, {}, {}, {}
    for a in (treatment, 0):
        base, outcome = outcome_of(a)
        design = np.column_stack([np.ones(sum(arm == a)), covariates[arm == a]])
        solution = np.linalg.lstsq(design, outcome, rcond=None)[0]
        errors = outcome - design @ solution
        at = np.concatenate([[1.0], pooled])
        value[a], slopes[a] = base + at @ solution, solution[1:]
        residual[a] = errors @ errors / (len(errors) - 1 - k) * (at @ np.linalg.inv(design.T @ design) @ at)
        show(f"{name} slope of arm {a} on pre", solution[1])
    b1, b0 = slopes[treatment], slopes[0]
    covariance = np.array(
        [
            [residual[treatment] + b1 @ centre_variance @ b1, b1 @ centre_variance @ b0],
            [b1 @ centre_variance @ b0, residual[0] + b0 @ centre_variance @ b0],
        ]
    )
    for a in (0, 1, 2):
        count = sum(arm == a)
        share = (b1 - b0) @ np.cov(covariates[arm == a].T) @ (b1 - b0) * (count / UNITS) ** 2 / count
        own = a in (treatment, 0)
        parts[a] = (share + (residual[a] if own else 0.0), count - 1 - (k if own else 0))
    difference = value[treatment] - value[0]
    show_estimate(name, difference, np.array([1, -1]) @ covariance @ np.array([1, -1]), welch(parts.values()))
    show_estimate(f"{name} lift", *lift(value[treatment], value[0], covariance))
    return value, covariance


for treatment in (1, 2):
    adjusted(f"cuped {treatment}", lambda a: (0.0, spend[arm == a]), treatment)


# Ratios of two sums per unit, by the linearised unit (N - R D) / mean D.
def linearised(a):
    above, below = clicks[arm == a], views[arm == a]
    ratio = above.sum() / below.sum()
    return ratio, (above - ratio * below) / below.mean()


ratio1, moved1 = linearised(1)
ratio0, moved0 = linearised(0)
ratios = np.diag([mean_variance(moved1), mean_variance(moved0)])
parts = [(ratios[0, 0], len(moved1) - 1), (ratios[1, 1], len(moved0) - 1)]
show_estimate("ratio", ratio1 - ratio0, ratios.trace(), welch(parts))
show_estimate("ratio lift", *lift(ratio1, ratio0, ratios))
adjusted("ratio cuped", linearised, 1)

# Fieller's set and limits of Welch's means and of the ratios: the roots of (m1 - r m0)^2 = c^2 (v1 + r^2 v0).
means = [spend[arm == a].mean() for a in (1, 0)]
variances = [mean_variance(spend[arm == a]) for a in (1, 0)]
counts = [sum(arm == a) for a in (1, 0)]


def fieller(name, m1, m0, v1, v0, n1, n0):
    ratio = m1 / m0
    degrees = welch([(v1, n1 - 1), (ratio**2 * v0, n0 - 1)])
    c = stats.t.ppf(0.975, degrees)
    roots = np.sort(np.roots([m0**2 - c**2 * v0, -2 * m1 * m0, m1**2 - c**2 * v1])) - 1
    show(f"{name} lower", roots[0])
    show(f"{name} upper", roots[1])


fieller("fieller mean", *means, *variances, *counts)
fieller("fieller ratio", ratio1, ratio0, ratios[0, 0], ratios[1, 1], *counts)
for limit in (0.12, 0.16):
    # Worse is more here: the treatment may cost at most so much.
    distance = (1 + limit) * means[1] - means[0]
    parts = [(variances[0], counts[0] - 1), ((1 + limit) ** 2 * variances[1], counts[1] - 1)]
    variance = sum(v for v, _ in parts)
    show(f"limit {limit} p", stats.t.sf(distance / math.sqrt(variance), welch(parts)))

# Strata: m_a = sum w_s m_as.
weights = np.array([sum(stratum == s) for s in range(4)]) / UNITS
cells = {(s, a): spend[(stratum == s) & (arm == a)] for s in range(4) for a in (0, 1)}
by_stratum = np.array([[cells[s, 1].mean(), cells[s, 0].mean()] for s in range(4)])
overall = weights @ by_stratum
covariance = np.zeros((2, 2))
for s in range(4):
    within = np.diag([mean_variance(cells[s, 1]), mean_variance(cells[s, 0])])
    apart = by_stratum[s] - overall
    covariance += (weights[s] ** 2 - weights[s] * (1 - weights[s]) / UNITS) * within
    covariance += weights[s] * np.outer(apart, apart) / UNITS
show_estimate("strata", overall[0] - overall[1], np.array([1, -1]) @ covariance @ np.array([1, -1]))
show_estimate("strata lift", *lift(overall[0], overall[1], covariance))

# Clusters, of which the even ones are treated: the sandwich of a regression on arm and cohort, factor G / (G - 1) by arm.
treated = cluster % 2 == 0


def sandwich(design, outcome):
    bread = np.linalg.inv(design.T @ design)
    errors = outcome - design @ (bread @ (design.T @ outcome))
    meat = np.zeros_like(bread)
    for a in (True, False):
        groups = np.unique(cluster[treated == a])
        for g in groups:
            score = design[cluster == g].T @ errors[cluster == g]
            meat += len(groups) / (len(groups) - 1) * np.outer(score, score)
    return bread @ (design.T @ outcome), bread @ meat @ bread


ones = np.ones(UNITS)
solution, covariance = sandwich(np.column_stack([ones, treated]), spend)
show_estimate("clusters", solution[1], covariance[1, 1])
old = age >= 60
solution, covariance = sandwich(np.column_stack([ones, treated, old, treated & old]), spend)
show_estimate("clusters contrast", solution[3], covariance[3, 3])


def cluster_ratio(a):
    groups = np.unique(cluster[treated == a])
    above = np.array([clicks[cluster == g].sum() for g in groups])
    below = np.array([views[cluster == g].sum() for g in groups])
    ratio = above.sum() / below.sum()
    return ratio, mean_variance((above - ratio * below) / below.mean())


(r1, v1), (r0, v0) = cluster_ratio(True), cluster_ratio(False)
show_estimate("clusters ratio", r1 - r0, v1 + v0)
sizes = np.array([sum(cluster == g) for g in np.unique(cluster[treated])])
show("clusters effective", sizes.sum() ** 2 / (sizes**2).sum())

# Quantiles by sorting; of events, each unit's views are events whose value is its spend.
z = stats.norm.ppf(0.975)


def quantile_of(values, p, share_variance):
    values = np.sort(values)
    n, error = len(values), math.sqrt(share_variance)
    at = lambda rank: values[int(rank) - 1]
    lower, upper = math.floor(n * (p - z * error)), math.ceil(n * (p + z * error))
    return at(math.ceil(round(p * n, 6))), at(lower), at(upper), n


def gb_quantile(a, p):
    value, lower, upper, n = quantile_of(spend[arm == a], p, p * (1 - p) / sum(arm == a))
    return QuantileStatistic(n=n, n_star=n, nu=p, quantile_hat=value, quantile_lower=lower, quantile_upper=upper)


def of_events(a, p):
    repeated = np.repeat(spend[arm == a], views[arm == a].astype(int))
    value = np.sort(repeated)[math.ceil(round(p * len(repeated), 6)) - 1]
    below, events = views[arm == a] * (spend[arm == a] <= value), views[arm == a]
    share = below.sum() / events.sum()
    share_variance = mean_variance((below - share * events) / events.mean())
    value, lower, upper, n = quantile_of(repeated, p, share_variance)
    show(f"quantile {p} of events of arm {a} value", value)
    show(f"quantile {p} of events of arm {a} std_err", (upper - lower) / (2 * z))


for p in (0.5, 0.9):
    for a in (0, 1):
        statistic = gb_quantile(a, p)
        show(f"quantile {p} of arm {a} value", statistic.quantile_hat)
        show(f"quantile {p} of arm {a} std_err", (statistic.quantile_upper - statistic.quantile_lower) / (2 * z))
        # gbstats keeps the variance of one unit, times (n - 1) / n.
        show(f"gbstats quantile {p} of arm {a} std_err", math.sqrt(statistic.variance_init / (statistic.n - 1)))
        of_events(a, p)

# Caps: the 90 % quantile of the clicks that are not zero, over all arms.
ordered = np.sort(clicks[clicks > 0])
threshold = ordered[math.ceil(round(0.9 * len(ordered), 6)) - 1]
capped = np.minimum(clicks, threshold)
show("cap threshold", threshold)
show("cap units", sum(clicks > threshold))
show_estimate("capped", *(lambda v: (v[0] - v[1], v[2] + v[3]))(
    [capped[arm == 1].mean(), capped[arm == 0].mean(), mean_variance(capped[arm == 1]), mean_variance(capped[arm == 0])]
))


# gbstats on sufficient statistics: CUPED with one coefficient for both arms, ratio, lifts.
def total(values):
    return SampleMeanStatistic(n=len(values), sum=values.sum(), sum_squares=(values**2).sum())


def gb_pair(name, control, treatment, scales=(False, True)):
    for relative in scales:
        config = FrequentistConfig(difference_type="relative" if relative else "absolute")
        test = TwoSidedTTest(control, treatment, config)
        label = f"gbstats {name}{' lift' if relative else ''}"
        show(f"{label} value", test.point_estimate)
        show(f"{label} std_err", math.sqrt(test.variance))
        if not relative:  # gbstats holds a lift against the difference's degrees of freedom
            show(f"{label} p", test.p_value)


def gb_adjusted(a, theta):
    post, before = spend[arm == a], pre[arm == a]
    return RegressionAdjustedStatistic(
        n=len(post), post_statistic=total(post), pre_statistic=total(before),
        post_pre_sum_of_products=(post * before).sum(), theta=theta,
    )


theta = compute_theta(gb_adjusted(0, 0), gb_adjusted(1, 0))
show("gbstats theta", theta)
# Its adjusted lift divides by the control's mean before adjustment, ours by the adjusted one.
gb_pair("cuped", gb_adjusted(0, theta), gb_adjusted(1, theta), scales=(False,))
gb_ratio = lambda a: RatioStatistic(
    n=sum(arm == a), m_statistic=total(clicks[arm == a]), d_statistic=total(views[arm == a]),
    m_d_sum_of_products=(clicks[arm == a] * views[arm == a]).sum(),
)
gb_pair("ratio", gb_ratio(0), gb_ratio(1))
gb_pair("mean", total(spend[arm == 0]), total(spend[arm == 1]))
gb_pair("capped", total(capped[arm == 0]), total(capped[arm == 1]))
