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
from pushjobs.status import Status
from pushjobs.writing import writing

_TABLE = Job._meta.db_table  # noqa: SLF001
#: By attribute, in the order that ``Job.from_db`` takes them in.
_FIELDS = {field.attname: field for field in Job._meta.concrete_fields}  # noqa: SLF001

_NULL: tuple[str, tuple[Any, ...]] = "NULL", ()

Values = Mapping[str, Any]
#: Seconds from now by the database's clock, or None for no moment.
Moments = Mapping[str, float | None]

_NEXT_VERSION = '"version" = "version" + 1'


def insert(job: Job, moments: Moments) -> None:
    """Write a new row; ``moments`` are stored by the database's clock, whatever the job says.

    Raises ``IntegrityError`` as ``Job.save`` does, but sends no signals.
    """
    connection = _connection()
    values = {
        name: value
        for name in _FIELDS
        if (value := getattr(job, name)) is not None and name not in moments
    }
    sql, last = _insertion(
        _places(values), tuple(moments.items()), connection.alias, connection.vendor
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


def changed(
    where: Values, values: Values, moments: Moments, returning: tuple[str, ...]
) -> Job | None:
    """As ``change``, for one row at most; returns it as it is then. Adds one to its version.

    The job has what ``where`` and ``values`` say and the attributes of ``returning``. Any other is
    deferred, as after ``QuerySet.only``: to read each column costs more than to send the statement.
    """
    connection = _connection()
    sql, params = _update(connection, where, values, moments, set_also=_NEXT_VERSION)
    columns = _columns(returning)
    with writing(), connection.cursor() as cursor:
        cursor.execute(f"{sql} RETURNING {columns}", params)
        row = cursor.fetchone()
    if row is None:
        return None
    found = {**where, **values, **dict(zip(returning, row, strict=True))}
    for name, (functions, column) in _converters(connection.alias, returning).items():
        for function in functions:
            found[name] = function(found[name], column, connection)
    return Job.from_db(
        connection.alias, found.keys(), [found[name] for name in _FIELDS if name in found]
    )


@lru_cache(maxsize=16)
def _columns(names: tuple[str, ...]) -> str:
    return ", ".join(f'"{_FIELDS[name].column}"' for name in names)


@lru_cache(maxsize=16)
def _converters(alias: str, names: tuple[str, ...]) -> dict[str, tuple[list[Any], Any]]:
    """What makes a field's value of a column's; nothing where the driver gives it."""
    compiler = Query(Job).get_compiler(alias)
    found = compiler.get_converters([_FIELDS[name].cached_col for name in names])
    return {names[place]: converter for place, converter in found.items()}


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


def _places(values: Values) -> tuple[tuple[str, str], ...]:
    """Each field, and what stands for its value in the text."""
    return tuple((name, _place(value)) for name, value in values.items())


def _place(value: Any) -> str:
    """A placeholder, but for what is one of few values of our own: parameters cost more."""
    if value is None:
        return "NULL"
    if isinstance(value, Status):
        return f"'{value.value}'"
    return "%s"


def _prepared(values: Values, connection: BaseDatabaseWrapper) -> list[Any]:
    return [
        _FIELDS[name].get_db_prep_save(value, connection)
        for name, value in values.items()
        if not (value is None or isinstance(value, Status))
    ]


@lru_cache(maxsize=256)
def _alteration(
    values: tuple[tuple[str, str], ...],
    moments: tuple[tuple[str, float | None], ...],
    where: tuple[tuple[str, str], ...],
    set_also: str,
    alias: str,
    vendor: str,
) -> tuple[str, tuple[Any, ...]]:
    """The text of an update, and the parameters that come between its values and its conditions.

    Only the names of fields and statuses, and settings, are put into the text; data never is.
    """
    assignments = [set_also] if set_also else []
    assignments += [f'"{_FIELDS[name].column}" = {place}' for name, place in values]
    between = list[Any]()
    for name, seconds in moments:
        expression, its_params = _NULL if seconds is None else _composed(seconds, alias, vendor)
        assignments.append(f'"{_FIELDS[name].column}" = {expression}')
        between.extend(its_params)
    conditions = [
        f'"{_FIELDS[name].column}" ' + ("IS NULL" if place == "NULL" else f"= {place}")
        for name, place in where
    ]
    to, only = ", ".join(assignments), " AND ".join(conditions)
    return f'UPDATE "{_TABLE}" SET {to} WHERE {only}', tuple(between)  # noqa: S608


@lru_cache(maxsize=256)
def _insertion(
    values: tuple[tuple[str, str], ...],
    moments: tuple[tuple[str, float], ...],
    alias: str,
    vendor: str,
) -> tuple[str, tuple[Any, ...]]:
    """The text of an insert, and the parameters that come after the values' own.

    What is not named stays null: no column has a default in the database.
    """
    columns = [f'"{_FIELDS[name].column}"' for name, _ in values]
    places, last = [place for _, place in values], list[Any]()
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
    if vendor == "postgresql":  # Whose driver takes longest over a timedelta.
        operations: Any = connections[alias].ops
        return operations.compose_sql(sql, params).replace("%", "%%"), ()
    return sql, tuple(params)
