"""Exact coverage of the Welch interval for a difference of two proportions, by events and imbalance of the arms.

The range in crates/whom-stats/src/reliability.rs is held against this table. Usage: stats_proportions.py (numpy and scipy)
Every pair of counts is enumerated with its binomial probability; the true difference is 0. *Coverage* counts all experiments,
*reliable* those that the rule does not mark, and *marked* is the share that it marks.
"""

import math

import numpy as np
from scipy import stats


def needed(small, large):
    share = small / large
    return max(20, math.ceil(200 * (1 - share) ** 2 / (1 + share)))


print("share  events  ratio  coverage  reliable  marked")
for share in (0.01, 0.1, 0.5):
    for events in (20, 30, 40, 60, 100, 200):
        for ratio in (1, 3, 9):
            n1 = round(events / share)
            n0 = n1 * ratio
            if n1 < 50 or n0 * share > 2_000:
                continue
            p1, p0 = stats.binom(n1, share), stats.binom(n0, share)
            k1 = np.arange(int(p1.ppf(1e-9)), int(p1.ppf(1 - 1e-9)) + 1)[:, None]
            k0 = np.arange(int(p0.ppf(1e-9)), int(p0.ppf(1 - 1e-9)) + 1)[None, :]
            weight = p1.pmf(k1) * p0.pmf(k0)
            m1, m0 = k1 / n1, k0 / n0
            v1, v0 = m1 * (1 - m1) / (n1 - 1), m0 * (1 - m0) / (n0 - 1)
            with np.errstate(invalid="ignore"):  # no event in either arm
                degrees = (v1 + v0) ** 2 / (v1**2 / (n1 - 1) + v0**2 / (n0 - 1))
                covered = np.abs(m1 - m0) <= stats.t.ppf(0.975, degrees) * np.sqrt(v1 + v0)
            events1, events0 = np.minimum(k1, n1 - k1), np.minimum(k0, n0 - k0)
            kept = (events1 >= needed(n1, n0)) & (events0 >= 20)
            reliable = (weight * covered * kept).sum() / max((weight * kept).sum(), 1e-300)
            marked = 1 - (weight * kept).sum()
            print(f"{share:5} {events:7} {ratio:6} {(weight * covered).sum():9.4f} {reliable:9.4f} {marked:7.4f}")
