"""The demo: production's settings, relaxed only where plain HTTP on one machine needs it."""

import os

os.environ.setdefault("SECRET_KEY", "demo-only-not-a-secret-" + "0" * 40)
os.environ.setdefault("FORECOURT_FIELD_KEYS", "ZGVtby1vbmx5LWZpZWxkLWtleS0tbm90LXNlY3JldC0=")
os.environ.setdefault("FORECOURT_TRUSTED_PROXY_COUNT", "0")
os.environ.setdefault("FORECOURT_ENVIRONMENT", "demo")
os.environ.setdefault("FORECOURT_PUBLIC_SCHEME", "http")
os.environ.setdefault("FORECOURT_PUBLIC_PORT", "8000")
os.environ.setdefault("FORECOURT_TLS_REDIRECT", "no")
os.environ.setdefault("SCANNER_REQUIRED", "no")
os.environ.setdefault("BANK_GATEWAY_URL", "http://127.0.0.1:8010")
os.environ.setdefault("BANK_GATEWAY_SECRET", "demo-bank-secret")
os.environ.setdefault("CARD_GATEWAY_URL", os.environ["BANK_GATEWAY_URL"])
os.environ.setdefault("CARD_GATEWAY_SECRET", "demo-card-secret")

from portal.settings.base import *
from portal.settings.base import DATA_DIR, ENVIRONMENT

if ENVIRONMENT == "production":
    raise SystemExit("The demo settings refuse to run with FORECOURT_ENVIRONMENT=production.")

DEMO = True
# Browsers keep __Host- cookies for TLS only; the demo runs on plain HTTP.
SESSION_COOKIE_NAME = "forecourt-session"
SESSION_COOKIE_SECURE = False
CSRF_COOKIE_NAME = "forecourt-csrf"
CSRF_COOKIE_SECURE = False
SECURE_HSTS_SECONDS = 0
# Mail and SMS of the demo land in a folder that the demo's mailbox page reads.
EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
EMAIL_FILE_PATH = DATA_DIR / "mailbox"
MAILBOX_DIR = DATA_DIR / "mailbox"
