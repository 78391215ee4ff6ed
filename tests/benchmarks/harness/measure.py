"""What a process costs: time, processor, memory, spilled bytes."""

import json
import os
import resource
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

POLL_SECONDS = 0.05
# What `ru_maxrss` counts in: kibibytes, but on macOS bytes.
RSS_UNIT = 1 if sys.platform == "darwin" else 1024


@dataclass(frozen=True)
class Cost:
    wall: float  # seconds
    cpu: float  # seconds of all threads, in user and system mode
    peak: int  # bytes resident
    spilled: int  # the most bytes that lay in the spill folder at once
    code: int
    said: str  # standard output and the end of standard error
    answer: dict  # the last line of standard output, if it is JSON


class SpillWatch(threading.Thread):
    """Looks at a folder again and again, and remembers the most that lay in it."""

    def __init__(self, folder: Path) -> None:
        super().__init__(daemon=True)
        self.folder, self.most, self.done = folder, 0, threading.Event()

    def run(self) -> None:
        while not self.done.wait(POLL_SECONDS):
            self.most = max(self.most, size_of(self.folder))


def size_of(folder: Path) -> int:
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.stat(os.path.join(place, name)).st_blocks * 512
            except FileNotFoundError:  # it was removed while we looked
                continue
    return total


def measure(command: list[str], spill: Path, timeout: float, environment: dict[str, str] | None = None) -> Cost:
    """Runs a command to its end, or kills it when the time is up."""
    spill.mkdir(parents=True, exist_ok=True)
    watch = SpillWatch(spill)
    watch.start()
    log = spill.with_suffix(".out"), spill.with_suffix(".err")
    began = time.perf_counter()
    with log[0].open("wb") as out, log[1].open("wb") as err:
        process = subprocess.Popen(command, stdout=out, stderr=err, env={**os.environ, **(environment or {})})
        timer = threading.Timer(timeout, process.kill)
        timer.start()
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
        timer.cancel()
    process.returncode = os.waitstatus_to_exitcode(status)
    watch.done.set()
    watch.join()
    said = log[0].read_text(errors="replace")
    return Cost(
        wall=wall,
        cpu=usage.ru_utime + usage.ru_stime,
        peak=usage.ru_maxrss * RSS_UNIT,
        spilled=watch.most,
        code=process.returncode,
        said=said + log[1].read_text(errors="replace")[-4000:],
        answer=json_of(said),
    )


def json_of(said: str) -> dict:
    try:
        answer = json.loads(said.strip().splitlines()[-1])
    except (IndexError, ValueError):
        return {}
    return answer if isinstance(answer, dict) else {}


def own_memory() -> int:
    """A child begins as a copy of this process, so no peak below this can be seen."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * RSS_UNIT
