#!/usr/bin/env python3
"""A search within strata, in plain numpy: the nodes, cohorts, levels and slices that a run with `split.strata` has to find and to measure.

    venv/bin/python tests/reference/make_search_within_strata.py        # writes search_within_strata.csv and max_t_within_strata.csv beside this file

The users of the shop have a country by their id: in `fr` one treated user in three is kept, and every order is worth 60 more; some users have no
country, which is a stratum of its own. A language goes with the country, but for one user in eight. Treated users under 58 spend 25 more on every
order. All splits of the tags are tried at each node of the discovering half, by the honest criterion of Athey and Imbens with means weighted by
the inverse of the realised shares, one unit after the other. Effects of nodes, cohorts, levels and slices are those of `make_strata.py`, which writes its own
numbers again when it is imported: within each country, and averaged by users.

The cohorts' effects and contrasts are corrected by the maximum of 1,000 bootstrap replicates, which draw every bucket a Poisson number of times: the
inverse of its distribution function at 64 bits of xxhash. In a replicate the drawn users are compared within each country again, and averaged by
how many of them there are.
"""

import csv
import decimal
import itertools
import math
import struct
from pathlib import Path

import numpy as np
import scipy.stats
import xxhash

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

LEVEL, REPLICATES = 0.95, 1_000
bucket = np.array([xxhash.xxh3_64_intdigest(struct.pack("<q", int(u)), shop.BUCKET_SEED) % shop.BUCKETS for u in users])


def poisson() -> np.ndarray:
    """By replicate and bucket, how often the bucket is drawn."""
    decimal.getcontext().prec = 60
    below, reached, term = [], decimal.Decimal(0), decimal.Decimal(-1).exp()
    for count in range(1, 22):
        reached += term
        below.append(int(reached * 2**64))
        term /= count
    seed = xxhash.xxh3_64_intdigest(struct.pack("<Q", len("shop")) + b"shop" + b"bootstrap")
    bits = lambda number, place: xxhash.xxh3_64_intdigest(struct.pack("<HQ", place, number), seed)
    drawn = lambda number, place: sum(bits(number, place) >= limit for limit in below)
    return np.array([[drawn(number, place) for place in range(shop.BUCKETS)] for number in range(REPLICATES)], dtype=float)


def averaged(parts):
    """Effect, variance and Satterthwaite's denominator over strata of (users by arm, means, variances of the means), for many replicates at once.
    A country with fewer than two users in an arm is left out; of over 5 % of the users, the replicate has no value."""
    units = [np.where((n[0] > 1) & (n[1] > 1), n[0] + n[1], 0) for n, *_ in parts]
    total, drawn = sum(units), sum(n[0] + n[1] for n, *_ in parts)
    shares = [part / total for part in units]
    value = [sum(np.where(share > 0, share * means[a], 0) for share, (_, means, _) in zip(shares, parts)) for a in (0, 1)]
    variance = squares = between = 0.0
    for share, (n, means, variances) in zip(shares, parts):
        factor = share * share - share * (1 - share) / total
        for a in (0, 1):
            source = np.where(share > 0, factor * variances[a], 0)
            variance, squares = variance + source, squares + np.where(source > 0, source**2 / (n[a] - 1), 0)
        between = between + np.where(share > 0, share * ((means[1] - value[1]) - (means[0] - value[0])) ** 2, 0) / total
    value = np.where(drawn - total > 0.05 * drawn, np.nan, value[1] - value[0])
    return value, variance + between, squares + between**2 / (total - 1)


def again(who: np.ndarray, weights: np.ndarray):
    """The same of the users that are drawn so often by bucket, a row of weights for each replicate."""
    parts = []
    for stratum in range(3):
        n, means, variances = [], [], []
        for a in (0, 1):
            own = who & (country == stratum) & (arm == a)
            sums = lambda values: weights @ np.bincount(bucket[own], values[own], shop.BUCKETS)
            about = spend - spend[own].mean()
            n.append(sums(np.ones(len(users))))
            offset = sums(about) / n[-1]
            means.append(spend[own].mean() + offset)
            deviations = sums(about**2) - n[-1] * offset**2
            variances.append(np.where(deviations > 1e-9, deviations, 0) / (n[-1] - 1) / n[-1])
        parts.append((n, means, variances))
    return averaged(parts)


def tested(who: np.ndarray, rest: np.ndarray | None, weights: np.ndarray):
    value, variance, squares = again(who, weights)
    if rest is not None:
        other, other_variance, other_squares = again(rest, weights)
        value, variance, squares = value - other, variance + other_variance, squares + other_squares
    return value, np.sqrt(variance), variance**2 / squares


corrected = csv.writer(open(HERE / "max_t_within_strata.csv", "w", newline=""), lineterminator="\n")
corrected.writerow(["estimand", "n_control", "n_variant", "lower", "upper", "p_value_adjusted"])
np.seterr(divide="ignore", invalid="ignore")
weights, once = poisson(), np.ones((1, shop.BUCKETS))
for estimand in ("effect", "contrast"):
    asked = [(leaf & measure, ~leaf & measure if estimand == "contrast" else None) for leaf in leaves]
    found = [[float(part[0]) for part in tested(*sides, once)] for sides in asked]
    distances = []
    for sides, (value, *_) in zip(asked, found):
        values, errors, _ = tested(*sides, weights)
        assert np.isnan(values).mean() <= 0.01, "nearly every replicate has a value"
        distances.append(np.nan_to_num(np.abs(values - value) / errors))
    critical = np.sort(np.max(distances, axis=0))[math.ceil((REPLICATES + 1) * LEVEL) - 1]
    for (members, _), (value, error, degrees) in zip(asked, found):
        far = max(critical, scipy.stats.t.isf((1 - LEVEL) / 2, degrees))
        tests = max(1.0, math.log(LEVEL) / math.log1p(-2 * scipy.stats.t.sf(far, degrees)))
        p = -math.expm1(tests * math.log1p(-2 * scipy.stats.t.sf(abs(value) / error, degrees)))
        n = [int((members & (arm == a)).sum()) for a in (0, 1)]
        corrected.writerow([estimand, *n, repr(float(value - far * error)), repr(float(value + far * error)), repr(p)])
