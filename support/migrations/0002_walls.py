"""The walls of the support app."""

from django.db import migrations

from accounts.row_security import ADD, CHANGE, FULL, TenantTable

DEALERSHIP = {"dealership_id": "accounts_dealership"}


class Migration(migrations.Migration):
    dependencies = [("support", "0001_tables"), ("accounts", "0002_walls")]

    operations = [
        TenantTable("support_announcement", dealer_rows=None, staff=FULL, public_id=True, watch=True),
        TenantTable(
            "support_ticket",
            dealer=CHANGE,
            references={**DEALERSHIP, "opened_by_id": "accounts_user", "agent_id": "accounts_user"},
            public_id=True,
        ),
        TenantTable(
            "support_ticketmessage",
            dealer=ADD,
            staff=ADD,
            # An internal note is for agents: the database does not show it to dealers.
            dealer_rows="dealership_id = ANY ((SELECT current_setting('app.dealership_ids')::bigint[])::bigint[]) "
            "AND NOT is_internal",
            references={"ticket_id": "support_ticket", "author_id": "accounts_user"},
            public_id=True,
            append_only=True,
        ),
        TenantTable(
            "support_attachment",
            dealer=ADD,
            # A file of an internal note is as internal as the note.
            dealer_rows="dealership_id = ANY ((SELECT current_setting('app.dealership_ids')::bigint[])::bigint[]) "
            "AND EXISTS (SELECT 1 FROM support_ticketmessage m WHERE m.lender_id = support_attachment.lender_id "
            "AND m.id = support_attachment.message_id)",
            references={"message_id": "support_ticketmessage"},
            public_id=True,
        ),
        TenantTable(
            "support_identitycheck",
            dealer=(),
            references={"person_id": "accounts_user", "agent_id": "accounts_user"},
            public_id=True,
        ),
    ]
