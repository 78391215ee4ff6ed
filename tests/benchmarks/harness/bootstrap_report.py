"""The table of the benchmark of the bootstrap, in Markdown."""

import argparse
import os
import sys
from datetime import date
from pathlib import Path
from statistics import median

import array

from harness import machine
from harness.contenders import Contender
from harness.ground import REPOSITORY, at_work
from harness.report import GB, spread

# What the statistics promise of standard errors by bucket beside those by row.
MEDIAN_WITHIN, NEARLY_ALL, WITHIN = 0.01, 0.95, 0.09


class Agreement:
    """The ratios of our standard errors to a peer's."""

    def __init__(self, ours: Path, theirs: Path) -> None:
        ratios = [one / other for one, other in zip(numbers(ours), numbers(theirs), strict=True)]
        self.count, self.median = len(ratios), median(ratios)
        self.near = sum(abs(ratio - 1.0) <= WITHIN for ratio in ratios) / len(ratios)
        self.least, self.largest = min(ratios), max(ratios)

    def is_kept(self) -> bool:
        return abs(self.median - 1.0) <= MEDIAN_WITHIN and self.near >= NEARLY_ALL

    def words(self) -> str:
        return f"{self.median:.4f} | {100 * self.near:.1f} % | {self.least:.3f} to {self.largest:.3f} | {'yes' if self.is_kept() else 'no'}"


def numbers(path: Path) -> array.array:
    values = array.array("d")
    values.frombytes(path.read_bytes())
    return values


def report(options: argparse.Namespace, python: Path, load: float, field: list[tuple[Contender, Path]]) -> str:
    (ours, our_errors), *peers = field
    lines = [
        heading(options, python, load),
        f"""{options.replicates:,} replicates of the effects of 10 metrics, 2 treatments against control and 20 cohorts, {options.units:,} units in memory. Ours counts the units by
cohort, arm and bucket once, and weights these statistics; its time holds laying the units out, counting, and of every replicate the
standard errors too, of which simultaneous intervals and corrected p-values are made. Numpy draws a weight for every unit in every
replicate and estimates the effects alone. Ratios are of medians, to ours.""",
        "| | s: least / median / largest | processor, s | peak memory, GB | ratio, clock | ratio, processor |\n|---|--:|--:|--:|--:|--:|",
    ]
    rows = [row(one, ours) for one, _ in field]
    agreements = ["| our standard errors beside those of | median ratio | within 9 % | all | as promised |\n|---|--:|--:|--:|---|"]
    for one, errors in peers:
        if not one.failure:
            agreements.append(f"| {one.name} | {Agreement(our_errors, errors).words()} |")
    parts = phases(ours)
    return "\n\n".join([*lines[:2], "\n".join([lines[2], *rows]), parts, "\n".join(agreements)]) + "\n"


def heading(options: argparse.Namespace, python: Path, load: float) -> str:
    return f"""# Benchmark: the bootstrap of fixed cohorts

| | |
|---|---|
| command | `{" ".join(["tests/benchmarks/bootstrap", *sys.argv[1:]])}` |
| date | {date.today()} |
| whom | {machine.commit(REPOSITORY)} |
| peer | numpy {machine.versions(python).get("numpy", "unknown")}; Python {sys.version.split()[0]} |
| machine | {options.threads} threads of {os.cpu_count()} cores, {machine.processor()}, {machine.memory() / 1e9:.0f} GB |
| load before | {at_work(load)} |
| repeats | {options.repeats} |"""


def seconds(one: Contender) -> list[float]:
    return [sum(cost.answer.get(phase, 0.0) for phase in ("laid_out", "counted", "bootstrap")) for cost in one.costs]


def processors(one: Contender) -> float:
    return median(cost.answer["processor"] for cost in one.costs)


def row(one: Contender, ours: Contender) -> str:
    if one.failure or not one.costs:
        return f"| {one.name} | failed: {one.failure or 'was not run'} | | | | |"
    ratios = [median(seconds(one)) / median(seconds(ours)), processors(one) / processors(ours)] if ours.costs else []
    peak = max(cost.peak for cost in one.costs) / GB
    return f"| {one.name} | {spread(seconds(one), 2)} | {processors(one):.2f} | {peak:.2f} | {' | '.join(f'{ratio:.1f}' for ratio in ratios)} |"


def phases(ours: Contender) -> str:
    if not ours.costs:
        return ""
    of = lambda phase: median(cost.answer[phase] for cost in ours.costs)
    return f"Of ours, laying the units out takes {of('laid_out'):.2f} s, counting them {of('counted'):.2f} s, and the replicates {of('bootstrap'):.2f} s."
