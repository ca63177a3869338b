"""The store of a run: one SQLite file, written ahead, that may lose its process at any moment.

A case is journalled before it runs; what became of it, and the finding if it is one, are committed together. What has
been shown to
anyone as found was committed before.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assay.campaign.artefacts import keep, write_durably
from assay.campaign.findings import (
    RAW,
    REDUCED,
    UNREDUCED,
    UNSCRIPTED,
    Bucket,
    CaseResult,
    Finding,
    Triaged,
    judgement_from_json,
    judgement_to_json,
)
from assay.campaign.mistake import UserMistake
from assay.ir.case import Case

FILE = "assay.sqlite"
APPLICATION = 0x41535359  # "ASSY"
VERSION = 1

SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE sessions (number INTEGER PRIMARY KEY, wall REAL NOT NULL, cpu REAL NOT NULL);
CREATE TABLE cases (
    number INTEGER PRIMARY KEY, id TEXT, target TEXT, source TEXT, operators TEXT NOT NULL DEFAULT '[]',
    attempts INTEGER NOT NULL, verdict TEXT, kind TEXT, place TEXT, detail TEXT, signature TEXT,
    engaged INTEGER NOT NULL DEFAULT 0, sut_seconds REAL NOT NULL DEFAULT 0, finding TEXT, saved TEXT);
CREATE INDEX cases_by_finding ON cases (finding) WHERE finding IS NOT NULL;
CREATE INDEX cases_unfinished ON cases (number) WHERE verdict IS NULL;
CREATE TABLE findings (
    id TEXT PRIMARY KEY, number INTEGER NOT NULL, content TEXT NOT NULL, judgement TEXT NOT NULL,
    status TEXT NOT NULL, bucket TEXT) WITHOUT ROWID;
CREATE INDEX findings_by_bucket ON findings (bucket);
CREATE TABLE buckets (
    id TEXT PRIMARY KEY, source TEXT NOT NULL, target TEXT NOT NULL, kind TEXT NOT NULL, signature TEXT NOT NULL,
    operators TEXT NOT NULL, transforms TEXT NOT NULL, script TEXT NOT NULL, layer TEXT NOT NULL, notes TEXT NOT NULL,
    content TEXT NOT NULL, judgement TEXT NOT NULL) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class RanCase:
    """What the store knows of a case that ran: enough to make it again and see that it is the same."""

    index: int
    id: str
    target: str
    engaged: bool
    operators: tuple[str, ...]


class Store:
    """A run's database and artefacts. Methods may be called from any thread; each is one transaction."""

    def __init__(self, folder: Path, connection: sqlite3.Connection) -> None:
        self.folder = folder
        self._connection = connection
        self._turn = threading.RLock()

    def close(self) -> None:
        """Fold the write-ahead log into the file and let go of it."""
        with self._turn:
            self._connection.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _transaction(self, *, durable: bool = False) -> Iterator[sqlite3.Connection]:
        # NORMAL keeps every commit through the death of any process; FULL, for what is acknowledged, through
        # a power cut as well.
        with self._turn:
            self._connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def _rows(self, query: str, *values: object) -> list[Any]:
        with self._turn:
            return self._connection.execute(query, values).fetchall()

    # --- what the run is

    def meta(self, key: str) -> Any:
        """The value kept under ``key``, None where there is none."""
        rows = self._rows("SELECT value FROM meta WHERE key = ?", key)
        return json.loads(rows[0][0]) if rows else None

    def set_meta(self, key: str, value: Any) -> None:
        """Keep a JSON-compatible value."""
        with self._transaction() as sql:
            sql.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, json.dumps(value)))

    def begin_session(self) -> int:
        """The number of a new sitting of this campaign, the first being 1."""
        with self._transaction() as sql:
            cursor = sql.execute("INSERT INTO sessions (wall, cpu) VALUES (0, 0)")
            return int(cursor.lastrowid or 0)

    def spend(self, session: int, wall: float, cpu: float) -> None:
        """Note what a sitting has used so far, in seconds; written often, so that a killed one is accounted
        for as well.
        """
        with self._transaction() as sql:
            sql.execute("UPDATE sessions SET wall = ?, cpu = ? WHERE number = ?", (wall, cpu, session))

    def spent(self) -> tuple[float, float]:
        """Wall and CPU seconds of all sittings."""
        wall, cpu = self._rows("SELECT total(wall), total(cpu) FROM sessions")[0]
        return wall, cpu

    # --- cases

    def start_case(self, index: int, case: Case | None) -> None:
        """Journal that the case at ``index`` is about to run; None where even making it is yet to be done."""
        known = (None, None, None, "[]") if case is None else _columns(case)
        with self._transaction() as sql:
            sql.execute(
                "INSERT INTO cases (number, id, target, source, operators, attempts) VALUES (?, ?, ?, ?, ?, 1)"
                " ON CONFLICT (number) DO UPDATE SET id = excluded.id, target = excluded.target,"
                " source = excluded.source, operators = excluded.operators, attempts = attempts + 1",
                (index, *known),
            )

    def finish_case(self, result: CaseResult, finding: Finding | None = None, saved: str | None = None) -> bool:
        """Commit what became of a case, with its finding. False where the case had been counted before;
        nothing is changed then.
        """
        judgement = result.judgement
        with self._transaction(durable=finding is not None) as sql:
            changed = sql.execute(
                "UPDATE cases SET verdict = ?, kind = ?, place = ?, detail = ?, signature = ?, engaged = ?,"
                " sut_seconds = ?, finding = ?, saved = ? WHERE number = ? AND verdict IS NULL",
                (
                    judgement.verdict.value,
                    judgement.kind and judgement.kind.value,
                    judgement.where,
                    judgement.detail[:2000],
                    judgement.signature,
                    result.engaged,
                    result.sut_seconds,
                    finding and finding.id,
                    saved,
                    result.index,
                ),
            ).rowcount
            if changed and finding is not None:
                sql.execute(
                    "INSERT OR IGNORE INTO findings VALUES (?, ?, ?, ?, ?, NULL)",
                    (
                        finding.id,
                        finding.index,
                        json.dumps(finding.case.to_json()),
                        json.dumps(judgement_to_json(finding.judgement)),
                        finding.status,
                    ),
                )
        return bool(changed)

    def unfinished(self) -> list[tuple[int, int]]:
        """Cases that were begun and never judged, with how often they were begun, by index."""
        return [
            (number, attempts)
            for number, attempts in self._rows(
                "SELECT number, attempts FROM cases WHERE verdict IS NULL ORDER BY number"
            )
        ]

    def next_index(self) -> int:
        """The first index that was never handed out. Indices are handed out in order, so that those below all were."""
        return int(self._rows("SELECT coalesce(max(number) + 1, 0) FROM cases")[0][0])

    def counts(self) -> list[tuple[str, str, bool, int, float]]:
        """Judged cases, by target, verdict and whether the target was engaged, with their system-under-test seconds."""
        return [
            (target, verdict, bool(engaged), count, seconds)
            for target, verdict, engaged, count, seconds in self._rows(
                "SELECT coalesce(target, ''), verdict, engaged, count(*), total(sut_seconds) FROM cases"
                " WHERE verdict IS NOT NULL GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
            )
        ]

    def conventions(self) -> dict[str, int]:
        """By convention how many findings it explains (`assay.autodiff.conventions`)."""
        return {
            name.partition("|")[2]: count
            for name, count in self._rows(
                "SELECT signature, count(*) FROM cases WHERE verdict = 'Unsupported' AND signature LIKE 'convention|%'"
                " GROUP BY 1 ORDER BY 2 DESC, 1"
            )
        }

    def judged(self, verdict: str, limit: int = 20) -> list[dict[str, Any]]:
        """Cases with one verdict, the first ones, as plain data."""
        names = ("index", "id", "target", "kind", "where", "detail", "signature", "saved")
        return [
            dict(zip(names, row, strict=True))
            for row in self._rows(
                "SELECT number, id, target, kind, place, detail, signature, saved FROM cases WHERE verdict = ?"
                " ORDER BY number LIMIT ?",
                verdict,
                limit,
            )
        ]

    def ran(self) -> list[RanCase]:
        """Cases that were judged and are valid, in the order of their indices."""
        rows = self._rows(
            "SELECT number, id, target, engaged, operators FROM cases"
            " WHERE verdict IS NOT NULL AND verdict != 'Invalid' AND id IS NOT NULL ORDER BY number"
        )
        return [
            RanCase(number, id, target, bool(engaged), tuple(json.loads(names)))
            for number, id, target, engaged, names in rows
        ]

    # --- findings and buckets

    def findings(self, status: str | None = None) -> list[Finding]:
        """Findings in the order of their cases, of one status or all."""
        rows = self._rows(
            "SELECT content, judgement, number, status, bucket FROM findings WHERE ?1 IS NULL OR status = ?1"
            " ORDER BY number, id",
            status,
        )
        return [_finding(row) for row in rows]

    def add_to_bucket(self, finding: Finding, bucket: str, status: str) -> None:
        """Count a finding into a bucket that exists."""
        with self._transaction(durable=True) as sql:
            sql.execute("UPDATE findings SET status = ?, bucket = ? WHERE id = ?", (status, bucket, finding.id))

    def file(self, finding: Finding, triaged: Triaged, status: str) -> tuple[Bucket, bool]:
        """Put a triaged finding into its bucket, made where it is new (then True). The script that is kept was
        seen to fail if any was, and among those is the one of the smallest case, the last where they are equal.
        """
        identity = triaged.bucket_id
        script = f"scripts/{identity}.py"
        rows = self._rows("SELECT content, notes FROM buckets WHERE id = ?", identity)
        case, new = triaged.case, not rows
        if new or _rank(case, triaged.notes) <= _rank(Case.from_json(json.loads(rows[0][0])), rows[0][1]):
            write_durably(self.folder / script, triaged.script.encode())
            row = (
                identity,
                case.source,
                case.target,
                str(triaged.judgement.kind),
                triaged.signature,
                json.dumps(triaged.operators),
                json.dumps(triaged.transforms),
                script,
                triaged.layer,
                triaged.notes,
                json.dumps(case.to_json()),
                json.dumps(judgement_to_json(triaged.judgement)),
            )
        else:
            row = None
        with self._transaction(durable=True) as sql:
            if row:
                sql.execute(f"INSERT OR REPLACE INTO buckets VALUES ({', '.join('?' * len(row))})", row)
            sql.execute("UPDATE findings SET status = ?, bucket = ? WHERE id = ?", (status, identity, finding.id))
            # A finding that is reduced again may leave a bucket with nothing in it.
            sql.execute("DELETE FROM buckets WHERE id NOT IN (SELECT bucket FROM findings WHERE bucket IS NOT NULL)")
        return next(bucket for bucket in self.buckets() if bucket.id == identity), new

    def take_back_unreduced(self) -> None:
        """Make findings raw again that were filed when time was up, with those counted as one of them."""
        with self._transaction(durable=True) as sql:
            sql.execute(
                "UPDATE findings SET status = ?, bucket = NULL WHERE bucket IN"
                " (SELECT bucket FROM findings WHERE status = ?) AND bucket NOT IN"
                " (SELECT bucket FROM findings WHERE status = ?)",
                (RAW, UNREDUCED, REDUCED),
            )
            sql.execute("DELETE FROM buckets WHERE id NOT IN (SELECT bucket FROM findings WHERE bucket IS NOT NULL)")

    def buckets(self) -> list[Bucket]:
        """All buckets, the one with most cases first."""
        return [
            _bucket(row)
            for row in self._rows(
                "SELECT b.id, b.source, b.target, b.kind, b.signature, b.operators, b.transforms,"
                " (SELECT count(*) FROM findings f JOIN cases c ON c.finding = f.id WHERE f.bucket = b.id) AS size,"
                " b.script, b.layer, b.notes FROM buckets b ORDER BY size DESC, b.id"
            )
        ]

    def bucket_case(self, bucket: str) -> Finding:
        """The reduced case of a bucket and how it was judged."""
        content, judgement = self._rows("SELECT content, judgement FROM buckets WHERE id = ?", bucket)[0]
        return _finding((content, judgement, -1, "", bucket))

    def save(self, content: str, suffix: str) -> str:
        """Keep a text among the artefacts; its path, relative to the run's folder."""
        return keep(self.folder / "artefacts", content.encode(), suffix).relative_to(self.folder).as_posix()


