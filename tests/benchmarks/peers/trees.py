"""Grows one tree in a peer and prints its seconds as JSON: trees.py PEER UNITS_PARQUET DEPTH LEAF.

The unit table is read and turned into an array of 32-bit numbers first, which does not count: two arms, one metric, all tags, levels as codes.
"""

import json
import sys
import time
from importlib.metadata import version

import duckdb
import numpy as np

TREATMENT, CONTROL, METRIC = "one_page", "control", "revenue"
FIRST_TAG = "tenure_days"


def arrays(path: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Tags (missing as NaN), the metric, and 1 for the treated."""
    database = duckdb.connect()
    columns = database.execute("describe select * from read_parquet(?)", [path]).fetchall()
    names = [name for name, *_ in columns]
    tags = columns[names.index(FIRST_TAG) :]
    shown = [
        f'dense_rank() over (order by "{name}") - 1 as "{name}"' if kind == "VARCHAR" else f'"{name}"' for name, kind, *_ in tags
    ]
    query = f"select arm = '{TREATMENT}' as treated, {METRIC} as y, {', '.join(shown)} from read_parquet(?) where arm in (?, ?)"
    found = database.execute(query, [path, TREATMENT, CONTROL]).fetchnumpy()

    def column(name: str) -> np.ndarray:
        return np.ma.filled(np.ma.asarray(found[name], dtype=np.float32), np.nan)

    x = np.column_stack([column(name) for name, *_ in tags])
    return np.ascontiguousarray(x), column("y"), column("treated").astype(np.int64)


def transformed(y: np.ndarray, treated: np.ndarray) -> np.ndarray:
    """The outcome whose mean in a leaf is the leaf's effect (Athey and Imbens 2015)."""
    share = treated.mean()
    return y * (treated - share) / (share * (1 - share))


def lightgbm_tree(x, y, treated, depth, leaf):
    import lightgbm

    began = time.perf_counter()
    data = lightgbm.Dataset(x, transformed(y, treated), params={"max_bin": 255, "verbose": -1}).construct()
    binned = time.perf_counter()
    shape = {"max_depth": depth, "num_leaves": 2**depth, "min_data_in_leaf": leaf, "learning_rate": 1.0, "verbose": -1}
    lightgbm.train({"objective": "regression", **shape}, data, num_boost_round=1)
    return {"seconds": time.perf_counter() - began, "binning": binned - began, "version": version("lightgbm")}


def sklearn_tree(x, y, treated, depth, leaf):
    from sklearn.tree import DecisionTreeRegressor

    began = time.perf_counter()
    DecisionTreeRegressor(max_depth=depth, min_samples_leaf=leaf).fit(x, transformed(y, treated))
    return {"seconds": time.perf_counter() - began, "version": version("scikit-learn")}


def causal_tree(x, y, treated, depth, leaf):
    from causalml.inference.tree import CausalTreeRegressor

    x = np.nan_to_num(x, nan=-1.0)
    began = time.perf_counter()
    tree = CausalTreeRegressor(max_depth=depth, min_samples_leaf=leaf, control_name=0, criterion="causal_mse")
    tree.fit(X=x, treatment=treated, y=y)
    return {"seconds": time.perf_counter() - began, "version": version("causalml")}


def uplift_tree(x, y, treated, depth, leaf):
    from causalml.inference.tree import UpliftTreeClassifier

    x = np.nan_to_num(x, nan=-1.0)
    names = np.where(treated == 1, TREATMENT, CONTROL)
    began = time.perf_counter()
    tree = UpliftTreeClassifier(max_depth=depth, min_samples_leaf=leaf, min_samples_treatment=leaf // 4, control_name=CONTROL)
    tree.fit(x, treatment=names, y=(y > 0).astype(int))
    return {"seconds": time.perf_counter() - began, "version": version("causalml")}


PEERS = {"lightgbm": lightgbm_tree, "sklearn": sklearn_tree, "causal_tree": causal_tree, "uplift_tree": uplift_tree}

if __name__ == "__main__":
    peer, path, depth, leaf = sys.argv[1:]
    print(json.dumps(PEERS[peer](*arrays(path), int(depth), int(leaf))))
