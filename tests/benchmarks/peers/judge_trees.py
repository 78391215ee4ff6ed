"""Judges trees on units that no tree has seen: judge_trees.py FOLDER OUTCOME NAME=LEAVES...; the first one is what others are compared with.

Knows of a tree only in which of its leaves each held-out unit lies. The honest criterion of Athey and Imbens (2016) is, per unit,

    sum over leaves of n/N (tau^2 - 2 V),    tau = mean1 - mean0,    V = v1/n1 + v0/n0,

all among the held-out units: tau^2 - V estimates the squared effect without bias, and V is what measuring it on as many other units
costs. Shown is what is gained over no split, in millionths of the outcome's variance within arms. Standard errors are jackknifed over
100 groups of units, those of differences with the same groups left out on both sides.
"""

import json
import sys
from pathlib import Path

import numpy as np

GROUPS = 100


class Sums:
    """Units, sum and sum of squares by group, leaf and arm."""

    def __init__(self, leaves: np.ndarray, y: np.ndarray, treated: np.ndarray) -> None:
        _, leaf = np.unique(leaves, return_inverse=True)
        self.leaves = leaf.max() + 1
        group = np.arange(len(y)) % GROUPS
        cell = (group * self.leaves + leaf) * 2 + treated
        shape = (GROUPS, self.leaves, 2)
        size = GROUPS * self.leaves * 2
        self.by_group = np.stack([np.bincount(cell, weights=y**power, minlength=size).reshape(shape) for power in (0, 1, 2)])

    def criterion(self, without: int | None = None) -> float:
        """What the leaves gain over none, with all groups or all but one."""
        sums = self.by_group.sum(axis=1)
        if without is not None:
            sums = sums - self.by_group[:, without]
        whole = sums.sum(axis=1, keepdims=True)
        units, total, squares = whole[:, 0]
        variance = (squares - total**2 / units).sum() / units.sum()
        return 1e6 * (honest(sums) - honest(whole)) / variance


def honest(sums: np.ndarray) -> float:
    units, total, squares = sums
    mean = total / np.maximum(units, 1)
    variance = (squares - units * mean**2) / np.maximum(units - 1, 1)
    noise = (variance / np.maximum(units, 1)).sum(axis=1)
    effect = np.where((units > 1).all(axis=1), mean[:, 1] - mean[:, 0], 0.0)
    return float((units.sum(axis=1) * (effect**2 - 2 * noise)).sum() / units.sum())


def jackknifed(replicates: np.ndarray) -> float:
    return float(np.sqrt((GROUPS - 1) / GROUPS * ((replicates - replicates.mean()) ** 2).sum()))


def main(folder: Path, outcome: str, trees: list[str]) -> None:
    y = np.fromfile(folder / "held_out_outcome.f32", dtype=np.float32).astype(np.float64)
    if outcome == "conversion":
        y = (y > 0).astype(np.float64)
    treated = np.fromfile(folder / "held_out_treated.u8", dtype=np.uint8)
    first, verdicts = None, {}
    for name, path in (tree.split("=", 1) for tree in trees):
        sums = Sums(np.fromfile(path, dtype=np.uint32), y, treated)
        replicates = np.array([sums.criterion(group) for group in range(GROUPS)])
        judged = sums.criterion()
        first = first or (judged, replicates)
        verdicts[name] = {
            "gain": judged,
            "error": jackknifed(replicates),
            "difference": judged - first[0],
            "difference_error": jackknifed(replicates - first[1]),
        }
    print(json.dumps(verdicts))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3:])
