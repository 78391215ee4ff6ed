"""Who grows trees: names, ways to grow, and commands that can be measured."""

import argparse
from dataclasses import dataclass, field
from pathlib import Path

from harness.contenders import PEERS, Contender

# All units grow the tree; or one half does, and the other measures; and then it is pruned.
ALL, HONEST, PRUNED = "all", "honest", "pruned"
OURS, LIGHTGBM, SKLEARN, CAUSAL, UPLIFT = "whom", "lightgbm", "scikit-learn", "CausalTreeRegressor", "UpliftTreeClassifier"

# Who can do what. An outcome of 0 and 1 is for causalml's second tree, which knows no other.
FIELD = {
    ("revenue", ALL): [OURS, LIGHTGBM, SKLEARN, CAUSAL],
    ("revenue", HONEST): [OURS, LIGHTGBM, SKLEARN, CAUSAL],
    ("revenue", PRUNED): [OURS, CAUSAL],
    ("conversion", ALL): [OURS, UPLIFT],
    ("conversion", HONEST): [OURS, UPLIFT],
    ("conversion", PRUNED): [OURS, UPLIFT],
}
THREADED = (OURS, LIGHTGBM)
SLOW = (CAUSAL, UPLIFT)


@dataclass
class Growth:
    """A contender at one of its trees."""

    name: str
    outcome: str
    mode: str
    threads: int
    repeats: int
    contender: Contender
    leaves: Path
    verdict: dict = field(default_factory=dict)

    def seconds(self) -> list[float]:
        """From arrays to the tree, with everything that the way to grow asks for."""
        phases = ("binning", "growth", "measuring")
        return [sum(cost.answer.get(phase, 0.0) for phase in phases) for cost in self.contender.costs]


@dataclass(frozen=True)
class Arena:
    """Everything that contenders of one benchmark of trees share."""

    programs: Path
    python: Path
    causal_python: Path
    arrays: Path
    work: Path
    options: argparse.Namespace

    def growths(self) -> list[Growth]:
        growths = []
        for (outcome, mode), names in FIELD.items():
            for name in names:
                threads = {self.options.threads, 1} if name in THREADED and mode != PRUNED else {self.options.threads}
                growths += [self.growth(name, outcome, mode, count) for count in sorted(threads, reverse=True)]
        return growths

    def growth(self, name: str, outcome: str, mode: str, threads: int) -> Growth:
        options = self.options
        leaves = self.work / f"{name}-{outcome}-{mode}-{threads}.u32"
        setting = [str(threads), str(options.depth), str(options.leaf), str(leaves)]
        if name == OURS:
            command = [str(self.programs / "examples/tree_from_arrays"), str(self.arrays), mode, outcome, *setting]
        else:
            python = self.causal_python if name in SLOW else self.python
            command = [str(python), str(PEERS / "trees.py"), name, str(self.arrays), mode, outcome, *setting]
        repeats = options.slow_repeats if name in SLOW else options.repeats
        return Growth(name, outcome, mode, threads, repeats, Contender(name, "tree", command), leaves)

    def histograms(self, units: int) -> tuple[Contender, Contender]:
        """Ours, which writes the units, and LightGBM's, which reads them."""
        folder, threads = self.work / f"units-{units}", ",".join(str(threads) for threads in sorted({1, self.options.threads}))
        setting = [f"units={units}", f"threads={threads}", f"repeats={self.options.repeats}", f"depth={self.options.depth}"]
        ours = [str(self.programs / "examples/tree_growth"), *setting, f"write={folder}"]
        theirs = [str(self.python), str(PEERS / "lightgbm_histograms.py"), str(folder), threads]
        return Contender(OURS, "histograms", ours), Contender(LIGHTGBM, "histograms", theirs)
