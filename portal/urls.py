"""The URL map of the portal."""

from django.urls import include, path

urlpatterns: list[object] = []
