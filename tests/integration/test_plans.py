"""No query reads the whole job table, however many jobs there are."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.integration.stack import postgres
from tests.processes import ROOT


def test_no_query_scans_a_table_of_a_hundred_thousand_jobs(tmp_path: Path) -> None:
    with postgres(tmp_path / "postgres") as url:
        environment = os.environ | {
            "VAR": str(tmp_path),
            "DATABASE_URL": url,
            "DJANGO_SETTINGS_MODULE": "tests.settings",
        }
        for command in (["manage.py", "migrate", "-v0"], ["-m", "tests.integration.plans"]):
            done = subprocess.run(
                [sys.executable, *command],
                cwd=ROOT,
                env=environment,
                check=True,
                capture_output=True,
                text=True,
            )
    plans = json.loads(done.stdout)
    assert len(plans) > 10
    scans = {purpose: plan for purpose, plan in plans.items() if "Seq Scan" in plan}
    assert not scans, "\n\n".join(f"{purpose}\n{plan}" for purpose, plan in scans.items())
