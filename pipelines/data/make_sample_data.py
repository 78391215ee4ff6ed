#!/usr/bin/env python3
"""Make the sample warehouses of `pipelines/` and of the tests from the original files in `tests/data/`.

    python3 -m venv venv && venv/bin/pip install -r tests/python/requirements.txt
    venv/bin/python pipelines/data/make_sample_data.py            # all of them
    venv/bin/python pipelines/data/make_sample_data.py hillstrom  # one

What is original and what is invented is told in `README.md` beside this file and in `tests/data/README.md`. Nothing depends on the
clock, on a seed or on the machine: with the pinned versions of pyarrow and numpy the same bytes come out again.
"""

import argparse
from pathlib import Path

from warehouses import esti, hillstrom, karlan_list, retention, shop, star, tiny

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = ROOT / "pipelines" / "data"
ORIGINALS = ROOT / "tests" / "data"

MAKERS = {
    "hillstrom": lambda: hillstrom.write(ORIGINALS / "hillstrom" / "hillstrom.csv.gz", SAMPLES / "hillstrom"),
    "retention": lambda: retention.write(ORIGINALS / "retention" / "retention.parquet", SAMPLES / "retention"),
    "star": lambda: star.write(ORIGINALS / "star" / "star_kindergarten.parquet", ORIGINALS / "star" / "warehouse"),
    "karlan_list": lambda: karlan_list.write(
        ORIGINALS / "karlan_list" / "karlan_list.parquet", ORIGINALS / "karlan_list" / "warehouse"
    ),
    "esti": lambda: esti.write(ORIGINALS / "esti" / "esti.parquet", ORIGINALS / "esti" / "warehouse"),
    "shop": lambda: shop.write(ORIGINALS / "shop" / "warehouse"),
    "tiny": lambda: tiny.write(ORIGINALS / "tiny" / "warehouse"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="name", help=f"which to make: {', '.join(MAKERS)}; default: all")
    names = parser.parse_args().names or list(MAKERS)
    if unknown := [name for name in names if name not in MAKERS]:
        parser.error(f"`{unknown[0]}` is not one of {', '.join(MAKERS)}")
    for name in names:
        MAKERS[name]()
        print(f"made {name}")


if __name__ == "__main__":
    main()
