"""The history of a row: what the database saw change, and the acts on record, newest first."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cache
from typing import Any, Final

from django.apps import apps
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from accounts.models import AuditEntry, RowChange, User

MOST_LINES: Final = 200
"""How many lines of each kind a history shows; the lists of the trail have them all."""

_SILENT: Final = frozenset({"id", "lender_id", "public_id", "account_id", "password", "last_login"})


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field: its name, and what it was and became in words; None where there was no row before or after."""

    label: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """One change of a row or one act."""

    at: datetime
    who: str
    what: str
    table: str = ""
    where: str = ""
    reason: str = ""
    reference: str = ""
    changes: tuple[FieldChange, ...] = ()


def history_of(
    rows: Mapping[type[models.Model], Iterable[int]], subjects: Sequence[str]
) -> list[HistoryLine]:
    """The history of `rows` (keys by model) and of `subjects`, newest first, in a constant number of queries."""
    return sorted(
        [*row_changes(rows), *acts(subjects)], key=lambda line: (line.at, not line.changes), reverse=True
    )


def row_changes(rows: Mapping[type[models.Model], Iterable[int]]) -> list[HistoryLine]:
    """What the database saw change, old and new."""
    wanted = Q(pk__in=[])
    for model, keys in rows.items():
        wanted |= Q(table_name=model._meta.db_table, row_key__in=list(keys))
    return written_out(list(RowChange.objects.filter(wanted).order_by("-pk")[:MOST_LINES]))


def written_out(changes: Sequence[RowChange]) -> list[HistoryLine]:
    """Rows of the history of changes in words: names of people, of fields, and of what keys point to."""
    people = dict(
        User.objects.filter(pk__in={change.user_id for change in changes if change.user_id}).values_list(
            "pk", "full_name"
        )
    )
    names = _names_of_keys(changes)
    return [
        HistoryLine(
            at=change.recorded_at,
            who=people.get(change.user_id, "Forecourt"),
            what=operation_in_words(change.operation),
            table=table_in_words(change.table_name),
            changes=tuple(_field_changes(change, names)),
        )
        for change in changes
    ]


def acts(subjects: Sequence[str]) -> list[HistoryLine]:
    """The entries of the audit trail on `subjects`."""
    entries = AuditEntry.objects.filter(subject__in=list(subjects)).order_by("-pk")[:MOST_LINES]
    return [
        HistoryLine(
            at=entry.recorded_at,
            who=entry.actor_name,
            what=_act_in_words(entry.code),
            where=" ".join(part for part in (entry.entrance, entry.address or "") if part),
            reason=entry.reason,
            reference=entry.reference,
        )
        for entry in entries
    ]


def operation_in_words(word: str) -> str:
    """What the trigger's words mean."""
    return {"insert": _("Created"), "update": _("Changed"), "delete": _("Removed")}.get(word, word)


def _act_in_words(code: str) -> str:
    """`line.terms-set` as a person would write it down."""
    return code.replace(".", ": ", 1).replace("-", " ").replace("_", " ").capitalize()


def rows_of(model: type[models.Model]) -> "models.QuerySet[Any]":
    """All rows of a tenant table in the running block's lender."""
    manager = model._meta.default_manager
    assert manager is not None
    return manager.all()


def table_in_words(table: str) -> str:
    """What people call one row of a table of the database; its own name where no model has it any more."""
    model = _models().get(table)
    return str(capfirst(str(model._meta.verbose_name))) if model else table


@cache
def _models() -> dict[str, type[models.Model]]:
    return {model._meta.db_table: model for model in apps.get_models()}


def _columns(table: str) -> dict[str, "models.Field[Any, Any]"]:
    model = _models().get(table)
    return {str(field.column): field for field in model._meta.concrete_fields} if model else {}


def _changed(change: RowChange) -> Iterable[tuple[str, Any, Any]]:
    """The columns that differ; of a new or removed row those that hold something."""
    before, after = change.before or {}, change.after or {}
    for column in after or before:
        if column in _SILENT:
            continue
        old, new = before.get(column), after.get(column)
        empty = old in (None, "") and new in (None, "")
        if old != new and not (empty and change.operation != "update"):
            yield column, old, new


def _names_of_keys(
    changes: Sequence[RowChange],
) -> dict[tuple[type[models.Model], int], str]:
    """What the keys in the changes point to, in words: one query for each table that is pointed to."""
    keys: dict[type[models.Model], set[int]] = {}
    for change in changes:
        columns = _columns(change.table_name)
        for column, old, new in _changed(change):
            target = getattr(columns.get(column), "related_model", None)
            if target is not None:
                keys.setdefault(target, set()).update(key for key in (old, new) if isinstance(key, int))
    return {
        (model, row.pk): str(row)
        for model, wanted in keys.items()
        for row in rows_of(model).filter(pk__in=wanted)
    }


def _field_changes(
    change: RowChange, names: Mapping[tuple[type[models.Model], int], str]
) -> Iterable[FieldChange]:
    columns = _columns(change.table_name)
    for column, old, new in _changed(change):
        field = columns.get(column)
        yield FieldChange(
            label=str(capfirst(str(field.verbose_name))) if field is not None else column,
            before=_written(field, old, names) if change.before is not None else None,
            after=_written(field, new, names) if change.after is not None else None,
        )


def _written(
    field: "models.Field[Any, Any] | None",
    value: Any,
    names: Mapping[tuple[type[models.Model], int], str],
) -> str:
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    target = getattr(field, "related_model", None)
    if target is not None:
        return names.get((target, value), str(value))
    if isinstance(field, models.DecimalField):
        return f"{Decimal(str(value)):.{field.decimal_places}f}"
    if isinstance(field, models.DateTimeField):
        return f"{timezone.localtime(datetime.fromisoformat(value)):%Y-%m-%d %H:%M}"
    choices = dict(getattr(field, "flatchoices", ()))
    return str(choices.get(value, value))
