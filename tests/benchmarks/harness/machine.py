"""What the numbers were taken on."""

import os
import platform
import subprocess
from pathlib import Path


def processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def memory() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def load() -> float:
    """How many processes wanted a core in the last minute."""
    return os.getloadavg()[0]


def commit(repository: Path) -> str:
    """The state of the repository, marked if it differs from its last commit."""

    def git(*words: str) -> str:
        answer = subprocess.run(["git", "-C", str(repository), *words], capture_output=True, text=True, check=False)
        return answer.stdout.strip()

    changed = " with changes" if git("status", "--porcelain", "--untracked-files=no") else ""
    return (git("rev-parse", "--short", "HEAD") or "unknown") + changed


def versions(python: Path) -> dict[str, str]:
    answer = subprocess.run([str(python), "-m", "pip", "freeze"], capture_output=True, text=True, check=True)
    pairs = (line.split("==", 1) for line in answer.stdout.splitlines() if "==" in line)
    return {name.lower(): version for name, version in pairs}
