"""Outages: what Django raises while the database cannot be reached, or takes no change."""

from __future__ import annotations

from django.db import InterfaceError, InternalError, OperationalError

#: The last is PostgreSQL's word for a server that is read-only, as one is after a failover.
DATABASE_OUTAGE = (OperationalError, InterfaceError, InternalError)
