"""The table of a benchmark, in Markdown."""

from statistics import median

from harness.contenders import Contender
from harness.measure import Cost

GB = 1e9


def spread(numbers: list[float], digits: int = 2) -> str:
    """Least, median, largest."""
    return " / ".join(f"{number:.{digits}f}" for number in (min(numbers), median(numbers), max(numbers)))


def median_wall(contender: Contender) -> float:
    return median(cost.wall for cost in contender.costs)


def fastest(contenders: list[Contender], name: str) -> Contender | None:
    """The fastest of those whose names begin so and that came to an end."""
    finished = [one for one in contenders if one.name.startswith(name) and one.costs and not one.failure]
    return min(finished, key=median_wall, default=None)


def row(contender: Contender, against: Contender | None) -> str:
    if contender.failure or not contender.costs:
        return f"| {contender.name} | failed: {contender.failure or 'was not run'} | | | | |"
    costs: list[Cost] = contender.costs
    ratio = f"{median_wall(contender) / median_wall(against):.2f}" if against else ""
    return (
        f"| {contender.name} | {spread([cost.wall for cost in costs])} | {median(cost.cpu for cost in costs):.2f} "
        f"| {max(cost.peak for cost in costs) / GB:.2f} | {max(cost.spilled for cost in costs) / GB:.2f} | {ratio} |"
    )


def unit_tables(contenders: list[Contender], stages: dict[str, list[float]], verdicts: list[str]) -> str:
    against = fastest(contenders, "DuckDB")
    lines = [
        "## From Parquet to a unit table",
        "",
        "`whom` goes on to checks, effects, trees and tests; its stages are below. Ratios are of medians, to the fastest form of DuckDB.",
        "",
        "| | wall, s: least / median / largest | CPU, s | peak memory, GB | spilled, GB | ratio |",
        "|---|--:|--:|--:|--:|--:|",
        *(row(one, against) for one in contenders),
    ]
    if stages:
        lines += ["", "| stage of `whom` | s: least / median / largest | ratio |", "|---|--:|--:|"]
        for name, seconds in stages.items():
            ratio = f"{median(seconds) / median_wall(against):.2f}" if against else ""
            lines.append(f"| {name} | {spread(seconds)} | {ratio} |")
    return "\n".join([*lines, "", *(f"- {verdict}" for verdict in verdicts)])


def floors(contenders: list[Contender]) -> str:
    finished = [one for one in contenders if one.costs and not one.failure]
    against = min(finished, key=median_wall, default=None)
    return "\n".join([
        "## The floor: decoding the same columns",
        "",
        "Ratios are to the fastest.",
        "",
        "| | wall, s: least / median / largest | CPU, s | peak memory, GB | spilled, GB | ratio |",
        "|---|--:|--:|--:|--:|--:|",
        *(row(one, against) for one in contenders),
    ])
