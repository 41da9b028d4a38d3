"""Addresses of the sign-in pages, under the names that allauth expects (no namespace).

Every other page of allauth is absent.
"""

from django.urls import URLPattern, path, re_path

from accounts.views import passwords, sign_in

urlpatterns: list[URLPattern] = [
    path("sign-in/", sign_in.sign_in, name="account_login"),
    path("sign-out/", sign_in.sign_out, name="account_logout"),
    path("password/", passwords.change, name="account_change_password"),
    path("password/forgotten/", passwords.reset_request, name="account_reset_password"),
    path("password/forgotten/sent/", passwords.reset_requested, name="account_reset_password_done"),
    re_path(
        r"^password/new/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        passwords.reset,
        name="account_reset_password_from_key",
    ),
    path("password/confirm/", passwords.reauthenticate, name="account_reauthenticate"),
]
