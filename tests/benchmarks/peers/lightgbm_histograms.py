"""LightGBM on the units that the example `tree_growth` wrote: one metric, one tree of the same depth. lightgbm_histograms.py FOLDER THREADS.

    cargo run --locked --example tree_growth -- units=1000000 write=/tmp/units
    lightgbm_histograms.py /tmp/units 1,2

LightGBM does not tell what its histograms cost alone. `root` is the time of a tree with two leaves, whose only histograms
are those of all rows; `tree` is that of a tree of depth 5, over the rows of the root and of every smaller child. Both hold
gradients and score updates besides, which are a few nanoseconds per row and divided by the number of tags here. The last line is the
same as JSON.
"""

import json
import sys
import time

import lightgbm
import numpy

TREES = 15


def counted_rows(node):
    """Rows of the smaller children below a node."""
    if "left_child" not in node:
        return 0
    children = [node["left_child"], node["right_child"]]
    sizes = [child.get("internal_count", child.get("leaf_count")) for child in children]
    smaller = min(sizes) if any("left_child" in child for child in children) else 0
    return smaller + sum(counted_rows(child) for child in children)


def seconds_per_tree(data, leaves, threads):
    """The median over trees, and one of the trees."""
    parameters = {
        "objective": "regression", "num_leaves": leaves, "max_depth": 5, "min_data_in_leaf": 1000, "max_bin": 255,
        "learning_rate": 1e-9, "num_threads": threads, "verbosity": -1, "force_col_wise": True,
        "feature_pre_filter": False,
    }
    booster = lightgbm.Booster(parameters, data)
    times = []
    for _ in range(TREES):
        start = time.perf_counter()
        booster.update()
        times.append(time.perf_counter() - start)
    tree = booster.dump_model(num_iteration=1)["tree_info"][0]["tree_structure"]
    return sorted(times)[TREES // 2], min(times), tree


def main():
    folder, threads_tried = sys.argv[1], [int(threads) for threads in sys.argv[2].split(",")]
    label = numpy.fromfile(f"{folder}/label.f32", dtype=numpy.float32)
    codes = numpy.fromfile(f"{folder}/codes.u8", dtype=numpy.uint8).reshape(-1, len(label))
    rows, tags = len(label), len(codes)
    parameters = {"max_bin": 255, "verbosity": -1, "feature_pre_filter": False, "min_data_in_leaf": 1000}
    data = lightgbm.Dataset(codes.T.astype(numpy.float32, order="C"), label, params=parameters, free_raw_data=True)
    data.construct()
    runs = []
    for threads in threads_tried:
        root, _, _ = seconds_per_tree(data, 2, threads)
        whole, best, tree = seconds_per_tree(data, 32, threads)
        counted = rows + counted_rows(tree)
        run = {
            "threads": threads,
            "rows": counted,
            "tree": whole,
            "root": root * 1e9 / rows / tags,
            "nanoseconds": whole * 1e9 / counted / tags,
            "best": best * 1e9 / counted / tags,
        }
        runs.append(run)
        print(f"{threads} threads: tree {whole:.3f} s over {counted} rows, {run['nanoseconds']:.3f} ns per tag and row, root {run['root']:.3f}")
    print(json.dumps({"version": lightgbm.__version__, "runs": runs}))


main()
