"""Messages from banks and processors: verified, stored once, answered; a task carries them out."""

import json
import time
from typing import Any

from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from accounts.tenancy import tenant
from payments.actions.events import store_event
from payments.gateways import event_secret
from payments.gateways.signatures import is_authentic
from payments.tasks import process_gateway_event

_LARGEST = 64 * 1024


@csrf_exempt
@require_POST
def gateway_events(request: HttpRequest, gateway: str) -> HttpResponse:
    """POST a message: 202 when it is kept (or was already), 400 when it is unreadable, 401 when it is not the bank's.

    The signature covers the raw body and the time, with five minutes' tolerance. The host decides whose message it is;
    that it fits that lender's payment is judged when it is carried out.
    """
    try:
        secret = event_secret(gateway)
    except LookupError:
        raise Http404(gateway) from None
    content = request.body
    if len(content) > _LARGEST:
        return _refused(413, "The message is too large.")
    if not is_authentic(request.headers.get("Bank-Signature", ""), secret, content, now=time.time()):
        return _refused(401, "The signature is wrong or older than five minutes.")
    try:
        payload = _read(content)
        event_id, kind = _name(payload["id"], 80), _name(payload["kind"], 40)
    except (ValueError, KeyError, TypeError, RecursionError):
        return _refused(400, "The message cannot be read.")
    # Whoever may be signed in where this was posted from, a bank's message is kept as what it is: nobody's.
    with tenant(request.lender_id, login=True):  # type: ignore[attr-defined]
        event, is_new = store_event(gateway=gateway, event_id=event_id, kind=kind, payload=payload)
    if is_new:
        transaction.on_commit(lambda: process_gateway_event.hint(event.lender_id, event.pk), robust=True)
    return JsonResponse({"received": event.event_id}, status=202)


def _name(value: Any, longest: int) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= longest or not value.isprintable():
        raise ValueError("not a name")
    return value


def _read(content: bytes) -> dict[str, Any]:
    """The message; ValueError for what the database cannot keep: NUL, infinity, half a letter, no object."""
    payload = json.loads(content)
    if not isinstance(payload, dict) or b"\\u0000" in content:
        raise ValueError("not a message")
    json.dumps(payload, allow_nan=False, ensure_ascii=False).encode()
    return payload


def _refused(status: int, words: str) -> JsonResponse:
    return JsonResponse({"error": words}, status=status)
