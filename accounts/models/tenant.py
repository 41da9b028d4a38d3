"""What every lender's row has in common."""

from typing import Any

from django.db import models

from accounts.tenancy import current_lender_id, default_lender_id


class TenantQuerySet(models.QuerySet[Any]):
    """Narrows by hand what row security narrows anyway: the database is the net below, not the first line."""

    def in_scope(self) -> "TenantQuerySet":
        """Rows of the running block's lender, with its key as a literal so that a sharded database can prune."""
        return self.filter(lender_id=current_lender_id())


class TenantManager(models.Manager.from_queryset(TenantQuerySet)):
    """Every query carries the lender of the running block; outside one it raises NoTenantError."""

    def get_queryset(self) -> TenantQuerySet:
        return super().get_queryset().in_scope()


class TenantForeignKey(models.ForeignKey):
    """A foreign key inside one lender.

    The database constraint is the composite one that `TenantTable` writes, `(lender_id, x_id)`; Django's
    single-column one would accept another lender's row.
    """

    def __init__(self, to: Any, on_delete: Any = models.PROTECT, **kwargs: Any) -> None:
        kwargs["db_constraint"] = False
        # Every index begins with the tenant; the model lists the ones it needs.
        kwargs.setdefault("db_index", False)
        super().__init__(to, on_delete, **kwargs)

    def deconstruct(self) -> tuple[str, str, Any, Any]:
        name, _, args, kwargs = super().deconstruct()
        kwargs.pop("db_constraint", None)
        return name, "accounts.models.tenant.TenantForeignKey", args, kwargs


class TenantModel(models.Model):
    """A row that belongs to one lender."""

    lender = models.ForeignKey(
        "accounts.Lender",
        on_delete=models.PROTECT,
        default=default_lender_id,
        editable=False,
        related_name="+",
        # `TenantTable` writes the constraints and the index, both with the tenant in front.
        db_constraint=False,
        db_index=False,
    )

    objects = TenantManager()

    class Meta:
        abstract = True
        base_manager_name = "objects"
