"""A process without a worker submits jobs, to a broker in memory that no one else reads."""

from __future__ import annotations

import os
import subprocess
import sys
from uuid import UUID

from pushjobs import tokens
from tests.processes import DATABASE, ROOT, Server
from tests.waiting import until


def test_what_a_shell_submits_the_server_beside_it_runs(server: Server) -> None:
    code = "from pushjobs import submit; print(submit('test.echo', value=7, tags=['shell']).id)"
    answer = subprocess.run(
        [sys.executable, "manage.py", "shell", "--command", code],
        cwd=ROOT,
        env=os.environ | {"DATABASE_URL": f"sqlite:///{server.folder / DATABASE}"},
        check=True,
        capture_output=True,
        text=True,
    )
    job_id = UUID(answer.stdout.split()[-1])
    with server.client(headers={"X-JOB-AUTHORIZATION": tokens.for_job(job_id)}) as client:
        until(lambda: client.get(f"/jobs/{job_id}").status_code == 200)
        assert client.get(f"/jobs/{job_id}/response").json() == 7
    assert "no worker runs in this process" in answer.stderr
