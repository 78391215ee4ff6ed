#!/usr/bin/env python3
"""Effects by cluster, in plain numpy: the numbers that runs with `cluster` have to meet.

    venv/bin/python tests/reference/make_clusters.py        # writes clusters_shop.csv, clusters_few_shop.csv, clusters_grouped_shop.csv
                                                            # and clusters_adjusted_shop.csv

The shop's users live in made-up households of very different sizes, each in one arm, whose orders are worth more in some than in others. Means
have errors of type CR2 from the definition: per arm a regression of users on a constant (on two dummies, for a cohort and the rest), with the
inverse square root of I - H of every household by its eigenvalues. Of thousands of households the parts are buckets of xxhash. Ratios have the delta method's error over households, with G / (G - 1).
The degrees of freedom of Bell and McCaffrey come from the matrices themselves, and those of the arms go together by Satterthwaite.

Adjusted means have the slopes of users, arm by arm, and the error of what each user then adds to them, the common mean of the covariates
included; a ratio R of n over d is adjusted as the mean of (n - R d) over the mean of d, about R; d / (d - k) times that, with d - k degrees of freedom, where k slopes were fitted to the same users. Slopes need fifty users
and ten degrees of freedom each; without the users a cohort takes those of everybody.

Beside them: of means the error of type CR1 of statsmodels, from the regression of users on a dummy for each arm (and side of it); a ratio's is its own.
And the effective number of clusters of Carter, Schnepel and Steigerwald (2017), G / (1 + the squared coefficient of variation of gamma), where
gamma is what a cluster adds to the variance of the estimate if users are independent: for a row x of the design and the combination a of
coefficients the sum over its users of (a' (X'X)^-1 x)², each times what a ratio's denominator counts of the user.
"""

import csv
import math
from pathlib import Path

import make_metrics as shop
import numpy as np
import statsmodels.api as sm
import xxhash
from scipy import stats

HERE = Path(__file__).resolve().parent
HEADER = ["metric", "cohort", "estimand", "method", "n_c", "n_t", "mean_c", "mean_t", "estimate", "std_err", "lower", "upper", "degrees", "std_err_cr1", "effective"]
hash_of = shop.users * 7919 % 1000
part = lambda arm: shop.users // 7 % np.where(arm == 1, 2, 3)
household = lambda group, arm: 2 * (3 * group + part(arm)) + arm
MANY = np.where(hash_of < 400, hash_of % 30, hash_of)
FEW = np.where(hash_of < 600, hash_of % 4, hash_of % 2)
MOST = 4_096
BUCKETS, BUCKET_SEED = 1_024, int.from_bytes(b"whom?bkt", "big")


