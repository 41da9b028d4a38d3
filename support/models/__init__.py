"""Help: tickets, announcements, the unlock desk."""

from support.models.announcements import Announcement
from support.models.identity import IdentityCheck
from support.models.rules import SupportRule
from support.models.tickets import Attachment, Ticket, TicketMessage

__all__ = ["Announcement", "Attachment", "IdentityCheck", "SupportRule", "Ticket", "TicketMessage"]
