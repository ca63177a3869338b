"""Campaigns on real workers: any process may be killed, and the campaign goes on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from assay.campaign.mistake import UserMistake
from assay.campaign.store import open_run

pytestmark = [pytest.mark.torch, pytest.mark.slow]
FUZZ = ["fuzz", "--target", "aot_eager", "--seed", "3", "--jobs", "1", "--nodes", "4", "--include", "binary.*,unary.*"]


Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def assay() -> Iterator[Start]:
    """Starts the command; whatever still runs at the end is killed."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "assay", *arguments]
        started.append(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def descendants(pid: int) -> list[int]:
    """All living processes below one."""
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, task.read_text().split()):
            found += [child, *descendants(child)]
    return found


def wait_for_cases(folder: Path, count: int) -> None:
    """Wait until so many cases were judged."""
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline:
        # Until the run is made there is none to be opened.
        with suppress(UserMistake), open_run(folder) as store:
            if sum(row[3] for row in store.counts()) >= count:
                return
        time.sleep(0.1)
    raise TimeoutError(f"{folder} never came to {count} cases")


def alive(pid: int) -> bool:
    """Whether a process runs (one that ended and was not waited for does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_campaign_survives_the_death_of_its_workers(tmp_path: Path, assay: Start) -> None:
    folder = tmp_path / "run"
    campaign = assay(*FUZZ, "--cases", "12", "--run", str(folder), "--json")
    for cases in (1, 3, 6):
        wait_for_cases(folder, cases)
        below = descendants(campaign.pid)
        # The server itself first, then the process in which a case runs.
        os.kill(below[0] if cases != 3 else below[-1], signal.SIGKILL)
    told, errors = campaign.communicate(timeout=300)
    assert campaign.returncode in (0, 1), errors
    summary = json.loads(told)
    assert summary["cases"] == 12 == sum(summary["cases_per_target"].values())
    assert 0 < summary["cpu_seconds_sut"] <= summary["cpu_seconds"]


def test_a_campaign_that_is_killed_leaves_no_process_and_is_resumed(tmp_path: Path, assay: Start) -> None:
    folder = tmp_path / "run"
    campaign = assay(*FUZZ, "--cases", "10", "--run", str(folder), "--json")
    wait_for_cases(folder, 2)
    below = descendants(campaign.pid)
    campaign.kill()
    campaign.communicate()
    deadline = time.monotonic() + 20
    while any(alive(pid) for pid in below) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not [pid for pid in below if alive(pid)]

    resumed = assay("resume", str(folder), "--json")
    told, errors = resumed.communicate(timeout=300)
    assert resumed.returncode in (0, 1), errors
    assert json.loads(told)["cases"] == 10


def test_an_interrupt_ends_a_campaign_with_its_summary(tmp_path: Path, assay: Start) -> None:
    folder = tmp_path / "run"
    campaign = assay(*FUZZ, "--cases", "100000", "--run", str(folder), "--json")
    wait_for_cases(folder, 1)
    campaign.send_signal(signal.SIGINT)
    told, errors = campaign.communicate(timeout=120)
    assert campaign.returncode in (0, 1), errors
    assert 1 <= json.loads(told)["cases"] < 100000


def test_an_interpreter_that_is_not_there_is_a_mistake_and_leaves_no_run(tmp_path: Path, assay: Start) -> None:
    folder = tmp_path / "run"
    campaign = assay("fuzz", "--target", f"aot_eager@{tmp_path}/python", "--cases", "1", "--run", str(folder))
    _, errors = campaign.communicate(timeout=60)
    assert campaign.returncode == 2
    assert errors.count("\n") == 1
    assert not folder.exists()
