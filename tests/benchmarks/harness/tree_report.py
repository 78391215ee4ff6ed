"""The tables of the benchmark of trees, in Markdown."""

import argparse
import os
import sys
from datetime import date
from statistics import median

from harness import machine
from harness.contenders import Contender
from harness.ground import REPOSITORY, at_work
from harness.measure import own_memory
from harness.report import GB, spread
from harness.tree_contenders import OURS, THREADED, Arena, Growth

TITLES = {
    "all": "all units grow the tree",
    "honest": "one half grows the tree, the other measures its leaves",
    "pruned": "honest, and pruned",
}


def heading(arena: Arena, load: float, rate: float) -> str:
    options = arena.options
    versions = machine.versions(arena.python) | machine.versions(arena.causal_python)
    shown = ", ".join(f"{name} {versions[name]}" for name in ("lightgbm", "scikit-learn", "causalml", "numpy") if name in versions)
    return f"""# Benchmark: trees

| | |
|---|---|
| command | `{" ".join(["tests/benchmarks/trees", *sys.argv[1:]])}` |
| date | {date.today()} |
| whom | {machine.commit(REPOSITORY)} |
| peers | {shown}; Python {sys.version.split()[0]} |
| machine | {options.threads} threads of {os.cpu_count()} cores, {machine.processor()}, {machine.memory() / 1e9:.0f} GB; copies {rate:.1f} GB/s |
| load before | {at_work(load)} |
| repeats | {options.repeats}, of causalml {options.slow_repeats} |
| limits | peaks below {own_memory() / GB:.2f} GB cannot be seen |"""


def families(growths: list[Growth]) -> dict[tuple[str, str], list[Growth]]:
    """Trees that can be compared, by outcome and the way to grow; ours is the first."""
    found: dict[tuple[str, str], list[Growth]] = {}
    for one in growths:
        found.setdefault((one.outcome, one.mode), []).append(one)
    return found


def growths(all_growths: list[Growth], options: argparse.Namespace) -> list[str]:
    intro = f"""## One tree from arrays in memory

{options.units:,} units in two arms, one outcome, 20 tags as 32-bit numbers, depth {options.depth}, leaves of {options.leaf} units or more. Seconds are those between the
arrays and the tree: binning, growth, pruning and measuring, where there is such a thing; starting a program and reading the arrays do not
count, nor does what follows the tree. Memory is that of the whole process. LightGBM and scikit-learn know no treatment and grow on the
transformed outcome; what they measure, they measure by hand. Ratios are of medians, to ours with all threads.

**Gained** is the honest criterion on {options.units:,} units that nobody was given, less that of no split, in millionths of the outcome's variance
(`peers/judge_trees.py`), and **than ours** the difference, each with its standard error."""
    return [intro, *(family(outcome, mode, members) for (outcome, mode), members in families(all_growths).items())]


def family(outcome: str, mode: str, members: list[Growth]) -> str:
    lines = [
        f"### {outcome.capitalize()}: {TITLES[mode]}",
        "",
        "| | s: least / median / largest | of that binning | CPU, s | peak memory, GB | ratio | leaves | gained | than ours |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    against = members[0] if members[0].contender.costs and not members[0].contender.failure else None
    return "\n".join([*lines, *(row(one, against) for one in members)])


def row(one: Growth, against: Growth | None) -> str:
    name = f"{one.name}, {one.threads} thread{'s' if one.threads > 1 else ''}" if one.name in THREADED else one.name
    costs = one.contender.costs
    if one.contender.failure or not costs:
        return f"| {name} | failed: {one.contender.failure or 'was not run'} | | | | | | | |"
    bins = [cost.answer.get("binning", 0.0) for cost in costs]
    ratio = f"{median(one.seconds()) / median(against.seconds()):.1f}" if against else ""
    verdict = one.verdict
    gained = f"{verdict['gain']:.0f} ± {verdict['error']:.0f}" if verdict else ""
    differs = verdict and one.name != OURS
    difference = f"{verdict['difference']:+.0f} ± {verdict['difference_error']:.0f}" if differs else ""
    return (
        f"| {name} | {spread(one.seconds(), 3)} | {median(bins):.3f} | {median(cost.answer['processor'] for cost in costs):.2f} "
        f"| {max(cost.peak for cost in costs) / GB:.2f} | {ratio} | {costs[0].answer['leaves']} | {gained} | {difference} |"
    )


def histograms(measured: list[tuple[int, Contender, Contender]], arena: Arena) -> str:
    lines = [
        "## Histograms",
        "",
        f"Units in memory with 50 tags of 255 codes, depth {arena.options.depth}, without pruning. Ours counts three arms and five metrics (units, sums, squares, events);",
        "LightGBM one metric, its gradients, and its figures hold the gradients and score updates, ours the routing of rows. Nanoseconds",
        "per tag, counted row and metric.",
        "",
        "| units | | threads | one tree, s | ns: median (best) | two threads over one | peak memory, GB |",
        "|--:|---|--:|--:|--:|--:|--:|",
    ]
    for units, *contenders in measured:
        lines += [line for one in contenders for line in histogram_rows(units, one)]
    return "\n".join(lines)


def histogram_rows(units: int, one: Contender) -> list[str]:
    if one.failure or not one.costs:
        return [f"| {units:,} | {one.name} | | failed: {one.failure or 'was not run'} | | | |"]
    cost = one.costs[0]
    runs = cost.answer["runs"]
    single = next((run["tree"] for run in runs if run["threads"] == 1), None)
    rows = []
    for run in runs:
        faster = f"{single / run['tree']:.2f}" if single and run["threads"] > 1 else ""
        rows.append(
            f"| {units:,} | {one.name} | {run['threads']} | {run['tree']:.3f} | {run['nanoseconds']:.2f} ({run['best']:.2f}) "
            f"| {faster} | {cost.peak / GB:.2f} |"
        )
    return rows
