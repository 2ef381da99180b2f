"""Fills the job table: ``tablefill ROWS``, as it looks after a busy week.

All but some three hundred jobs are over, however many there are: what waits and runs does not grow
with the table. They belong to a hundred users. Nothing is overdue, so that a relay finds nothing to
do: its queries are then all search.
"""

from __future__ import annotations

import sys

import django

django.setup()

from django.db import connection  # noqa: E402

_ACTIVE = 300
_USERS = """
INSERT INTO auth_user (username, password, first_name, last_name, email,
                       is_superuser, is_staff, is_active, date_joined)
SELECT 'user-' || n, '!', '', '', '', false, false, true, now() FROM generate_series(1, 100) AS n
"""
_JOBS = """
INSERT INTO pushjobs_job (
    id, name, queue, priority, owner_id, tags, args, status, version, announced, attempt, released,
    max_attempts, time_limit, retention, worker, lease_until, response_type, response_file,
    response_headers, traceback, output_lost, run_at, resend_at, sends, created_at, expires_at,
    announce_at, idempotency_scope, idempotency_key, fingerprint)
SELECT ('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'bench.noop', 'default', 0,
       (SELECT min(id) FROM auth_user) + n %% 100, '[]', '{}', status, 3, 3, 1, 0, 3, 600, 86400,
       CASE status WHEN 'running' THEN 'other' ELSE '' END,
       CASE status WHEN 'running' THEN now() + interval '1 day' END,
       '', '', '[]', '', false,
       CASE status WHEN 'scheduled' THEN now() + interval '1 day' END,
       now() + interval '1 day', 1,
       now() - (%(rows)s - n) * interval '1 second',
       CASE WHEN n %% %(each)s = 0 THEN NULL ELSE now() + interval '1 day' END,
       now() - (%(rows)s - n) * interval '1 second',
       'user:' || n %% 100, n::text, ''
FROM (
    SELECT n, CASE
        WHEN n %% %(each)s <> 0 THEN (ARRAY['succeeded', 'failed', 'cancelled'])[1 + n %% 3]
        ELSE (ARRAY['queued', 'scheduled', 'running'])[1 + n / %(each)s %% 3]
    END AS status
    FROM generate_series(1, %(rows)s) AS n
) AS numbered
"""
_TAGS = """
INSERT INTO pushjobs_jobtag (job_id, name)
SELECT id, 'batch-' || substr(id::text, 35)::text FROM pushjobs_job
"""


_SECONDARY_INDEXES = """
SELECT indrelid::regclass::text, indexrelid::regclass::text, pg_get_indexdef(indexrelid), conname,
       pg_get_constraintdef(c.oid)
FROM pg_index LEFT JOIN pg_constraint c ON c.conindid = indexrelid AND c.contype = 'u'
WHERE indrelid IN ('pushjobs_job'::regclass, 'pushjobs_jobtag'::regclass) AND NOT indisprimary
"""


def fill(rows: int) -> None:
    """Insert without the secondary indexes, which are made again afterwards: far quicker."""
    with connection.cursor() as cursor:
        cursor.execute("SET maintenance_work_mem = '256MB'")
        cursor.execute("SET session_replication_role = replica")  # No check of foreign keys.
        cursor.execute(_SECONDARY_INDEXES)
        indexes = cursor.fetchall()
        for table, name, _, constraint, _ in indexes:
            cursor.execute(
                f'ALTER TABLE {table} DROP CONSTRAINT "{constraint}"'
                if constraint
                else f"DROP INDEX {name}"
            )
        cursor.execute(_USERS)
        cursor.execute(_JOBS, {"rows": rows, "each": max(2, rows // _ACTIVE)})
        cursor.execute(_TAGS)
        for table, _, definition, constraint, terms in indexes:
            cursor.execute(
                f'ALTER TABLE {table} ADD CONSTRAINT "{constraint}" {terms}'
                if constraint
                else definition
            )
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("CHECKPOINT")  # What is still to be written would slow who comes next.


if __name__ == "__main__":
    fill(int(sys.argv[1]))
