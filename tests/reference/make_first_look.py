#!/usr/bin/env python3
"""What the tags of the e-mail challenge do to the effects on visits, straight from the original file.

    venv/bin/pip install numpy==2.4.6 scipy==1.17.1 statsmodels==0.15.0 pyarrow
    venv/bin/python tests/reference/make_first_look.py    # writes first_look_levels.csv and first_look_tags.csv beside this file

Levels: every value of a tag is one, but `recency`, whose twelve values are put into five groups, each value where the middle of its units lies
among all. `history` has no row: its groups rest on bins. Tests of equal effects are Cochran's Q and Welch's test with the standard errors'
degrees of freedom; that of equal control means is statsmodels' Welch analysis of variance. The variance between levels is Paule and Mandel's,
found by bisection; strengths are written out as sums.
"""

import csv
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.csv
from scipy import optimize, stats
from statsmodels.stats.oneway import anova_oneway

HERE = Path(__file__).resolve().parent
ORIGINAL = HERE.parent / "data" / "hillstrom" / "hillstrom.csv.gz"
CONTROL = "No E-Mail"
TREATMENTS = ["Mens E-Mail", "Womens E-Mail"]
TAGS = ["channel", "history_segment", "mens", "newbie", "recency", "womens", "zip_code"]
GROUPS = 5
LEVEL_COLUMNS = ["variant", "tag", "tag_level", "units", "n_t", "n_c", "diff", "se", "p"]
TAG_COLUMNS = [
    *("variant", "tag", "scale", "levels", "q", "q_p", "welch_p", "i_squared", "between"),
    *("modifying", "prognostic", "prognosis_p"),
]


@dataclass
class Estimate:
    value: float
    variance: float
    degrees: float


def satterthwaite(value: float, parts: list[tuple[float, int]]) -> Estimate:
    """An estimate whose variance is a sum of parts, each with the size of its arm."""
    variance = math.fsum(part for part, _ in parts)
    degrees = variance**2 / math.fsum(part**2 / (units - 1) for part, units in parts)
    return Estimate(value, variance, degrees)


def groups_of(values: np.ndarray) -> np.ndarray:
    """The group of each unit, from 0, those that hold nobody left out."""
    levels, counts = np.unique(values, return_counts=True)
    below = np.concatenate([[0], np.cumsum(counts)[:-1]])
    group = np.floor((below + counts / 2) * GROUPS / len(values)).astype(int)
    group = np.unique(group, return_inverse=True)[1]
    return group[np.searchsorted(levels, values)]


def levels_of(tag: str, values: np.ndarray) -> np.ndarray:
    return groups_of(values) if tag == "recency" else np.unique(values, return_inverse=True)[1]


def difference(treated: np.ndarray, control: np.ndarray) -> Estimate:
    parts = [(arm.var(ddof=1) / len(arm), len(arm)) for arm in (treated, control)]
    return satterthwaite(treated.mean() - control.mean(), parts)


def log_ratio(treated: np.ndarray, control: np.ndarray) -> Estimate:
    parts = [(arm.var(ddof=1) / len(arm) / arm.mean() ** 2, len(arm)) for arm in (treated, control)]
    return satterthwaite(math.log(treated.mean() / control.mean()), parts)


def q_of(estimates: list[Estimate], between: float = 0.0) -> float:
    weights = np.array([1 / (estimate.variance + between) for estimate in estimates])
    values = np.array([estimate.value for estimate in estimates])
    return float(np.sum(weights * (values - np.average(values, weights=weights)) ** 2))


def heterogeneity(estimates: list[Estimate]) -> list[float]:
    """Levels, Q, its p-value, that of Welch's test, I² and the standard deviation between levels."""
    k, q = len(estimates), q_of(estimates)
    shares = np.array([1 / estimate.variance for estimate in estimates])
    shares /= shares.sum()
    doubt = math.fsum((1 - share) ** 2 / estimate.degrees for share, estimate in zip(shares, estimates))
    statistic = q / (k - 1) / (1 + 2 * (k - 2) * doubt / (k**2 - 1))
    welch = stats.f.sf(statistic, k - 1, (k**2 - 1) / (3 * doubt))
    between = 0.0
    if q > k - 1:
        between = math.sqrt(optimize.brentq(lambda tau: q_of(estimates, tau) - (k - 1), 0.0, 100.0, xtol=1e-18, rtol=1e-14))
    return [k, q, stats.chi2.sf(q, k - 1), welch, max(0.0, (q - (k - 1)) / q), between]


def strength(shares: np.ndarray, values: np.ndarray, variances: np.ndarray) -> float:
    """The standard deviation between levels, less what noise makes of it."""
    mean = np.sum(shares * values)
    return math.sqrt(max(0.0, np.sum(shares * (values - mean) ** 2) - np.sum(shares * (1 - shares) * variances)))


def main() -> None:
    table = pyarrow.csv.read_csv(ORIGINAL)
    columns = {name: table[name].to_numpy(zero_copy_only=False) for name in table.column_names}
    visits, arms = columns["visit"].astype(float), columns["segment"]
    level_rows, tag_rows = [], []
    for treatment in TREATMENTS:
        for tag in TAGS:
            levels = levels_of(tag, columns[tag])
            cells = [(visits[(levels == level) & (arms == treatment)], visits[(levels == level) & (arms == CONTROL)]) for level in range(levels.max() + 1)]
            differences = [difference(*cell) for cell in cells]
            for level, (cell, found) in enumerate(zip(cells, differences)):
                error = math.sqrt(found.variance)
                p_value = 2 * stats.t.sf(abs(found.value) / error, found.degrees)
                units = int(np.sum(levels == level))
                level_rows.append([treatment, tag, level + 1, units, len(cell[0]), len(cell[1]), found.value, error, p_value])
            sizes = np.array([len(treated) + len(control) for treated, control in cells])
            shares = sizes / sizes.sum()
            controls = [control for _, control in cells]
            modifying = strength(shares, np.array([d.value for d in differences]), np.array([d.variance for d in differences]))
            means = np.array([control.mean() for control in controls])
            prognostic = strength(shares, means, np.array([control.var(ddof=1) / len(control) for control in controls]))
            prognosis = anova_oneway(controls, use_var="unequal").pvalue
            for scale, estimates in (("absolute", differences), ("relative", [log_ratio(*cell) for cell in cells])):
                tag_rows.append([treatment, tag, scale, *heterogeneity(estimates), modifying, prognostic, prognosis])
    for name, header, rows in (("levels", LEVEL_COLUMNS, level_rows), ("tags", TAG_COLUMNS, tag_rows)):
        with (HERE / f"first_look_{name}.csv").open("w", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(header)
            writer.writerows([[float(cell) if isinstance(cell, np.floating) else cell for cell in row] for row in rows])


if __name__ == "__main__":
    main()
