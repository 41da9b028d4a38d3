"""Tickets: a dealer asks, an agent answers."""

import uuid

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import Dealership, TenantForeignKey, TenantManager, TenantModel, User


class Ticket(TenantModel):
    """One question of one dealership, with its number, its state and the agent who has it.

    `about_kind` and `about_public_id` name the unit, loan, payment or statement that it is about.
    """

    class Topic(models.TextChoices):
        BALANCE = "balance", _("What is owed")
        PAYMENT = "payment", _("A payment")
        STATEMENT = "statement", _("A statement")
        ACCESS = "access", _("Signing in")
        OTHER = "other", _("Something else")

    class State(models.TextChoices):
        NEW = "new", _("New")
        OPEN = "open", _("In work")
        WAITING = "waiting", _("Waiting for you")
        SOLVED = "solved", _("Solved")

    public_id = models.UUIDField(default=uuid.uuid4, editable=False)
    number = models.CharField(_("number"), max_length=20)
    dealership = TenantForeignKey(Dealership, related_name="tickets", verbose_name=_("dealership"))
    subject = models.CharField(_("subject"), max_length=140)
    topic = models.CharField(_("topic"), max_length=10, choices=Topic)
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.NEW)
    opened_by = TenantForeignKey(User, related_name="+", verbose_name=_("opened by"))
    opened_by_name = models.CharField(_("opened by"), max_length=100)
    agent = TenantForeignKey(User, null=True, blank=True, related_name="+", verbose_name=_("agent"))
    # Dealers cannot read the rows of staff, so the name they may see is kept here.
    agent_name = models.CharField(_("agent"), max_length=100, blank=True)
    about_kind = models.CharField(max_length=10, blank=True)
    about_public_id = models.UUIDField(null=True, blank=True)
    about_label = models.CharField(_("about"), max_length=120, blank=True)
    opened_at = models.DateTimeField(_("opened"), auto_now_add=True)
    updated_at = models.DateTimeField(_("last change"), auto_now=True)
    answer_due_at = models.DateTimeField(_("answer due"))

    objects = TenantManager()

    class Meta(TenantModel.Meta):
        verbose_name = _("ticket")
        verbose_name_plural = _("tickets")
        ordering = ["-updated_at"]
        constraints = [models.UniqueConstraint(fields=["lender", "number"], name="support_ticket_number")]
        indexes = [
            models.Index(fields=["lender", "dealership", "-updated_at"], name="support_ticket_dealership"),
            models.Index(fields=["lender", "state", "answer_due_at"], name="support_ticket_queue"),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.subject}"


class TicketMessage(TenantModel):
    """One message of a ticket, or an agent's internal note."""

    public_id = models.UUIDField(default=uuid.uuid4, editable=False)
    ticket = TenantForeignKey(Ticket, related_name="messages", on_delete=models.PROTECT)
    dealership = TenantForeignKey(Dealership, related_name="+")
    author = TenantForeignKey(User, related_name="+")
    author_name = models.CharField(_("from"), max_length=100)
    from_staff = models.BooleanField(default=False)
    is_internal = models.BooleanField(_("internal note"), default=False)
    body = models.TextField(_("message"), max_length=5000)
    # One per page shown, so that a double click posts once.
    token = models.UUIDField()
    written_at = models.DateTimeField(_("when"), auto_now_add=True)

    objects = TenantManager()

    class Meta(TenantModel.Meta):
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["lender", "token"], name="support_message_token")]
        indexes = [models.Index(fields=["lender", "ticket", "id"], name="support_message_ticket")]


class Attachment(TenantModel):
    """A file of a message: private, stored under a random name, served only by a view that asks who wants it."""

    class Scan(models.TextChoices):
        WAITING = "waiting", _("Being checked")
        CLEAN = "clean", _("Checked")
        REFUSED = "refused", _("Refused")

    public_id = models.UUIDField(default=uuid.uuid4, editable=False)
    message = TenantForeignKey(TicketMessage, related_name="attachments", on_delete=models.PROTECT)
    dealership = TenantForeignKey(Dealership, related_name="+")
    file = models.FileField(upload_to="attachments/")
    name = models.CharField(_("name"), max_length=150)
    content_type = models.CharField(max_length=80)
    size = models.PositiveIntegerField(_("size in bytes"))
    sha256 = models.CharField(max_length=64)
    scan = models.CharField(_("check"), max_length=8, choices=Scan, default=Scan.WAITING)
    uploaded_at = models.DateTimeField(auto_now_add=True)

    objects = TenantManager()

    class Meta(TenantModel.Meta):
        verbose_name = _("attachment")
        verbose_name_plural = _("attachments")
        indexes = [
            models.Index(fields=["lender", "message"], name="support_attachment_message"),
            models.Index(
                fields=["lender", "id"], condition=models.Q(scan="waiting"), name="support_attachment_waiting"
            ),
        ]
