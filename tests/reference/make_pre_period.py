#!/usr/bin/env python3
"""What an experiment of the `shop` could find, from days before it: the numbers that `whom power --pre-period` has to meet.

    venv/bin/python tests/reference/make_pre_period.py        # numpy, scipy, xxhash; writes pre_period_shop.csv beside this file

The first page that a user looked at from 25 to 27 February stands for the exposure; the arm is a hash of the experiment and the user. Sums are
of two days after it, and of two days before it where a metric is adjusted. Errors are those of `make_metrics.py`; a margin is the treatment's
ratio less four fifths of control's. What is found with which power follows as in `make_power.py`: 15 tests share the 5 %, which are three
primary metrics on average, in two cohorts, and for each of these against the rest. A margin has the 5 % for itself, on one side.
"""

import csv
import math
import struct
from pathlib import Path

import make_metrics as shop
import make_power as power
import numpy as np
import xxhash
from scipy.optimize import brentq
from scipy.stats import nct, t

HERE = Path(__file__).resolve().parent
DAY = 86_400_000_000
WINDOW = 2 * DAY
FROM, UNTIL = (np.datetime64(day, "us").astype(np.int64) for day in ("2026-02-25", "2026-02-28"))
DAYS = 3
FAMILY = 15
WEIGHT_OF_CONTROL = 0.6
LIMIT = -0.2

viewed_at = shop.micros(shop.views["viewed_at"])
first: dict[int, int] = {}
for user, at in zip(shop.views["user_id"].tolist(), viewed_at.tolist()):
    if FROM <= at < UNTIL:
        first[user] = min(at, first.get(user, at))
users = np.array(sorted(first))
row_of = {user: row for row, user in enumerate(users.tolist())}
came = np.array([first[user] for user in users.tolist()])

seed = xxhash.xxh3_64_intdigest(struct.pack("<Q", len("shop")) + b"shop" + b"assignment")
place = lambda user: (xxhash.xxh3_64_intdigest(struct.pack("<q", user), seed) >> 11) / 2**53
arm = np.array([int(place(user) >= WEIGHT_OF_CONTROL) for user in users.tolist()])
known = np.array([shop.place[user] for user in users.tolist()])
age, device = shop.age[known], shop.device[known]


def summed(table, time: str, value, before: bool):
    """The sum of a value by user in the window after or before the first page, and whether there is an event."""
    total, events = np.zeros(len(users)), np.zeros(len(users))
    for user, at, amount in zip(table["user_id"].tolist(), shop.micros(table[time]).tolist(), value.tolist()):
        row = row_of.get(user)
        if row is None:
            continue
        after = at - came[row]
        if -WINDOW <= after < 0 if before else 0 <= after < WINDOW:
            total[row] += amount
            events[row] += 1
    return np.round(total, 2), events > 0


orders, views = shop.orders, shop.views
clicked, page = views["clicked"].astype(float), np.ones(len(views["clicked"]))
spend, _ = summed(orders, "paid_at", orders["amount"], before=False)
spent_before, bought_before = summed(orders, "paid_at", orders["amount"], before=True)
clicks, _ = summed(views, "viewed_at", clicked, before=False)
pages, _ = summed(views, "viewed_at", page, before=False)
clicks_before, viewed_before = summed(views, "viewed_at", clicked, before=True)
pages_before, _ = summed(views, "viewed_at", page, before=True)
cap = shop.threshold(spend[spend != 0], 0.99)
capped, capped_before = np.minimum(spend, cap), np.minimum(spent_before, cap)
by_spend = np.column_stack([capped_before, shop.absent(bought_before), np.nan_to_num(age), np.isnan(age).astype(float)])
by_views = np.column_stack([clicks_before, shop.absent(viewed_before), pages_before, shop.absent(viewed_before)])
# The functions of the other program look at these.
shop.arm, shop.clicks, shop.pages = arm, clicks, pages

everybody = np.ones(len(users), dtype=bool)
cohorts = {"everybody": everybody, "phones": device == "phone", "oldest": age == 97}


def adjusted(of, who, covariates):
    covariates = shop.independent(covariates, everybody)
    parent = shop.slopes(of(everybody)[1], [covariates[arm == a] for a in (0, 1)])
    return shop.adjusted(*of(who), who, covariates, parent)


def plain(of, who):
    value, moved = of(who)
    return value, shop.plain(moved)


def found(effect, noise, tests, is_one_sided):
    """The power; that a test of both sides finds the wrong one is less likely than 1e-9 here, and left out."""
    error, degrees = noise
    return nct.sf(t.isf(0.05 / tests / (1 if is_one_sided else 2), degrees), degrees, effect / error)


def row(metric, subject, who, value, covariance, matters):
    """The units of both arms, the error, what is found, and what finds a share of control's mean."""
    is_margin = subject == "margin"
    control, treated = (int((who & (arm == a)).sum()) for a in (0, 1))
    less = 1 + LIMIT if is_margin else 1.0
    error = math.sqrt(less**2 * covariance[0, 0] + covariance[1, 1] - 2 * less * covariance[0, 1])
    variance = error**2 / (1 / treated + 1 / control)
    tests = 1 if is_margin else FAMILY
    noise = lambda factor: power.average(variance, treated * factor, control * factor)
    solved = lambda wanted: brentq(lambda d: found(d * error, noise(1), tests, is_margin) - wanted, 1, 6, xtol=1e-13) * error
    at_80, at_90 = solved(0.8), solved(0.9)
    size = matters * abs(value[0])
    start = (at_80 / size) ** 2
    factor = brentq(lambda factor: found(size, noise(factor), tests, is_margin) - 0.8, start / 1.5, start * 1.5)
    needed = factor * len(users)
    out.writerow([metric, subject, tests, control, treated, *map(repr, map(float, (error, at_80, at_90, size, needed)))])


with (HERE / "pre_period_shop.csv").open("w", newline="") as file:
    out = csv.writer(file, lineterminator="\n")
    out.writerow(["metric", "subject", "tests", "n_c", "n_t", "std_err", "at_80", "at_90", "matters", "needed"])
    for name, who in cohorts.items():
        row("revenue", name, who, *adjusted(lambda some: shop.mean(capped, some), who, by_spend), 0.01)
        row("click_rate_adjusted", name, who, *adjusted(shop.ratio, who, by_views), 0.01)
        row("spend", name, who, *plain(lambda some: shop.mean(spend, some), who), 0.01)
    row("click_rate", "margin", everybody, *plain(shop.ratio, everybody), abs(LIMIT))
