from __future__ import annotations

import json
from pathlib import Path

from semtrace.io import decision_log
from semtrace.io.decision_log import DecisionLog


def test_lines_are_json_and_old_files_go(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(decision_log, "_BYTES", 200)
    log = DecisionLog(tmp_path / "w.jsonl")
    for number in range(60):
        log.write({"number": number, "path": "µ/ä.bmp"})
    log.close()
    files = sorted(path.name for path in tmp_path.iterdir())
    assert files == ["w.jsonl", *(f"w.jsonl.{n}" for n in range(1, 6))]
    assert all(path.stat().st_size <= 200 for path in tmp_path.iterdir())
    rows = [json.loads(line) for line in (tmp_path / "w.jsonl").read_text().splitlines()]
    assert rows[-1] == {"number": 59, "path": "µ/ä.bmp"}


def test_a_log_that_cannot_be_written_stops_nothing(tmp_path: Path):
    log = DecisionLog(tmp_path / "missing" / "w.jsonl")
    log.write({"number": 1})
    log.close()
