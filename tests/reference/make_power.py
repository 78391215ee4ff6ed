#!/usr/bin/env python3
"""What another e-mail campaign could find, by scipy's noncentral t, from the errors in effects_hillstrom.csv.

    venv/bin/python tests/reference/make_power.py        # needs scipy; writes power_hillstrom.csv beside this file

Both arms vary alike: their variance follows from Welch's standard error of the difference. Averages share the 5 % with the other tests of their
family (10: two campaigns, on average, and in two cohorts with their contrasts); a cohort against the rest is tested by itself, with half of the
units, and varies as everybody does. Satterthwaite's degrees of freedom. Effects are differences in the share of visitors.
What matters is 5 % of control's share; `needed` are the units in all arms that find it with 80 % power.
"""

import csv
import math
from pathlib import Path

from scipy.optimize import brentq
from scipy.stats import nct, t

HERE = Path(__file__).resolve().parent
UNITS_OF_RUN = 64_000
FAMILY = 10
SHARES = [0.10, 0.25, 0.50]


def satterthwaite(parts):
    """Standard error and degrees of freedom of a sum of variances, each with its degrees of freedom."""
    total = sum(variance for variance, _ in parts)
    return math.sqrt(total), total**2 / sum(variance**2 / degrees for variance, degrees in parts)


def average(variance, treated, control):
    return satterthwaite([(variance / treated, treated - 1), (variance / control, control - 1)])


def against_the_rest(variance, treated, control, share):
    error, degrees = average(variance, treated / 2, control / 2)
    return satterthwaite([(error**2 / part, degrees * part) for part in (share, 1 - share)])


def found(effect, noise, tests):
    error, degrees = noise
    critical = t.isf(0.05 / tests / 2, degrees)
    return nct.sf(critical, degrees, effect / error) + nct.cdf(-critical, degrees, effect / error)


def detectable(noise, tests, power):
    error, _ = noise
    return error * brentq(lambda delta: found(delta * error, noise, tests) - power, 1, 6, xtol=1e-13)


def main():
    with (HERE / "effects_hillstrom.csv").open() as file:
        averages = [row for row in csv.DictReader(file) if row["metric"] == "visit" and row["tag"] == "ALL"]
    with (HERE / "power_hillstrom.csv").open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["units", "variant", "share", "at_80", "at_90", "needed"])
        for units in (UNITS_OF_RUN, 4 * UNITS_OF_RUN):
            for row in averages:
                treated, control = int(row["n_t"]), int(row["n_c"])
                variance = float(row["se_welch"]) ** 2 / (1 / treated + 1 / control)
                matters = 0.05 * float(row["mean_c"])
                for share in [None, *SHARES]:
                    tests = FAMILY if share is None else 1

                    def noise(factor):
                        arms = (variance, treated * factor, control * factor)
                        return average(*arms) if share is None else against_the_rest(*arms, share)

                    now = noise(units / UNITS_OF_RUN)
                    effects = [repr(float(detectable(now, tests, power))) for power in (0.8, 0.9)]
                    start = (float(effects[0]) / matters) ** 2 * units / UNITS_OF_RUN
                    needed = brentq(lambda factor: found(matters, noise(factor), tests) - 0.8, start / 1.5, start * 1.5)
                    name = "" if share is None else share
                    writer.writerow([units, row["arm"], name, *effects, repr(needed * UNITS_OF_RUN)])


if __name__ == "__main__":
    main()
