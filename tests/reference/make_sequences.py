#!/usr/bin/env python3
"""Confidence sequences of Hillstrom's averages on `visit`, from `effects_hillstrom.csv` (the original file) by numpy and scipy.

    venv/bin/python tests/reference/make_sequences.py        # writes sequences_hillstrom.csv beside this file

Waudby-Smith et al. (2021), Theorem 2.2 with rho by Lambert's W, tightest at 60,000 units. The plan has one primary metric, two
treatments and two cohorts, so that six sequences share 5 %. The p-value is the alpha at which the interval touches zero, for the
given rho, by bisection.
"""

import csv
from pathlib import Path

import numpy as np
from scipy import optimize, special

HERE = Path(__file__).resolve().parent
PLANNED = 60_000
ALPHA = 0.05 / 6

rho2 = (-special.lambertw(-(ALPHA**2) * np.exp(-1), -1).real - 1) / PLANNED


def margin(n: int, ln_alpha: float) -> float:
    """Half the width for observations of standard deviation 1."""
    return np.sqrt(2 * (n * rho2 + 1) / (n**2 * rho2) * (np.log(n * rho2 + 1) / 2 - ln_alpha))


with (HERE / "effects_hillstrom.csv").open() as source, (HERE / "sequences_hillstrom.csv").open("w", newline="") as target:
    out = csv.writer(target, lineterminator="\n")
    out.writerow(["variant", "lower", "upper", "p_value"])
    for row in csv.DictReader(source):
        if row["metric"] != "visit" or row["tag"] != "ALL":
            continue
        n, diff, se = int(row["n_t"]) + int(row["n_c"]), float(row["diff"]), float(row["se_welch"])
        half = se * np.sqrt(n) * margin(n, np.log(ALPHA))
        ln_p = optimize.brentq(lambda ln_alpha: se * np.sqrt(n) * margin(n, ln_alpha) - abs(diff), -2000, 0.0)
        out.writerow([row["arm"], repr(float(diff - half)), repr(float(diff + half)), repr(float(np.exp(ln_p)))])