def _columns(case: Case) -> tuple[str, str, str, str]:
    return case.id, case.target, case.source, json.dumps(case.operators)


def _rank(case: Case, notes: str) -> tuple[bool, int, int]:
    return UNSCRIPTED in notes, case.operations, len(case.text)


def _bucket(row: Any) -> Bucket:
    identity, source, target, kind, signature, operators, transforms, size, script, layer, notes = row
    listed = tuple(json.loads(operators)), tuple(json.loads(transforms))
    return Bucket(identity, source, target, kind, signature, *listed, size, script, layer, notes)


def _finding(row: Any) -> Finding:
    content, judgement, number, status, bucket = row
    return Finding(
        Case.from_json(json.loads(content)), judgement_from_json(json.loads(judgement)), number, status, bucket
    )


def create(folder: Path, meta: Mapping[str, Any]) -> Store:
    """A new run in ``folder``, which is made, with its first ``meta``. Raises UserMistake where it holds a run."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        connection = _connect(folder / FILE)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("BEGIN IMMEDIATE")
        if connection.execute("SELECT 1 FROM sqlite_master").fetchone():
            connection.close()
            raise UserMistake(f"{folder} holds a run already; go on with it by `assay resume`, or name another --run")
        for statement in SCHEMA.split(";")[:-1]:
            connection.execute(statement)
        connection.executemany("INSERT INTO meta VALUES (?, ?)", [(key, json.dumps(meta[key])) for key in meta])
        connection.execute(f"PRAGMA application_id = {APPLICATION}")
        connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")
    except (OSError, sqlite3.DatabaseError) as error:
        raise UserMistake(f"cannot make a run in {folder} ({error}); choose another --run") from None
    return Store(folder, connection)


def open_run(folder: Path) -> Store:
    """The run in ``folder``. Raises UserMistake where it is none, cannot be read, or was made by a newer Assay."""
    path = folder / FILE
    if not path.is_file():
        raise UserMistake(
            f"{folder} is not a run of Assay (it has no {FILE}); `assay fuzz --run {folder}` makes one there"
        )
    try:
        connection = _connect(path)
        application = connection.execute("PRAGMA application_id").fetchone()[0]
        version = connection.execute("PRAGMA user_version").fetchone()[0]
    except sqlite3.DatabaseError as error:
        raise UserMistake(f"cannot read {path} ({error}); choose another run with --run") from None
    if application == 0 and version == 0 and not connection.execute("SELECT 1 FROM sqlite_master").fetchone():
        connection.close()
        raise UserMistake(f"{folder} holds a run that never began; begin one there by `assay fuzz --run`")
    if application != APPLICATION:
        connection.close()
        raise UserMistake(f"{path} is not a run of Assay; choose another run with --run")
    if version > VERSION:
        connection.close()
        raise UserMistake(
            f"{folder} was made by a newer Assay (store version {version}, this one reads {VERSION}); upgrade Assay"
        )
    return Store(folder, connection)


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA foreign_keys = ON")
    return connection
