"""Addresses of the sign-in pages, under the names that allauth expects (no namespace)."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
