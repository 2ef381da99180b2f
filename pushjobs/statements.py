"""The statements that each job costs, composed without Django's compiler.

It takes several times as long to compose an update of a dozen columns as the driver takes to send
it, and it knows no ``RETURNING``. Values go through the model's fields as they do there.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from django.db import connections, router
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.sql import Query

from pushjobs.models import Job
from pushjobs.queries import from_now
from pushjobs.writing import writing

_TABLE = Job._meta.db_table  # noqa: SLF001
_FIELDS = {field.name: field for field in Job._meta.fields}  # noqa: SLF001

Values = Mapping[str, Any]
#: Seconds from now by the database's clock, or None for no moment.
Moments = Mapping[str, float | None]


def insert(job: Job, moments: Moments) -> None:
    """Write a new row; ``moments`` are stored by the database's clock, whatever the job says.

    Raises ``IntegrityError`` as ``Job.save`` does, but sends no signals.
    """
    connection = _connection()
    values = {
        field.name: value
        for field in _FIELDS.values()
        if (value := getattr(job, field.attname)) is not None and field.name not in moments
    }
    sql, last = _insertion(
        tuple(values), tuple(moments.items()), connection.alias, connection.vendor
    )
    params = [_FIELDS[name].get_db_prep_save(value, connection) for name, value in values.items()]
    with writing(), connection.cursor() as cursor:
        cursor.execute(sql, [*params, *last])
    job._state.adding, job._state.db = False, connection.alias  # noqa: SLF001


def change(where: Values, values: Values, moments: Moments) -> bool:
    """Update the rows where all fields of ``where`` are so; returns whether there were any."""
    connection = _connection()
    sql, params = _update(connection, where, values, moments)
    with writing(), connection.cursor() as cursor:
        cursor.execute(sql, params)
        return bool(cursor.rowcount)


def changed(where: Values, values: Values, moments: Moments) -> Job | None:
    """As ``change``, for one row at most; returns it as it is then. Adds one to its version."""
    connection = _connection()
    sql, params = _update(connection, where, values, moments, set_also='"version" = "version" + 1')
    with writing():
        rows = list(Job.objects.using(connection.alias).raw(f"{sql} RETURNING *", params))
    return rows[0] if rows else None


def _connection() -> BaseDatabaseWrapper:
    return connections[router.db_for_write(Job)]


def _update(
    connection: BaseDatabaseWrapper,
    where: Values,
    values: Values,
    moments: Moments,
    set_also: str = "",
) -> tuple[str, list[Any]]:
    params: list[Any] = []
    assignments = [set_also] if set_also else []
    for name, value in values.items():
        field = _FIELDS[name]
        assignments.append(f'"{field.column}" = %s')
        params.append(field.get_db_prep_save(value, connection))
    for name, seconds in moments.items():
        expression, its_params = ("NULL", ()) if seconds is None else _moment(seconds, connection)
        assignments.append(f'"{_FIELDS[name].column}" = {expression}')
        params.extend(its_params)
    conditions = []
    for name, value in where.items():
        field = _FIELDS[name]
        conditions.append(f'"{field.column}" ' + ("IS NULL" if value is None else "= %s"))
        if value is not None:
            params.append(field.get_db_prep_save(value, connection))
    # Only fields' names are put into the text, and values never.
    to, only = ", ".join(assignments), " AND ".join(conditions)
    return f'UPDATE "{_TABLE}" SET {to} WHERE {only}', params  # noqa: S608


@lru_cache(maxsize=256)
def _insertion(
    names: tuple[str, ...], moments: tuple[tuple[str, float], ...], alias: str, vendor: str
) -> tuple[str, tuple[Any, ...]]:
    """The text of an insert, and the parameters that come after the values' own.

    What is not named stays null: no column has a default in the database.
    """
    columns = [f'"{_FIELDS[name].column}"' for name in names]
    places, last = ["%s"] * len(names), list[Any]()
    for name, seconds in moments:
        expression, its_params = _composed(seconds, alias, vendor)
        columns.append(f'"{_FIELDS[name].column}"')
        places.append(expression)
        last.extend(its_params)
    into, what = ", ".join(columns), ", ".join(places)
    return f'INSERT INTO "{_TABLE}" ({into}) VALUES ({what})', tuple(last)  # noqa: S608


def _moment(seconds: float, connection: BaseDatabaseWrapper) -> tuple[str, tuple[Any, ...]]:
    return _composed(seconds, connection.alias, connection.vendor)


@lru_cache(maxsize=256)
def _composed(seconds: float, alias: str, vendor: str) -> tuple[str, tuple[Any, ...]]:
    query = Query(Job)
    sql, params = query.get_compiler(alias).compile(from_now(seconds).resolve_expression(query))
    return sql, tuple(params)
