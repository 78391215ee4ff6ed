#!/usr/bin/env python3
"""Confidence sequences of Hillstrom's visits and of a guardrail on conversions, from the original file by numpy and scipy.

    venv/bin/python tests/reference/make_sequences.py        # writes sequences_hillstrom.csv beside this file

Of both treatments the effects on everybody and in two cohorts, and the contrasts of the cohorts with the rest: ten sequences that share 5 %
(Waudby-Smith et al. 2021, Theorem 2.2, rho by Lambert's W), tightest when 40,000 units of a treatment and control have counted. The p-value
is the alpha at which the interval touches zero, for the given rho, by bisection. Margins of conversions to a relative limit of -10 % have
one-sided sequences at 5 % each: Robbins' mixture over a half-normal, summed numerically over its parameter, with the rho of least width by
search, both ends and the p-value by bisection.
"""

import csv
import gzip
import io
from pathlib import Path

import numpy as np
from scipy import optimize, special

HERE = Path(__file__).resolve().parent
PLANNED, LIMIT = 40_000, -0.1
ALPHA, ONE_SIDED = 0.05 / 10, 0.05
CONTROL = "No E-Mail"
with gzip.open(HERE.parent / "data" / "hillstrom" / "hillstrom.csv.gz", "rt") as source:
    rows = list(csv.DictReader(io.StringIO(source.read())))
column = lambda name: np.array([int(row[name]) for row in rows])
visit, conversion, womens, mens = column("visit"), column("conversion"), column("womens"), column("mens")
arm = np.array([row["segment"] for row in rows])
COHORTS = {"all": np.ones(len(rows), bool), "bought_womens": womens == 1, "bought_mens_only": (mens == 1) & (womens == 0)}

rho2 = (-special.lambertw(-(ALPHA**2) * np.exp(-1), -1).real - 1) / PLANNED


def square(n: int, ln_alpha: float) -> float:
    """Half the width in standard errors, squared."""
    return 2 * (n * rho2 + 1) / (n * rho2) * (np.log(n * rho2 + 1) / 2 - ln_alpha)


def two_sided(n: int, estimate: float, error: float) -> list[float]:
    ln_p = min(0.0, optimize.brentq(lambda ln_alpha: square(n, ln_alpha) - (estimate / error) ** 2, -2000, 50.0))
    width = error * np.sqrt(square(n, np.log(ALPHA)))
    return [estimate - width, estimate + width, np.exp(ln_p)]


nodes, weights = np.polynomial.legendre.leggauss(400)


def mixture(z: float, s: float) -> float:
    """The logarithm of the integral of exp(lambda W - lambda² n / 2) over a half-normal lambda."""
    middle, width = z * np.sqrt(s) / (1 + s), 1 / np.sqrt(1 + s)
    low, high = max(0.0, middle - 12 * width), max(0.0, middle) + 12 * width
    x = low + (nodes + 1) / 2 * (high - low)
    exponent = z * np.sqrt(s) * x - s * x**2 / 2 - x**2 / 2
    largest = exponent.max()
    return largest + np.log(2 / np.sqrt(2 * np.pi) * (weights * np.exp(exponent - largest)).sum() * (high - low) / 2)


boundary = lambda s: optimize.brentq(lambda z: mixture(z, s) + np.log(ONE_SIDED), 0, 60, xtol=1e-14)
least = optimize.brentq(lambda s: (boundary(s * 1.0001) - boundary(s / 1.0001)), 0.5, 60, xtol=1e-12) / PLANNED


def one_sided(n: int, estimate: float, error: float) -> list[float]:
    width = error * boundary(n * least)
    return [estimate - width, estimate + width, min(1.0, np.exp(-mixture(estimate / error, n * least)))]


mean = lambda values: (values.mean(), values.var(ddof=1) / len(values))
with (HERE / "sequences_hillstrom.csv").open("w", newline="") as target:
    out = csv.writer(target, lineterminator="\n")
    out.writerow(["metric", "variant", "cohort", "estimand", "lower", "upper", "p_value"])
    write = lambda key, numbers: out.writerow([*key, *(repr(float(number)) for number in numbers)])
    for variant in ("Mens E-Mail", "Womens E-Mail"):
        treated, control = arm == variant, arm == CONTROL
        n = int(treated.sum() + control.sum())

        def effect(inside: np.ndarray) -> tuple[float, float]:
            (one, of_one), (other, of_other) = mean(visit[inside & treated]), mean(visit[inside & control])
            return one - other, of_one + of_other

        for cohort, members in COHORTS.items():
            estimate, variance = effect(members)
            write(["visit", variant, cohort, "effect"], two_sided(n, estimate, np.sqrt(variance)))
            if cohort != "all":
                rest, of_rest = effect(~members)
                write(["visit", variant, cohort, "contrast"], two_sided(n, estimate - rest, np.sqrt(variance + of_rest)))
        (one, of_one), (other, of_other) = mean(conversion[treated]), mean(conversion[control])
        margin = one - (1 + LIMIT) * other, np.sqrt(of_one + (1 + LIMIT) ** 2 * of_other)
        write(["conversion", variant, "all", "margin"], one_sided(n, *margin))
