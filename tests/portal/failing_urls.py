"""The portal's map with pages that fail on purpose, and one that tells what its database role sees."""

from typing import NoReturn

from django.db import OperationalError, connection
from django.http import HttpRequest, HttpResponse
from django.urls import path

from accounts.models import Dealership
from portal.urls import handler400, handler403, handler404, handler500
from portal.urls import urlpatterns as portal_urls

__all__ = ["handler400", "handler403", "handler404", "handler500"]


def crash(request: HttpRequest) -> NoReturn:
    Dealership.objects.filter(number="10001").update(name="Half done")
    raise RuntimeError("a fault of ours")


def stall(request: HttpRequest) -> HttpResponse:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = '50ms'")
        cursor.execute("SELECT pg_sleep(5)")
    return HttpResponse("never")


def gone(request: HttpRequest) -> NoReturn:
    raise OperationalError("the connection is closed")


def seen(request: HttpRequest) -> HttpResponse:
    return HttpResponse("\n".join(Dealership.objects.order_by("name").values_list("name", flat=True)))


urlpatterns = [
    path("seen/", seen),
    path("crash/", crash),
    path("stall/", stall),
    path("gone/", gone),
    *portal_urls,
]
