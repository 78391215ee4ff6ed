#!/usr/bin/env python3
"""Effects and Welch standard errors straight from the original files, in plain numpy: the numbers that runs have to meet.

    venv/bin/python tests/reference/make_effects.py        # writes effects_*.csv beside this file

No warehouse, no window and no grid is involved. Sums are exactly rounded (`math.fsum`), and the variance is that of centred values, so every
number is right to the last few bits. Level `ALL` is everybody; a unit without the metric, or without the tag, is left out, and so is a row with
fewer than two units in an arm. A standard error of 0 (all values are equal) is written, but nothing can be concluded from it.
"""

import csv
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.csv
import pyarrow.parquet as pq

HERE = Path(__file__).resolve().parent
ORIGINALS = HERE.parent / "data"
COLUMNS = ["arm", "control", "metric", "tag", "level", "n_t", "n_c", "mean_t", "mean_c", "diff", "se_welch"]
RISK_QUINTILES = [0.24530182, 0.36695393, 0.48291713, 0.62513337]


@dataclass
class Experiment:
    """An original file: its columns by name, and which of them mean what."""

    columns: dict[str, np.ndarray]
    arm: str
    control: str
    metrics: list[str]
    tags: list[str]


def read(path: Path) -> dict[str, np.ndarray]:
    table = pyarrow.csv.read_csv(path) if path.suffix == ".gz" else pq.read_table(path)
    return {name: table[name].to_numpy(zero_copy_only=False) for name in table.column_names}


def hillstrom() -> Experiment:
    columns = read(ORIGINALS / "hillstrom" / "hillstrom.csv.gz")
    tags = ["recency", "history_segment", "mens", "womens", "zip_code", "newbie", "channel"]
    return Experiment(columns, "segment", "No E-Mail", ["visit", "conversion", "spend"], tags)


def retention() -> Experiment:
    columns = read(ORIGINALS / "retention" / "retention.parquet")
    columns["arm"] = np.where(columns["treatment"] == 1, "offer", "control")
    columns["risk_quintile"] = 1 + np.searchsorted(RISK_QUINTILES, columns["risk_score"], side="left")
    tags = ["risk_quintile", "enterprise_plan", "support_tickets"]
    return Experiment(columns, "arm", "control", ["outcome"], tags)


def star() -> Experiment:
    columns = read(ORIGINALS / "star" / "star_kindergarten.parquet")
    tags = ["gender", "ethnicity", "lunchk", "schoolk"]
    return Experiment(columns, "stark", "regular", ["readk", "mathk", "scorek"], tags)


def karlan_list() -> Experiment:
    columns = read(ORIGINALS / "karlan_list" / "karlan_list.parquet")
    metrics = ["out_gavedum", "out_amountgive", "out_changeamtgive"]
    return Experiment(columns, "arm", "control", metrics, ["state", "county", "dormant", "female"])


def mean_and_variance(values: np.ndarray) -> tuple[float, float]:
    """The mean, and the variance with n - 1, of two or more values."""
    mean = math.fsum(values) / len(values)
    centred = values - mean
    return mean, (math.fsum(centred**2) - math.fsum(centred) ** 2 / len(values)) / (len(values) - 1)


def levels(values: np.ndarray) -> list:
    """The distinct values that are there, in order."""
    return sorted({value for value in values.tolist() if value is not None and value == value})


def groups(experiment: Experiment) -> Iterator[tuple[str, str, np.ndarray]]:
    """Everybody, then each level of each tag, as (tag, level, mask)."""
    yield "ALL", "ALL", np.ones(len(experiment.columns[experiment.arm]), dtype=bool)
    for tag in experiment.tags:
        values = experiment.columns[tag]
        for level in levels(values):
            yield tag, str(level), values == level


def effects(experiment: Experiment) -> Iterator[list]:
    arms = experiment.columns[experiment.arm]
    for treatment in (arm for arm in levels(arms) if arm != experiment.control):
        for metric in experiment.metrics:
            values = experiment.columns[metric].astype(np.float64)
            known = ~np.isnan(values)
            for tag, level, group in groups(experiment):
                treated = values[known & group & (arms == treatment)]
                control = values[known & group & (arms == experiment.control)]
                if min(len(treated), len(control)) < 2:
                    continue
                (mean_t, variance_t), (mean_c, variance_c) = mean_and_variance(treated), mean_and_variance(control)
                error = math.sqrt(variance_t / len(treated) + variance_c / len(control))
                counts = [len(treated), len(control)]
                yield [treatment, experiment.control, metric, tag, level, *counts, mean_t, mean_c, mean_t - mean_c, error]


def main() -> None:
    for experiment in (hillstrom, retention, star, karlan_list):
        with (HERE / f"effects_{experiment.__name__}.csv").open("w", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(COLUMNS)
            writer.writerows(effects(experiment()))


if __name__ == "__main__":
    main()
