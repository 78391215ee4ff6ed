"""Coverage of the Welch interval on spend like Hillstrom's, by events in the treatment arm and imbalance of the arms.

The rule in crates/whom-stats/src/reliability.rs rests on this table. Usage: stats_reliability.py hillstrom.csv [repetitions]
Both arms draw a Poisson number of buyers (p = .9 %) and their spend from the file's buyers; the true difference is 0. The
quantile is the normal one: with these numbers of units Student's differs in the third digit.
"""

import csv
import math
import random
import sys

spend = [float(row["spend"]) for row in csv.DictReader(open(sys.argv[1])) if float(row["spend"]) > 0]
repetitions = int(sys.argv[2]) if len(sys.argv) > 2 else 10_000
share = 578 / 64_000
random.seed(20080320)


def poisson(mean):
    if mean > 50:  # split, so that exp() keeps its precision
        return poisson(mean / 2) + poisson(mean / 2)
    limit, k, product = math.exp(-mean), 0, random.random()
    while product > limit:
        k, product = k + 1, product * random.random()
    return k


def arm(units, binary):
    events = poisson(units * share)
    values = [1.0] * events if binary else random.choices(spend, k=events)
    total, squares = sum(values), sum(value * value for value in values)
    mean = total / units
    return mean, (squares - units * mean * mean) / (units - 1) / units


for binary in (True, False):
    print("metric       events  control:treatment  coverage")
    for events in (5, 20, 50, 100, 200):
        for ratio in (1, 3, 9, 19):
            if events * ratio > 2000:
                continue
            units = round(events / share)
            covered = 0
            for _ in range(repetitions):
                mean_t, variance_t = arm(units, binary)
                mean_c, variance_c = arm(units * ratio, binary)
                covered += abs(mean_t - mean_c) <= 1.959964 * math.sqrt(variance_t + variance_c)
            print(f"{'conversion' if binary else 'spend':12} {events:6} {ratio:18} {covered / repetitions:9.3f}", flush=True)
