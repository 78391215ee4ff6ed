"""Grows one tree in a peer and prints its seconds as JSON: trees.py PEER FOLDER MODE OUTCOME THREADS DEPTH LEAF LEAVES_OUT.

FOLDER is what tree_arrays.py wrote. Reading it does not count. MODE is `all` (all units grow), `honest` (one half grows the tree, the other
measures the effects in its leaves) or `pruned` (honest and pruned). The leaf of each held-out unit goes to LEAVES_OUT.
"""

import json
import sys
import time
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

import numpy as np


@dataclass
class Setting:
    mode: str
    threads: int
    depth: int
    leaf: int

    @property
    def honest(self) -> bool:
        return self.mode != "all"


class Clock:
    """Seconds on the wall by phase, and on processors in all."""

    def __init__(self) -> None:
        self.phases: dict[str, float] = {}
        self.last, self.processor = time.perf_counter(), time.process_time()

    def ended(self, phase: str) -> None:
        now = time.perf_counter()
        self.phases[phase], self.last = now - self.last, now

    def costs(self) -> dict[str, float]:
        return {**self.phases, "processor": time.process_time() - self.processor}


def transformed(y: np.ndarray, treated: np.ndarray) -> np.ndarray:
    """The outcome whose mean in a leaf is the leaf's effect (Athey and Imbens 2015)."""
    share = np.float32(treated.mean())
    return y * (treated - share) / (share * (1 - share))


def effects(leaves: np.ndarray, y: np.ndarray, treated: np.ndarray) -> np.ndarray:
    """The difference of the arms' means in each leaf."""
    most = leaves.max() + 1
    means = [
        np.bincount(leaves[arm], weights=y[arm], minlength=most) / np.maximum(np.bincount(leaves[arm], minlength=most), 1)
        for arm in (treated == 1, treated == 0)
    ]
    return means[0] - means[1]


def by_hand(grow, leaves_of):
    """A peer without honesty: the first half of the units grows the tree, the effects of the other half are measured in its leaves."""

    def run(given, setting: Setting, clock: Clock):
        x, y, treated = given
        half = len(x) // 2 if setting.honest else len(x)
        tree = grow(x[:half], transformed(y[:half], treated[:half]), setting, clock)
        clock.ended("growth")
        if setting.honest:
            effects(leaves_of(tree, x[half:]), y[half:], treated[half:])
            clock.ended("measuring")
        return lambda held_out: leaves_of(tree, held_out)

    return run


def lightgbm_grow(x, outcome, setting: Setting, clock: Clock):
    import lightgbm

    shape = {"max_depth": setting.depth, "num_leaves": 2**setting.depth, "min_data_in_leaf": setting.leaf}
    common = {"verbose": -1, "num_threads": setting.threads, **shape}
    data = lightgbm.Dataset(x, outcome, params={"max_bin": 255, **common}).construct()
    clock.ended("binning")
    return lightgbm.train({"objective": "regression", "learning_rate": 1.0, **common}, data, num_boost_round=1)


def lightgbm_leaves(tree, x):
    return tree.predict(x, pred_leaf=True).reshape(-1).astype(np.int64)


def sklearn_grow(x, outcome, setting: Setting, clock: Clock):
    from sklearn.tree import DecisionTreeRegressor

    return DecisionTreeRegressor(max_depth=setting.depth, min_samples_leaf=setting.leaf, random_state=0).fit(x, outcome)


def sklearn_leaves(tree, x):
    return tree.apply(x)


def causal_tree(given, setting: Setting, clock: Clock):
    """Without missing values, which it does not know; measures its leaves itself."""
    from causalml.inference.tree import CausalTreeRegressor

    x, y, treated = given
    x = np.nan_to_num(x, nan=-1.0)
    clock.ended("binning")
    tree = CausalTreeRegressor(
        max_depth=setting.depth,
        min_samples_leaf=setting.leaf,
        control_name=0,
        criterion="causal_mse",
        honesty=setting.honest,
        ccp_alpha="cv" if setting.mode == "pruned" else 0.0,
        random_state=0,
    )
    tree.fit(X=x, treatment=treated.astype(np.int64), y=y.astype(np.float64))
    clock.ended("growth")
    return lambda held_out: tree.apply(np.nan_to_num(held_out, nan=-1.0))


def uplift_tree(given, setting: Setting, clock: Clock):
    """Without missing values, which it does not know; for outcomes of 0 and 1."""
    from causalml.inference.tree import UpliftTreeClassifier

    x, y, treated = given
    x = np.nan_to_num(x, nan=-1.0)
    clock.ended("binning")
    tree = UpliftTreeClassifier(
        max_depth=setting.depth,
        min_samples_leaf=setting.leaf,
        min_samples_treatment=setting.leaf // 4,
        control_name="control",
        honesty=setting.honest,
        prune_fraction=0.2 if setting.mode == "pruned" else None,
        random_state=0,
    )
    tree.fit(x, treatment=np.where(treated == 1, "treated", "control"), y=y.astype(np.int64))
    clock.ended("growth")
    return lambda held_out: tree.apply(np.nan_to_num(held_out, nan=-1.0))


# How a peer grows a tree, what is loaded before that counts, and the package that it comes in.
PEERS = {
    "lightgbm": (by_hand(lightgbm_grow, lightgbm_leaves), "lightgbm", "lightgbm"),
    "scikit-learn": (by_hand(sklearn_grow, sklearn_leaves), "sklearn.tree", "scikit-learn"),
    "CausalTreeRegressor": (causal_tree, "causalml.inference.tree", "causalml"),
    "UpliftTreeClassifier": (uplift_tree, "causalml.inference.tree", "causalml"),
}


def main(peer: str, folder: Path, setting: Setting, outcome: str, leaves_out: str) -> None:
    tags = len(json.loads((folder / "arrays.json").read_text())["tags"])
    x = np.fromfile(folder / "given_rows.f32", dtype=np.float32).reshape(-1, tags)
    y = np.fromfile(folder / "given_outcome.f32", dtype=np.float32)
    if outcome == "conversion":
        y = (y > 0).astype(np.float32)
    treated = np.fromfile(folder / "given_treated.u8", dtype=np.uint8)
    run, module, package = PEERS[peer]
    import_module(module)
    clock = Clock()
    leaves_of = run((x, y, treated), setting, clock)
    costs = clock.costs()
    held_out = np.fromfile(folder / "held_out_rows.f32", dtype=np.float32).reshape(-1, tags)
    leaves = np.asarray(leaves_of(held_out)).astype(np.uint32)
    leaves.tofile(leaves_out)
    print(json.dumps({**costs, "leaves": len(np.unique(leaves)), "version": version(package)}))


if __name__ == "__main__":
    peer, folder, mode, outcome, threads, depth, leaf, leaves_out = sys.argv[1:]
    main(peer, Path(folder), Setting(mode, int(threads), int(depth), int(leaf)), outcome, leaves_out)
