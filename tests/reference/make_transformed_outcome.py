#!/usr/bin/env python3
"""The retention experiment as codes, for the transformed-outcome tree of whom-forest.

    venv/bin/python tests/reference/make_transformed_outcome.py      # writes transformed_outcome_retention.csv beside this file

Numeric tags become the rank among the distinct values of the discovery half, cut half-way between neighbours; the metric is in
units of 0.0001. A line: 1 on the discovery half, arm, metric, six codes.
"""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

HERE = Path(__file__).resolve().parent
TAGS = ["risk_score", "usage_z", "log_customer_value", "tenure_months", "enterprise_plan", "support_tickets"]

table = pq.read_table(HERE.parent / "data" / "retention" / "retention.parquet")
column = {name: table[name].to_numpy(zero_copy_only=False) for name in table.column_names}
discovery = column["fold50"].astype(str) == "discovery"
codes = []
for tag in TAGS:
    values = column[tag].astype(float)
    distinct = np.unique(values[discovery])
    codes.append(np.searchsorted((distinct[1:] + distinct[:-1]) / 2, values, side="left"))
rows = np.column_stack([discovery, column["treatment"], np.round(1e4 * column["outcome"]), *codes]).astype(int)
np.savetxt(HERE / "transformed_outcome_retention.csv", rows, fmt="%d", delimiter=",")
