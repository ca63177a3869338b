"""`kill -9` at any time loses nothing that was acknowledged and counts no case twice."""

from __future__ import annotations

import random
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from assay.campaign.store import FILE, open_run
from assay.oracles.verdict import FINDINGS

from .fakes import case_at, verdict_at

KILLS = 50
FAKES = Path(__file__).with_name("fakes.py")


def test_a_campaign_that_is_killed_fifty_times_is_the_one_that_was_never_killed(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    delays = random.Random(2026)
    acknowledged: set[str] = set()
    filed: dict[str, str] = {}
    for _ in range(KILLS):
        process = subprocess.Popen(
            [sys.executable, str(FAKES), str(folder), "1000000"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        time.sleep(delays.uniform(0.05, 0.6))
        assert process.poll() is None, process.communicate()[1].decode()
        process.kill()
        told, errors = process.communicate()
        assert not errors, errors.decode()
        _note(told, acknowledged, filed)

    with open_run(folder) as store:
        begun = store.next_index()
    assert begun > KILLS, "the campaign was never alive for long enough to be a test"
    cases = begun + 100
    last = subprocess.run(
        [sys.executable, str(FAKES), str(folder), str(cases)], capture_output=True, check=True, timeout=120
    )
    assert last.stdout.endswith(b"done\n")
    _note(last.stdout, acknowledged, filed)

    database = sqlite3.connect(folder / FILE)
    judged = database.execute("SELECT number, verdict, kind FROM cases ORDER BY number").fetchall()
    assert [number for number, _, _ in judged] == list(range(cases))
    expected = [verdict_at(index) for index in range(cases)]
    assert [verdict for _, verdict, _ in judged] == [judgement.verdict.value for judgement in expected]
    assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    database.close()

    with open_run(folder) as store:
        findings = {finding.id: finding for finding in store.findings()}
        assert acknowledged <= set(findings)
        guilty = [index for index in range(cases) if expected[index].verdict in FINDINGS]
        assert sorted(finding.case.id for finding in findings.values()) == sorted(case_at(i).id for i in guilty)
        assert all(finding.bucket for finding in findings.values())
        assert {identity: findings[identity].bucket for identity in filed} == filed
        assert sum(bucket.cases for bucket in store.buckets()) == len(guilty)
        by_signature = Counter(expected[index].signature for index in guilty)
        assert {bucket.signature: bucket.cases for bucket in store.buckets()} == by_signature
        for bucket in store.buckets():
            assert (folder / bucket.script).read_text() == f"print('BUG: {bucket.signature}')\n"


def _note(told: bytes, acknowledged: set[str], filed: dict[str, str]) -> None:
    """Remember what a process said before it was killed; its last line may be torn."""
    for line in told.decode().split("\n")[:-1]:
        word, *rest = line.split()
        if word == "found":
            acknowledged.add(rest[0])
        elif word == "filed":
            filed[rest[0]] = rest[1]
