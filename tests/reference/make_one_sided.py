#!/usr/bin/env python3
"""One-sided tests of Hillstrom's visits on average and in two declared cohorts, from the original file by numpy and scipy.

    venv/bin/python tests/reference/make_one_sided.py        # writes one_sided_hillstrom.csv beside this file

Welch's tests of no effect, or one of the other sign, for both directions in turn. The family is that of the plan: of both treatments the
effects on everybody and in two cohorts (one-sided), and the contrasts of the cohorts with the rest (two-sided), corrected by Holm, with
Bonferroni's intervals, whose ends each hold at 1 - 0.05 / 10.
"""

import csv
import gzip
import io
from pathlib import Path

import numpy as np
from scipy import stats

HERE = Path(__file__).resolve().parent
with gzip.open(HERE.parent / "data" / "hillstrom" / "hillstrom.csv.gz", "rt") as source:
    rows = list(csv.DictReader(io.StringIO(source.read())))
column = lambda name: np.array([int(row[name]) for row in rows])
visit, womens, mens = column("visit"), column("womens"), column("mens")
arm = np.array([row["segment"] for row in rows])
COHORTS = {"all": np.ones(len(rows), bool), "bought_womens": womens == 1, "bought_mens_only": (mens == 1) & (womens == 0)}


def welch(treated: np.ndarray, control: np.ndarray) -> tuple[float, list[float], list[float]]:
    """The difference, and by arm the variance of its mean and the degrees of freedom."""
    parts = [values.var(ddof=1) / len(values) for values in (treated, control)]
    return treated.mean() - control.mean(), parts, [len(treated) - 1, len(control) - 1]


def satterthwaite(parts: list[float], degrees: list[float]) -> tuple[float, float]:
    variance = sum(parts)
    return np.sqrt(variance), variance**2 / sum(part**2 / df for part, df in zip(parts, degrees))


def tests(direction: str) -> list[dict]:
    found = []
    for variant in ("Mens E-Mail", "Womens E-Mail"):
        for cohort, members in COHORTS.items():
            of = lambda inside: welch(visit[inside & (arm == variant)], visit[inside & (arm == "No E-Mail")])
            diff, parts, degrees = of(members)
            se, df = satterthwaite(parts, degrees)
            t = diff / se
            p = stats.t.sf(t if direction == "greater" else -t, df)
            found.append(dict(variant=variant, cohort=cohort, estimand="effect", diff=diff, se=se, df=df, p=p, sides=1))
            if cohort != "all":
                rest, rest_parts, rest_degrees = of(~members)
                whole = [(se**2, df), satterthwaite(rest_parts, rest_degrees)]
                whole[1] = (whole[1][0] ** 2, whole[1][1])
                se, df = satterthwaite([part for part, _ in whole], [df for _, df in whole])
                p = 2 * stats.t.sf(abs(diff - rest) / se, df)
                found.append(dict(variant=variant, cohort=cohort, estimand="contrast", diff=diff - rest, se=se, df=df, p=p, sides=2))
    order, largest = np.argsort([test["p"] for test in found], kind="stable"), 0.0
    for rank, place in enumerate(order):
        largest = max(largest, min(1.0, (len(found) - rank) * found[place]["p"]))
        found[place]["adjusted"] = largest
    for test in found:
        half = test["se"] * stats.t.isf(0.05 / len(found) / test["sides"], test["df"])
        test["lower"], test["upper"] = test["diff"] - half, test["diff"] + half
    return found


with (HERE / "one_sided_hillstrom.csv").open("w", newline="") as target:
    out = csv.writer(target, lineterminator="\n")
    out.writerow(["direction", "variant", "cohort", "estimand", "p_value", "p_value_adjusted", "ci_lower", "ci_upper"])
    for direction in ("greater", "less"):
        for test in tests(direction):
            numbers = [repr(float(test[name])) for name in ("p", "adjusted", "lower", "upper")]
            out.writerow([direction, test["variant"], test["cohort"], test["estimand"], *numbers])
