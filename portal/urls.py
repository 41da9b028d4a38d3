"""The URL map of the portal."""

urlpatterns: list[object] = []
