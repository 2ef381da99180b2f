"""The statements that each job costs, composed without Django's compiler.

It takes several times as long to compose an update of a dozen columns as the driver takes to send
it, and it knows no ``RETURNING``. Values go through the model's fields as they do there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
_ATTRIBUTES = [field.attname for field in _FIELDS.values()]
_COLUMNS = ", ".join(f'"{field.column}"' for field in _FIELDS.values())

_NULL: tuple[str, tuple[Any, ...]] = "NULL", ()

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
    with writing(), connection.cursor() as cursor:
        cursor.execute(sql, [*_prepared(values, connection), *last])
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
    with writing(), connection.cursor() as cursor:
        cursor.execute(f"{sql} RETURNING {_COLUMNS}", params)
        row = cursor.fetchone()
    return None if row is None else _job(connection, row)


def _job(connection: BaseDatabaseWrapper, row: Sequence[Any]) -> Job:
    """The job of a row that has all columns."""
    # A raw query looks up columns and converters anew each time: more than the statement costs.
    compiler = Query(Job).get_compiler(connection.alias)
    converted = next(compiler.apply_converters([row], _converters(connection.alias)))
    return Job.from_db(connection.alias, _ATTRIBUTES, converted)


@lru_cache(maxsize=16)
def _converters(alias: str) -> dict[int, Any]:
    """What makes a field's value of a column's, by place; none where the driver gives it."""
    compiler = Query(Job).get_compiler(alias)
    columns = [field.cached_col for field in _FIELDS.values()]
    found: dict[int, Any] = compiler.get_converters(columns)
    return found


def _connection() -> BaseDatabaseWrapper:
    return connections[router.db_for_write(Job)]


def _update(
    connection: BaseDatabaseWrapper,
    where: Values,
    values: Values,
    moments: Moments,
    set_also: str = "",
) -> tuple[str, list[Any]]:
    sql, of_moments = _alteration(
        _places(values),
        tuple(moments.items()),
        _places(where),
        set_also,
        connection.alias,
        connection.vendor,
    )
    return sql, [*_prepared(values, connection), *of_moments, *_prepared(where, connection)]


def _places(values: Values) -> tuple[tuple[str, bool], ...]:
    """Each field, and whether it is null: that stands in the text, as parameters cost more."""
    return tuple((name, value is None) for name, value in values.items())


def _prepared(values: Values, connection: BaseDatabaseWrapper) -> list[Any]:
    return [
        _FIELDS[name].get_db_prep_save(value, connection)
        for name, value in values.items()
        if value is not None
    ]


@lru_cache(maxsize=256)
def _alteration(
    values: tuple[tuple[str, bool], ...],
    moments: tuple[tuple[str, float | None], ...],
    where: tuple[tuple[str, bool], ...],
    set_also: str,
    alias: str,
    vendor: str,
) -> tuple[str, tuple[Any, ...]]:
    """The text of an update, and the parameters that come between its values and its conditions.

    Only fields' names are put into the text, and values never.
    """
    assignments = [set_also] if set_also else []
    assignments += [
        f'"{_FIELDS[name].column}" = ' + ("NULL" if null else "%s") for name, null in values
    ]
    between = list[Any]()
    for name, seconds in moments:
        expression, its_params = _NULL if seconds is None else _composed(seconds, alias, vendor)
        assignments.append(f'"{_FIELDS[name].column}" = {expression}')
        between.extend(its_params)
    conditions = [
        f'"{_FIELDS[name].column}" ' + ("IS NULL" if null else "= %s") for name, null in where
    ]
    to, only = ", ".join(assignments), " AND ".join(conditions)
    return f'UPDATE "{_TABLE}" SET {to} WHERE {only}', tuple(between)  # noqa: S608


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


@lru_cache(maxsize=256)
def _composed(seconds: float, alias: str, vendor: str) -> tuple[str, tuple[Any, ...]]:
    query = Query(Job)
    sql, params = query.get_compiler(alias).compile(from_now(seconds).resolve_expression(query))
    return sql, tuple(params)
