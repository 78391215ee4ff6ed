#!/usr/bin/env python3
"""A search within strata, in plain numpy: the nodes, cohorts, levels and slices that a run with `split.strata` has to find and to measure.

    venv/bin/python tests/reference/make_search_within_strata.py        # writes search_within_strata.csv beside this file

The users of the shop have a country by their id: in `fr` one treated user in three is kept, and every order is worth 60 more; some users have no
country, which is a stratum of its own. A language goes with the country, but for one user in eight. Treated users under 58 spend 25 more on every
order. All splits of the tags are tried at each node of the discovering half, by the honest criterion of Athey and Imbens with means weighted by
the inverse of the realised shares, one unit after the other. Effects of nodes, cohorts, levels and slices are those of `make_strata.py`, which writes its own
numbers again when it is imported: within each country, and averaged by users.
"""

import csv
import itertools
from pathlib import Path

import numpy as np

import make_strata as strata

shop = strata.shop
HERE = Path(__file__).resolve().parent
DEPTH, UNITS, EVENTS, PENALTY, HONESTY = 2, 60, 20, 0.5, 1.0

users, arm = shop.users, shop.arm
country = np.where(users % 101 == 0, 0, np.where(users % 3 == 0, 1, 2))
kept = (arm == 0) | (country != 1) | (users % 9 == 0)
french = (users % 3 == 0) ^ (users % 8 == 0)
young = np.nan_to_num(shop.age, nan=99) < 58
buyers = np.array([shop.place[user] for user in shop.orders["user_id"].tolist()])
more = np.where(users[buyers] % 3 == 0, 60.0, 0.0) + np.where(young[buyers] & (arm[buyers] == 1), 25.0, 0.0)
spend, _ = shop.summed(shop.orders, "paid_at", shop.orders["amount"] + more, before=False)
cents = np.round(100 * spend)
discover = shop.discovers() & kept
measure = ~shop.discovers() & kept

TAGS = {"age": np.nan_to_num(shop.age, nan=-1), "device": shop.device, "language": np.where(french, "french", "german")}

# What the weights and the centres of the countries are, by the users who discover.
weight, centred, root_squares = np.zeros(len(users)), np.zeros(len(users)), 0.0
for stratum in range(3):
    here = discover & (country == stratum)
    centred[country == stratum] = cents[country == stratum] - np.floor(cents[here].mean() + 0.5)
    for a in (0, 1):
        own = here & (arm == a)
        weight[(country == stratum) & (arm == a)] = here.sum() / own.sum()
        root_squares += ((cents[own] - cents[own].mean()) ** 2).sum()
root_variance = root_squares / discover.sum()


def score(who: np.ndarray) -> float:
    means, noise = [], 0.0
    for a in (0, 1):
        own = who & (arm == a)
        w, y = weight[own], centred[own]
        means.append((w * y).sum() / w.sum())
        noise += (w * w * (y - means[-1]) ** 2).sum() / w.sum() ** 2
    n = who.sum()
    return ((1 - PENALTY) * n * (means[1] - means[0]) ** 2 - PENALTY * (1 + HONESTY) * n * noise) / root_variance


def is_admissible(who: np.ndarray) -> bool:
    arms = [who & (arm == a) for a in (0, 1)]
    return all(own.sum() >= UNITS and (cents[own] != 0).sum() >= EVENTS for own in arms)


def candidates(who: np.ndarray):
    """Every split of every tag in a node: the users on one side."""
    for tag, values in TAGS.items():
        known = sorted(set(values[who]) - ({-1} if tag == "age" else set()))
        if tag == "age":
            missing = who & (values == -1)
            for cut in known:
                below = who & (values >= 0) & (values <= cut)
                yield tag, below
                if missing.any():
                    yield tag, below | missing
        else:
            for size in range(1, len(known)):
                for chosen in itertools.combinations(known, size):
                    yield tag, who & np.isin(values, chosen)


def best(who: np.ndarray):
    found = None
    for tag, side in candidates(who):
        rest = who & ~side
        if is_admissible(side) and is_admissible(rest):
            gain = score(side) + score(rest) - score(who)
            if gain > 0 and (found is None or gain > found[0]):
                found = (gain, tag, side, rest)
    return found


def everywhere(who: np.ndarray, side: np.ndarray, tag: str) -> np.ndarray:
    """The side of a split among all users, given the one among those who discover."""
    values = TAGS[tag]
    if tag != "age":
        return np.isin(values, sorted(set(values[side])))
    seen = values[side & (values >= 0)]
    first, last = seen.min(), seen.max()
    is_lower = first <= values[who & (values >= 0)].min()
    # An age that nobody of the node has goes with the next younger one.
    known = (values <= last) & (values >= 0) if is_lower else values > values[who & (values >= 0) & (values < first)].max()
    return known | ((values == -1) & bool((side & (values == -1)).any()))


def compared(who: np.ndarray):
    """Users by arm, the effect and its error."""
    parts = []
    for stratum in range(3):
        own = who & (country == stratum)
        if min((own & (arm == a)).sum() for a in (0, 1)) >= 2:
            value, moved = shop.mean(spend, own)
            parts.append((int(own.sum()), value, shop.plain(moved)))
    [(_, estimate, error), _] = strata.lines(*strata.averaged(parts))
    return [int((who & (arm == a)).sum()) for a in (0, 1)], estimate, error


def write(kind: str, name: str, who: np.ndarray, gain="") -> None:
    n, estimate, error = compared(who)
    out.writerow([kind, name, *n, repr(float(estimate)), repr(float(error)), gain])


out = csv.writer(open(HERE / "search_within_strata.csv", "w", newline=""), lineterminator="\n")
out.writerow(["kind", "tag", "n_control", "n_variant", "estimate", "std_err", "gain"])
everybody, leaves = np.ones(len(users), dtype=bool), []
nodes = [(0, everybody)]
for depth, members in nodes:
    split = best(members & discover) if depth < DEPTH else None
    tag, gain = (split[1], repr(float(split[0]))) if split else ("", "")
    write("discovery", tag, members & discover, gain)
    write("measuring", tag, members & measure)
    if split:
        side = everywhere(members & discover, split[2], tag)
        nodes += [(depth + 1, members & side), (depth + 1, members & ~side)]
    else:
        leaves.append(members)
for leaf in leaves:
    n, estimate, error = compared(leaf & measure)
    _, rest, rest_error = compared(~leaf & measure)
    out.writerow(["contrast", "", *n, repr(float(estimate - rest)), repr(float(np.hypot(error, rest_error))), ""])
for level in sorted(set(shop.device)):
    write("level", "device", kept & (shop.device == level))
    write("slice", "all", kept & (shop.device == level))
    write("slice", "young", kept & (shop.device == level) & young)