def inverse_root(matrix: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(matrix)
    return vectors @ np.diag(values**-0.5) @ vectors.T


def regression(values: np.ndarray, side: np.ndarray, sides: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """On a dummy for each side: the design, (X'X)^-1, and the residuals."""
    design = (side[:, None] == np.arange(sides)).astype(float)
    bread = np.linalg.inv(design.T @ design)
    return design, bread, values - design @ (bread @ design.T @ values)


def cr2(values: np.ndarray, side: np.ndarray, cluster: np.ndarray, weights: np.ndarray) -> tuple[float, float]:
    """Variance and degrees of freedom of a combination of the means of some sides."""
    design, bread, residual = regression(values, side, len(weights))
    rows = []
    for name in np.unique(cluster):
        members = cluster == name
        part = design[members]
        root = inverse_root(np.eye(members.sum()) - part @ bread @ part.T)
        combined = root @ part @ bread @ weights
        row = -design @ (bread @ (part.T @ combined))
        row[members] += combined
        rows.append(row)
    scores = np.array(rows)
    kernel = scores @ scores.T
    return float(((scores @ residual) ** 2).sum()), float(np.trace(kernel) ** 2 / (kernel**2).sum())


def delta(above: np.ndarray, below: np.ndarray, side: np.ndarray, cluster: np.ndarray, weights: np.ndarray) -> tuple[float, float]:
    """The same of ratios."""
    names = np.unique(cluster)
    of = lambda values, which: np.array([values[(cluster == name) & (side == which)].sum() for name in names])
    moved, sizes = np.zeros(len(names)), None
    for which, weight in enumerate(weights):
        a, b = of(above, which), of(below, which)
        moved += weight * (a - a.sum() / b.sum() * b) / b.sum()
        sizes = b if sizes is None else sizes
    g = len(names)
    return float(g / (g - 1) * (moved**2).sum()), float(sizes.sum() ** 2 / (sizes**2).sum() - 1)


def combined(parts: list[tuple[float, float]], scale: list[float]) -> tuple[float, float]:
    terms = [(variance * by * by, degrees) for (variance, degrees), by in zip(parts, scale)]
    total = sum(variance for variance, _ in terms)
    return math.sqrt(total), total**2 / sum(variance**2 / degrees for variance, degrees in terms)


def mean_scores(values: np.ndarray, side: np.ndarray, cluster: np.ndarray, sides: int) -> np.ndarray:
    """What each household adds to the error of each slice's mean."""
    design, bread, residual = regression(values, side, sides)
    scores = []
    for name in np.unique(cluster):
        members = cluster == name
        part = design[members]
        root = inverse_root(np.eye(members.sum()) - part @ bread @ part.T)
        scores.append((root @ part @ bread).T @ residual[members])
    return np.array(scores)


def ratio_scores(above: np.ndarray, below: np.ndarray, side: np.ndarray, cluster: np.ndarray, sides: int) -> np.ndarray:
    """The same of ratios."""
    scores = []
    for which in range(sides):
        in_side = side == which
        ratio, total = above[in_side].sum() / below[in_side].sum(), below[in_side].sum()
        of = np.array([(above - ratio * below)[in_side & (cluster == name)].sum() / total for name in np.unique(cluster)])
        g = len(np.unique(cluster[in_side]))
        scores.append(math.sqrt(g / (g - 1)) * of)
    return np.array(scores).T


def cr1(values: np.ndarray, part: np.ndarray, cluster: np.ndarray, combination: np.ndarray) -> float:
    """The error of a combination of the means of some parts of the users."""
    design = (part[:, None] == np.arange(len(combination))).astype(float)
    groups = np.unique(cluster, return_inverse=True)[1]
    fit = sm.OLS(values, design).fit(cov_type="cluster", cov_kwds={"groups": groups})
    return math.sqrt(combination @ fit.cov_params() @ combination)


def effective(size: np.ndarray, part: np.ndarray, cluster: np.ndarray, combination: np.ndarray) -> float:
    """The effective number of clusters behind it; users count as their size."""
    total = np.array([size[part == which].sum() for which in range(len(combination))])
    of_user = size * (combination[part] / total[part]) ** 2
    gamma = np.array([of_user[cluster == name].sum() for name in np.unique(cluster)])
    return len(gamma) / (1 + gamma.var() / gamma.mean() ** 2)


def write(name: str, group: np.ndarray) -> None:
    names, drawn = household(group, shop.arm), household(group, 0 * shop.arm)
    if len(np.unique(names)) > MOST:
        bucket = lambda text: xxhash.xxh3_64_intdigest(text.encode(), BUCKET_SEED) % BUCKETS
        names = np.array([bucket(str(name)) for name in names.tolist()])
    out = csv.writer(open(HERE / name, "w", newline=""), lineterminator="\n")
    out.writerow(HEADER)
    buyers = np.array([shop.place[user] for user in shop.orders["user_id"].tolist()])
    spend, _ = shop.summed(shop.orders, "paid_at", shop.orders["amount"] + 10 * (drawn[buyers] % 7), before=False)
    metrics = {"spend": (spend, None), "orders_placed": (shop.count, None), "click_rate": (shop.clicks, shop.pages)}

    def row(metric, cohort, estimand, method, n, means, estimate, error, degrees, beside):
        half = stats.t.ppf(0.975, degrees) * error
        numbers = [*means, estimate, error, estimate - half, estimate + half, degrees, *beside]
        out.writerow([metric, cohort, estimand, method, *n, *map(repr, map(float, numbers))])

    for cohort, who in shop.cohorts.items():
        for metric, (above, below) in metrics.items():
            value = lambda some: above[some].sum() / (some.sum() if below is None else below[some].sum())
            in_arm = [shop.arm == a for a in (0, 1)]
            means, rests = ([value(arm & part) for arm in in_arm] for part in (who, ~who)) if cohort != "all" else ([value(arm) for arm in in_arm], None)
            n = [int((who & arm).sum()) for arm in in_arm]

            def errors(some, weights):
                side = np.where(who, 0, 1)
                parts = []
                for arm in in_arm:
                    taken = arm & some
                    if below is None:
                        parts.append(cr2(above[taken], side[taken], names[taken], np.array(weights)))
                    else:
                        parts.append(delta(above[taken], below[taken], side[taken], names[taken], np.array(weights)))
                return parts

            # A group of clusters has users of both arms, and is one of each.
            apart = np.char.add(names.astype(str), np.where(shop.arm == 1, " new", " control"))

            def beside(some, part, combination, error):
                weights, taken = np.array(combination, dtype=float), (above[some], part[some], apart[some])
                size = np.ones(some.sum()) if below is None else below[some]
                return [cr1(*taken, weights) if below is None else error, effective(size, *taken[1:], weights)]

            method = "clustered" if below is None else "clustered_ratio"
            alone, r = errors(who, [1.0]), means[1] / means[0]
            found = combined(alone, [1, 1])
            row(metric, cohort, "effect", method, n, means, means[1] - means[0], *found, beside(who, shop.arm, [-1, 1], found[0]))
            found, relative = combined(alone, [r / means[0], 1 / means[0]]), [-r / means[0], 1 / means[0]]
            row(metric, cohort, "lift", "delta", n, means, r - 1, *found, beside(who, shop.arm, relative, found[0]))
            if rests:
                contrast = (means[1] - means[0]) - (rests[1] - rests[0])
                both = np.ones(len(who), dtype=bool)
                found, part = combined(errors(both, [1.0, -1.0]), [1, 1]), 2 * shop.arm + np.where(who, 0, 1)
                row(metric, cohort, "contrast", method, n, means, contrast, *found, beside(both, part, [-1, 1, 1, -1], found[0]))


def linear(parts: tuple[np.ndarray, np.ndarray | None], some: np.ndarray) -> np.ndarray:
    """What means are taken of: the values, or what a ratio among some users of each arm moves by with each of them."""
    above, below = parts
    if below is None:
        return above
    values = np.zeros(len(above))
    for a in (0, 1):
        taken = some & (shop.arm == a)
        ratio = above[taken].sum() / below[taken].sum()
        values[taken] = ratio + (above[taken] - ratio * below[taken]) / below[taken].mean()
    return values


def adjusted(name: str, group: np.ndarray) -> None:
    names, drawn = household(group, shop.arm), household(group, 0 * shop.arm)
    out = csv.writer(open(HERE / name, "w", newline=""), lineterminator="\n")
    out.writerow(HEADER[:12])
    buyers = np.array([shop.place[user] for user in shop.orders["user_id"].tolist()])
    amounts = shop.orders["amount"] + 10 * (drawn[buyers] % 7)
    spend, spent_before = (shop.summed(shop.orders, "paid_at", amounts, before=before)[0] for before in (False, True))
    by_spend = np.column_stack([spent_before, shop.absent(shop.bought_before), np.nan_to_num(shop.age), shop.unknown_age])
    everybody = shop.cohorts["all"]
    moved = [("spend", (spend, None), by_spend), ("orders_placed", (shop.count, None), shop.by_count), ("click_rate", (shop.clicks, shop.pages), shop.by_views)]
    for cohort, who in shop.cohorts.items():
        for metric, parts, given in moved:
            columns = shop.independent(given, everybody)
            of_arms = lambda some, table: [table[some & (shop.arm == a)] for a in (0, 1)]
            parent = shop.slopes(of_arms(everybody, linear(parts, everybody)), of_arms(everybody, columns))
            sides = {}
            for side, some in (("cohort", who), ("rest", ~who)):
                n = [int((some & (shop.arm == a)).sum()) for a in (0, 1)]
                if min(n) == 0:
                    continue
                values = linear(parts, some)
                varying = shop.independent(columns, some)
                is_own = min(n) > 50 * varying.shape[1]
                x = varying if is_own else columns
                b = shop.slopes(of_arms(some, values), of_arms(some, x)) if is_own else parent
                freedom = [cr2(values[some & (shop.arm == a)], np.zeros(n[a]), names[some & (shop.arm == a)], np.array([1.0]))[1] for a in (0, 1)]
                k = x.shape[1] if is_own else 0
                assert min(freedom) > 10 * k, "there are clusters enough"
                shares, centred = [part / sum(n) for part in n], x - x[some].mean(axis=0)
                at = [values[some & (shop.arm == a)].mean() - centred[some & (shop.arm == a)].mean(axis=0) @ b[a] for a in (0, 1)]
                own = [[values * (a == v) + (shares[a] - (a == v)) * (centred @ b[v]) for v in (0, 1)] for a in (0, 1)]
                sides[side] = (some, n, at, own, k)

            def errors(taken_sides, scale):
                """By arm, the variance of a combination of the adjusted means of control and treatment, side less side."""
                parts, k = [], max(side[4] for side in taken_sides)
                for a in (0, 1):
                    values_of, side_of = np.zeros(len(who)), np.zeros(len(who), dtype=int)
                    for place, (some, _, _, own, _) in enumerate(taken_sides):
                        moved = scale[0] * own[a][0] + scale[1] * own[a][1]
                        values_of[some], side_of[some] = moved[some], place
                    taken = np.any([side[0] for side in taken_sides], axis=0) & (shop.arm == a)
                    variance, degrees = cr2(values_of[taken], side_of[taken], names[taken], np.array([1.0, -1.0][: len(taken_sides)]))
                    parts.append((variance * degrees / (degrees - k), degrees - k))
                return combined(parts, [1, 1])

            def row(estimand, method, estimate, error, degrees):
                half = stats.t.ppf(0.975, degrees) * error
                numbers = [*sides["cohort"][2], estimate, error, estimate - half, estimate + half]
                out.writerow([metric, cohort, estimand, method, *sides["cohort"][1], *map(repr, map(float, numbers))])

            effect = {side: at[1] - at[0] for side, (_, _, at, _, _) in sides.items()}
            control, r = sides["cohort"][2][0], sides["cohort"][2][1] / sides["cohort"][2][0]
            method = "clustered_cuped" if parts[1] is None else "clustered_ratio_cuped"
            row("effect", method, effect["cohort"], *errors([sides["cohort"]], [-1, 1]))
            row("lift", "delta", r - 1, *errors([sides["cohort"]], [-r / control, 1 / control]))
            if "rest" in sides:
                both = [sides["cohort"], sides["rest"]]
                row("contrast", method, effect["cohort"] - effect["rest"], *errors(both, [-1, 1]))


write("clusters_shop.csv", MANY)
write("clusters_few_shop.csv", FEW)
write("clusters_grouped_shop.csv", shop.users)
adjusted("clusters_adjusted_shop.csv", MANY)
