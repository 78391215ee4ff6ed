"""A Poisson bootstrap that draws a weight for every unit in every replicate, in numpy.

    row_bootstrap.py FOLDER poisson|table REPLICATES STANDARD_ERRORS_OUT

Reads what `bootstrap_arrays.py` writes and leaves the standard error of every metric, treatment and cohort, in this order. Units are put in
the order of their cells once; the weighted sums of a cell are one product of matrices. `poisson` draws with numpy's own function, `table`
looks 16 random bits up, which is as good to four digits and the fastest way that we found.
"""

import json
import math
import sys
import time
from pathlib import Path

import numpy as np

# Replicates at a time: the weights of a cell then stay in the cache.
TOGETHER = 20


def weights_of(way: str, rng: np.random.Generator):
    if way == "poisson":
        return lambda rows, units: rng.poisson(1.0, (rows, units)).astype(np.float64)
    steps, below, table = np.arange(1 << 16), 0.0, np.zeros(1 << 16)
    for count in range(12):
        below += math.exp(-1.0) / math.factorial(count)
        table += steps >= below * (1 << 16)
    return lambda rows, units: table[rng.integers(0, 1 << 16, (rows, units), dtype=np.uint16)]


def main() -> None:
    folder, way, replicates, out = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4]
    arms, cohorts = np.fromfile(folder / "arms.u8", np.uint8), np.fromfile(folder / "cohorts.u8", np.uint8)
    metrics = np.fromfile(folder / "metrics.i64", "<i8").reshape(-1, len(arms)).T.astype(np.float64)
    began, processor = time.perf_counter(), time.process_time()
    arm_count, cohort_count = int(arms.max()) + 1, int(cohorts.max()) + 1
    cell = cohorts.astype(np.int64) * arm_count + arms
    order = np.argsort(cell, kind="stable")
    metrics = (metrics - metrics.mean(axis=0))[order]
    ends = np.cumsum(np.bincount(cell, minlength=cohort_count * arm_count))
    weights = weights_of(way, np.random.default_rng(1))
    effects = []
    for first in range(0, replicates, TOGETHER):
        rows = min(TOGETHER, replicates - first)
        means = np.empty((rows, cohort_count * arm_count, metrics.shape[1]))
        for place, (start, end) in enumerate(zip(np.concatenate([[0], ends]), ends)):
            drawn = weights(rows, end - start)
            means[:, place] = drawn @ metrics[start:end] / drawn.sum(axis=1, keepdims=True)
        means = means.reshape(rows, cohort_count, arm_count, -1)
        effects.append(means[:, :, 1:] - means[:, :, :1])
    found = np.concatenate(effects).std(axis=0, ddof=1)  # cohort, treatment, metric
    seconds, processor = time.perf_counter() - began, time.process_time() - processor
    found.transpose(2, 1, 0).astype("<f8").tofile(out)
    print(json.dumps({"bootstrap": seconds, "processor": processor}))


main()
