#!/usr/bin/env python3
"""Effects on the `spend` of those users of the `shop` who reached an event, and of all, straight from the events in plain numpy.

    venv/bin/python tests/reference/make_triggered.py        # writes triggered_shop.csv beside this file

The event is a view in the half day after first exposure; spend is that of the week after it, for users who
reached the event and for users who did not alike.
"""

import csv
import math
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

HERE = Path(__file__).resolve().parent
SHOP = HERE.parent / "data" / "shop" / "warehouse"
DAY = 86_400_000_000


def read(name: str) -> dict[str, np.ndarray]:
    table = pq.read_table(SHOP / f"{name}.parquet")
    return {column: table[column].to_numpy(zero_copy_only=False) for column in table.column_names}


def micros(instants: np.ndarray) -> np.ndarray:
    return instants.astype("datetime64[us]").astype(np.int64)


exposures, people, orders, views = read("exposures"), read("people"), read("orders"), read("views")
first = {user: at for user, at in zip(exposures["user_id"].tolist(), micros(exposures["exposed_at"]).tolist())}
treated = {user: variant == "new" for user, variant in zip(exposures["user_id"].tolist(), exposures["variant"])}
phones = {user for user, device in zip(people["user_id"].tolist(), people["device"]) if device == "phone"}
reached, spent = set(), {user: 0 for user in first}
for user, at in zip(views["user_id"].tolist(), micros(views["viewed_at"]).tolist()):
    if 0 <= at - first[user] < DAY // 2:
        reached.add(user)
for user, at, amount in zip(orders["user_id"].tolist(), micros(orders["paid_at"]).tolist(), orders["amount"].tolist()):
    if 0 <= at - first[user] < 7 * DAY:
        spent[user] += round(100 * amount)


def effect(cohort: str, estimand: str, users: set[int]) -> list:
    arms = [np.array([spent[user] / 100 for user in sorted(users) if treated[user] == arm]) for arm in (False, True)]
    means = [math.fsum(arm) / len(arm) for arm in arms]
    std_err = math.sqrt(sum(arm.var(ddof=1) / len(arm) for arm in arms))
    numbers = [*means, means[1] - means[0], std_err]
    return ["spend", cohort, estimand, "welch", len(arms[0]), len(arms[1]), *map(repr, map(float, numbers))]


with (HERE / "triggered_shop.csv").open("w", newline="") as target:
    out = csv.writer(target, lineterminator="\n")
    out.writerow("metric cohort estimand method n_c n_t mean_c mean_t estimate std_err".split())
    out.writerow(effect("all", "effect", reached))
    out.writerow(effect("phones", "effect", reached & phones))
    out.writerow(effect("all", "effect_by_first_exposure", set(first)))
