"""Files of tickets, for those who may read the message they came with."""

import logging
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_GET

from accounts.models import User
from accounts.permissions import Access, allowed_to
from support.models import Attachment
from support.queries.tickets import tickets_seen_by

logger = logging.getLogger(__name__)


@require_GET
@allowed_to("tickets.view")
def attachment(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """A checked file, always as a download. What still waits for the scanner does not exist here."""
    access: Access = request.access  # type: ignore[attr-defined]
    files = Attachment.objects.filter(scan=Attachment.Scan.CLEAN, message__ticket__in=tickets_seen_by(access))
    if access.kind != User.Kind.SUPPORT:
        files = files.filter(message__is_internal=False)
    file = get_object_or_404(files, public_id=public_id)
    try:
        with file.file.open("rb") as stored:
            response = HttpResponse(stored.read(), content_type=file.content_type)
    except FileNotFoundError as error:
        logger.exception("A stored file is missing", extra={"attachment": str(public_id)})
        raise Http404 from error
    response["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=file.name)
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "no-store"
    # Should a browser open it all the same, it opens in a place without scripts, sources or an origin.
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response
