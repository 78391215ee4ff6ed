#!/usr/bin/env python3
"""Where robust and clustered intervals of linear models hold their level: coverage of 95 % intervals, simulated in plain numpy.

    venv/bin/pip install numpy==2.4.6 scipy==1.17.1
    venv/bin/python tests/reference/linear_ranges.py

writes `linear_ranges.csv` beside this file: for each design the coverage by kind of standard error, beside what a coefficient rests on. The
ranges that `whom_stats::linear` declares are read off it.

`interaction`: y = 2 w x + noise whose deviation grows with x; the coefficient of w x; x is 0 or 1, normal, or skewed. The measure is the number
of effective units, 1 / sum q_i² with q_i the row's share in the coefficient. `clusters`: no effect of an arm that whole clusters are in; half of
the variance is shared; sizes are equal, or 4 + g² / 4; noise is normal, or exponential. The measure is Bell and McCaffrey's degrees of freedom.
"""

import csv
from pathlib import Path

import numpy as np
from scipy import stats

HERE = Path(__file__).resolve().parent
REPETITIONS = 4_000


def basis_of(design: np.ndarray, weights: list[float]) -> tuple[np.ndarray, np.ndarray]:
    q, r = np.linalg.qr(design)
    return q, np.linalg.solve(r.T, weights)


def interaction(rng, units: int, share: float, shape: str) -> list:
    covered, effective, used = np.zeros(3), 0.0, 0
    for _ in range(REPETITIONS):
        w = (rng.random(units) < share).astype(float)
        if shape == "binary":
            x = (rng.random(units) < 0.5).astype(float)
            deviation = 1 + x
        elif shape == "normal":
            x = rng.standard_normal(units)
            deviation = 1 + 0.5 * np.abs(x)
        else:
            x = rng.integers(0, 40, units) * rng.integers(0, 40, units) / 400
            deviation = 0.5 + x
        y = 2 * w * x + deviation * rng.standard_normal(units)
        design = np.column_stack([np.ones(units), w, x, w * x])
        if np.linalg.matrix_rank(design) < 4:
            continue
        q, direction = basis_of(design, [0, 0, 0, 1.0])
        leverage = (q * q).sum(axis=1)
        if leverage.max() > 1 - 1e-6:
            continue
        used += 1
        loadings = q.T @ y
        residual, share_of = y - q @ loadings, (q @ direction) ** 2
        critical = stats.t.ppf(0.975, units - 4)
        factors = [np.full(units, units / (units - 4)), 1 / (1 - leverage), 1 / (1 - leverage) ** 2]
        for kind, factor in enumerate(factors):
            covered[kind] += abs(direction @ loadings - 2) <= critical * np.sqrt((share_of * residual**2 * factor).sum())
        effective += share_of.sum() ** 2 / (share_of**2).sum()
    return [f"interaction {shape}", units, share, f"{effective / used:.1f}", *(f"{count / used:.4f}" for count in covered)]


def clusters(rng, count: int, treated: int, sizes: str, noise: str) -> list:
    size = np.array([4 + g * g // 4 for g in range(count)]) if sizes == "unequal" else np.full(count, 20)
    cluster = np.repeat(np.arange(count), size)
    draw = rng.standard_normal if noise == "normal" else (lambda units: rng.exponential(size=units) - 1)
    covered, degrees_sum = np.zeros(3), 0.0
    for _ in range(REPETITIONS):
        w = np.isin(cluster, rng.permutation(count)[:treated]).astype(float)
        y = np.sqrt(0.5) * (draw(count)[cluster] + draw(len(cluster)))
        q, direction = basis_of(np.column_stack([np.ones(len(w)), w]), [0, 1.0])
        loadings = q.T @ y
        residual, value = y - q @ loadings, direction @ q.T @ y
        plain = adjusted = 0.0
        own, pushed = [], []
        for g in range(count):
            rows = q[cluster == g]
            gram = rows.T @ rows
            values, vectors = np.linalg.eigh(np.eye(2) - gram)
            root = (vectors / np.sqrt(values)) @ vectors.T
            score = rows.T @ residual[cluster == g]
            plain += (direction @ score) ** 2
            adjusted += (direction @ root @ score) ** 2
            own.append(direction @ root @ gram @ root @ direction)
            pushed.append(gram @ root @ direction)
        products = np.diag(own) - np.array(pushed) @ np.array(pushed).T
        degrees = np.trace(products) ** 2 / (products**2).sum()
        degrees_sum += degrees
        few = stats.t.ppf(0.975, count - 1)
        cr1 = plain * count / (count - 1) * (len(w) - 1) / (len(w) - 2)
        covered[0] += abs(value) <= few * np.sqrt(cr1)
        covered[1] += abs(value) <= few * np.sqrt(adjusted)
        covered[2] += abs(value) <= stats.t.ppf(0.975, degrees) * np.sqrt(adjusted)
    shares = (f"{number / REPETITIONS:.4f}" for number in covered)
    return [f"clusters {sizes} {noise}", count, treated, f"{degrees_sum / REPETITIONS:.1f}", *shares]


def main() -> None:
    rng = np.random.default_rng(20261127)
    rows = [["design", "units", "treated_share", "effective_units", "hc1", "hc2", "hc3"]]
    for shape in ["binary", "normal", "skewed"]:
        for units, share in [(50, 0.5), (100, 0.5), (200, 0.5), (200, 0.1), (500, 0.5), (500, 0.1), (1000, 0.1), (2000, 0.1)]:
            rows.append(interaction(rng, units, share, shape))
    rows.append(["design", "clusters", "treated", "degrees_of_freedom", "cr1", "cr2_with_clusters_less_1", "cr2"])
    for count, treated in [(6, 2), (6, 3), (8, 4), (10, 2), (10, 3), (10, 5), (15, 5), (15, 7), (30, 4), (30, 15), (50, 5), (50, 10), (50, 25)]:
        rows.append(clusters(rng, count, treated, "unequal", "normal"))
    for sizes, noise in [("unequal", "exponential"), ("equal", "normal")]:
        for count, treated in [(10, 5), (15, 7), (30, 15), (50, 10), (50, 25)]:
            rows.append(clusters(rng, count, treated, sizes, noise))
    with open(HERE / "linear_ranges.csv", "w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


if __name__ == "__main__":
    main()
