"""Bank debits over a bank's or processor's JSON interface (`docs/integrators/bank-debits.md`)."""

import json
from uuid import UUID

from payments.gateways.exchange import SignedGateway
from payments.queries.debits import Answer, DebitOrder, Outcome
from payments.queries.offered import BANK_DEBIT


class BankDebitGateway(SignedGateway):
    """Orders debits of bank accounts and asks about them."""

    name = BANK_DEBIT
    states = {
        "accepted": Outcome.ACCEPTED,
        "settled": Outcome.SETTLED,
        "declined": Outcome.DECLINED,
        "returned": Outcome.RETURNED,
    }

    def send(self, order: DebitOrder) -> Answer:
        """Order the debit under its key. An answer that does not name the ordered amount is unclear."""
        body = json.dumps(
            {
                "key": str(order.key),
                "client": order.client,
                "number": order.number,
                "amount": str(order.amount),
                "currency": order.currency,
                "scheme": order.scheme,
                "collect_on": order.collect_on.isoformat(),
                "holder": order.holder,
                "bank_code": order.bank_code,
                "account_number": order.account_number,
                "mandate": order.mandate,
                "notify_url": order.notify_url,
            }
        ).encode()
        return self.ask("POST", "/api/debits", body, key=order.key)

    def look_up(self, key: UUID) -> Answer:
        """Ask what became of the key."""
        return self.ask("GET", f"/api/debits/{key}", None, key=key)
