"""What benchmarks stand on: a quiet machine, programs that are built, environments, and simulated warehouses."""

import json
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

from harness import machine
from harness.contenders import PEERS, Contender

HERE = Path(__file__).resolve().parents[1]
REPOSITORY = HERE.parents[1]
# Above this, others are at work on the machine and the numbers say little.
QUIET_LOAD = 0.5
# What we ourselves have just built and written is forgotten after a few minutes.
PATIENCE_SECONDS = 600


def quiet() -> float:
    """Waits until nobody works on the machine any more, and gives its load then."""
    waits_until = time.monotonic() + PATIENCE_SECONDS
    while (load := machine.load()) > QUIET_LOAD:
        if time.monotonic() > waits_until:
            sys.exit(f"the load of this machine is {load:.2f}; try again when it is below {QUIET_LOAD}, or say --busy")
        print(f"waiting for a quiet machine: its load is {load:.2f}", flush=True)
        time.sleep(15)
    return load


def target_folder() -> Path:
    told = subprocess.run(
        ["cargo", "metadata", "--format-version", "1", "--no-deps", "--locked"], cwd=REPOSITORY, capture_output=True, check=True
    )
    return Path(json.loads(told.stdout)["target_directory"])


def build(*examples: str) -> None:
    """Builds whom and some programs of the benchmarks, as the README's commands do."""
    chosen = [word for example in examples for word in ("--example", example)]
    subprocess.run(["cargo", "build", "--locked", "--bin", "whom", *chosen], cwd=REPOSITORY, check=True)


def environment(folder: Path, requirements: Path) -> Path:
    """An interpreter with what is asked for, made anew whenever that changes."""
    python, stamp = folder / "bin/python", folder / "installed.txt"
    asked = requirements.read_text()
    if not (stamp.is_file() and stamp.read_text() == asked):
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", "--requirement", str(requirements)], check=True)
        stamp.write_text(asked)
    return python


def simulated(whom: Path, folder: Path, size: str, threads: int) -> Path:
    """A warehouse of a size. `truth.json` is written last, so a folder without it was left unfinished."""
    if not (folder / "truth.json").is_file():
        if folder.exists():
            sys.exit(f"`{folder}` was left unfinished; remove it")
        subprocess.run([str(whom), "simulate", str(folder), "--size", size, "--threads", str(threads)], check=True)
    return folder


def bandwidth(python: Path, work: Path) -> float:
    """Gigabytes that are read and written a second when memory is copied."""
    copying = Contender("bandwidth", "", [str(python), str(PEERS / "bandwidth.py")])
    copying.run(work, timeout=600)
    return median(cost.answer["bytes_per_second"] for cost in copying.costs) / 1e9 if copying.costs else float("nan")


def at_work(load: float) -> str:
    """The load, with a word on what it means for the numbers."""
    return f"{load:.2f}{' (others were at work: these numbers say little)' if load > QUIET_LOAD else ''}"
