"""Writes units for the benchmark of the bootstrap: three arms, twenty cohorts of unequal size, ten metrics as whole numbers.

    bootstrap_arrays.py FOLDER UNITS

`arms.u8` and `cohorts.u8` hold a byte per unit, `metrics.i64` one metric after the other. Metrics are of the kinds that experiments have:
proportions, counts, spend in cents that few units have and some have much of, and numbers that lie around a mean.
"""

import sys
from pathlib import Path

import numpy as np

COHORTS = 20


def main() -> None:
    folder, units = Path(sys.argv[1]), int(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(20_261_128)
    arms = rng.integers(0, 3, units, dtype=np.uint8)
    shares = np.linspace(1.0, 4.0, COHORTS)
    cohorts = rng.choice(COHORTS, units, p=shares / shares.sum()).astype(np.uint8)
    gains = 1.0 + 0.02 * arms * (cohorts % 3)
    metrics = [
        rng.random(units) < 0.02 * gains,
        rng.random(units) < 0.1 * gains,
        rng.random(units) < 0.5 * gains,
        rng.poisson(gains),
        rng.negative_binomial(0.5, 0.2, units),
        (rng.random(units) < 0.1) * 100 * rng.lognormal(3.0, 1.0, units) * gains,
        (rng.random(units) < 0.02) * 100 * rng.lognormal(4.0, 0.8, units),
        rng.normal(50_000.0, 9_000.0, units) * gains,
        rng.normal(0.0, 1_000.0, units),
        rng.integers(1, 11, units),
    ]
    arms.tofile(folder / "arms.u8")
    cohorts.tofile(folder / "cohorts.u8")
    with (folder / "metrics.i64").open("wb") as out:
        for metric in metrics:
            np.rint(metric).astype("<i8").tofile(out) if metric.dtype.kind == "f" else metric.astype("<i8").tofile(out)


main()
