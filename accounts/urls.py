"""Addresses of the accounts app."""

from django.urls import URLPattern, path

from accounts.views import dealerships, factor_enrol, factor_verify, security

app_name = "accounts"
urlpatterns: list[URLPattern] = [
    path("second-step/", factor_verify.verify, name="factor-verify"),
    path("second-step/code/", factor_verify.send_code, name="factor-send-code"),
    path("second-step/set-up/", factor_enrol.enrol, name="factor-enrol"),
    path("second-step/set-up/code/", factor_enrol.send_mailbox_code, name="factor-enrol-code"),
    path("second-step/set-up/app/", factor_enrol.enrol_authenticator, name="factor-enrol-authenticator"),
    path("second-step/set-up/email/", factor_enrol.enrol_email, name="factor-enrol-email"),
    path("second-step/set-up/done/", factor_enrol.enrol_done, name="factor-enrol-done"),
    path("security/", security.security, name="security"),
    path("security/recovery-codes/", factor_enrol.renew_recovery_codes, name="recovery-codes"),
    path("security/factors/<uuid:public_id>/remove/", security.factor_remove, name="factor-remove"),
    path("security/devices/", security.session_list, name="session-list"),
    path("security/devices/end-others/", security.session_end_others, name="session-end-others"),
    path("security/devices/<slug:handle>/end/", security.session_end, name="session-end"),
    path("security/sign-ins/", security.attempt_list, name="attempt-list"),
    path("dealership/", dealerships.switch_dealership, name="switch-dealership"),
    path("no-dealership/", dealerships.no_membership, name="no-membership"),
]
