"""Production settings. Every value that differs between installations comes from the environment.

`docs/operators/settings.md` lists each variable; `tests/docs/test_settings.py` keeps that list true.
"""

from datetime import timedelta
from pathlib import Path
from typing import Any

import dj_database_url
from kombu import Queue

from portal.settings import environment

BASE_DIR = Path(__file__).resolve().parent.parent.parent
DATA_DIR = Path(environment.text("FORECOURT_DATA_DIR", str(BASE_DIR / ".data")))
ENVIRONMENT = environment.text("FORECOURT_ENVIRONMENT", "production")
DEMO = False

DEBUG = False
SECRET_KEY = environment.text("SECRET_KEY")
SECRET_KEY_FALLBACKS = environment.words("SECRET_KEY_FALLBACKS", "")
# Encrypt second-factor secrets and bank account numbers, newest first; kept outside the database on purpose.
FIELD_KEYS = environment.words("FORECOURT_FIELD_KEYS")

# Unknown hosts are refused by HostMiddleware (the host table is the list), before anything builds a URL from them.
ALLOWED_HOSTS = ["*"]
# Links in mails are built from the lender's primary host with this scheme and port, never from the request.
PUBLIC_SCHEME = environment.text("FORECOURT_PUBLIC_SCHEME", "https")
PUBLIC_PORT = environment.text("FORECOURT_PUBLIC_PORT", "")
# How many proxies of our own stand in front: the client's address is that many entries from the right.
TRUSTED_PROXY_COUNT = environment.number("FORECOURT_TRUSTED_PROXY_COUNT")
ALLAUTH_TRUSTED_PROXY_COUNT = TRUSTED_PROXY_COUNT

INSTALLED_APPS = [
    "portal",
    "support",
    "payments",
    "finance",
    "accounts",
    "portal.apps.ForecourtAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.forms",
    "allauth",
    "allauth.account",
    "allauth.usersessions",
    "django_otp",
    "django_htmx",
    "csp",
]

MIDDLEWARE = [
    "portal.middleware.reference.RequestReferenceMiddleware",
    "accounts.middleware.host.HostMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "accounts.middleware.tenant.TenantMiddleware",
    "portal.middleware.outage.OutageMiddleware",
    "portal.middleware.method.MethodMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "accounts.middleware.idle.IdleSessionMiddleware",
    "accounts.middleware.scope.ScopeMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "allauth.usersessions.middleware.UserSessionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "portal.middleware.private.PrivateResponseMiddleware",
]

ROOT_URLCONF = "portal.urls"
WSGI_APPLICATION = "portal.wsgi.application"
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "portal.context_processors.frame",
            ],
        },
    }
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"

# --- database -------------------------------------------------------------------------------------------------------
# One entry: web and worker connect as portal_app, the migration job as portal_owner. Connections are not kept under
# ASGI; a pooler in transaction mode stands in front in production, so nothing may live longer than a transaction.
DATABASES: dict[str, dict[str, Any]] = {
    "default": {**dj_database_url.parse(environment.text("DATABASE_URL"))}
}
DATABASES["default"].update(
    ATOMIC_REQUESTS=True,
    CONN_MAX_AGE=environment.number("FORECOURT_CONNECTION_MAX_AGE", 60),
    CONN_HEALTH_CHECKS=True,
    DISABLE_SERVER_SIDE_CURSORS=True,
)
DATABASES["default"].setdefault("OPTIONS", {})
# A statement that takes longer is cut off and answered with a plain page; batch commands raise it for themselves. The
# migration job may take its time over a large table, but not wait for one for long.
DATABASES["default"]["OPTIONS"].setdefault(
    "options",
    "-c lock_timeout=8000"
    if DATABASES["default"]["USER"] == "portal_owner"
    else "-c statement_timeout=15000 -c lock_timeout=8000 -c idle_in_transaction_session_timeout=60000",
)
if environment.flag("FORECOURT_POOLED_CONNECTIONS", False):
    DATABASES["default"]["OPTIONS"].pop("options")
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Redis: cache and broker ------------------------------------------------------------------------------------------
REDIS_URL = environment.text("REDIS_URL")
CACHES = {
    "default": {
        "BACKEND": "portal.cache.OutageTolerantRedisCache",
        "LOCATION": REDIS_URL,
        # Per-lender keys isolate every cached thing, allauth's rate limits included.
        "KEY_FUNCTION": "accounts.tenancy.tenant_cache_key",
        "OPTIONS": {"socket_timeout": 2, "socket_connect_timeout": 1},
    }
}
CELERY_BROKER_URL = REDIS_URL
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 900,
    "unacked_restore_interval": 10,
    "unacked_restore_throttle": 1,
    "socket_timeout": None,
    "socket_connect_timeout": 2,
}
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_TIME_LIMIT = 600
CELERY_TASK_SOFT_TIME_LIMIT = 540
CELERY_TASK_PUBLISH_RETRY = False
CELERY_WORKER_MAX_MEMORY_PER_CHILD = 400_000
# Tasks log like requests: JSON lines with the bound context.
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "UTC"
# Documents take seconds each. In a queue of their own they keep nobody else's mail or money waiting: a worker takes
# from its queues in turn.
CELERY_TASK_QUEUES = [Queue("celery"), Queue("documents")]
CELERY_TASK_ROUTES = {
    "finance.tasks.produce_statement": {"queue": "documents"},
    "payments.tasks.print_receipt": {"queue": "documents"},
}
# Sweeps read state from the database, so a lost broker or a second scheduler changes nothing.
CELERY_BEAT_SCHEDULE = {
    "deliver-outgoing-messages": {
        "task": "accounts.tasks.sweep_outgoing_messages",
        "schedule": timedelta(seconds=30),
    },
    "forget-ended-sessions": {"task": "accounts.tasks.tidy_up", "schedule": timedelta(hours=1)},
    "move-payments-on": {"task": "payments.tasks.sweep_payments", "schedule": timedelta(seconds=20)},
    "close-business-days": {"task": "finance.tasks.sweep_business_days", "schedule": timedelta(minutes=10)},
    "finish-statement-batches": {
        "task": "finance.tasks.sweep_statement_batches",
        "schedule": timedelta(seconds=60),
    },
    "check-attachments": {"task": "support.tasks.sweep_attachments", "schedule": timedelta(seconds=60)},
    "note-heartbeat": {"task": "portal.tasks.note_heartbeat", "schedule": timedelta(seconds=30)},
}

# --- people ---------------------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["accounts.backends.LenderBackend"]
SILENCED_SYSTEM_CHECKS = [
    "auth.W004",  # user names are unique per lender, not overall; LenderBackend resolves them inside the lender
]
PASSWORD_HASHERS = ["accounts.hashers.PortalArgon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        # NIST SP 800-63B-4: length first. A second factor is required, so 12 is above the floor of 8.
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "accounts.password_validation.MaximumLengthValidator", "OPTIONS": {"max_length": 128}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "accounts.password_validation.PredictableValidator"},
    {"NAME": "accounts.password_validation.ContextWordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "portal:dashboard"
ACCOUNT_ADAPTER = "accounts.adapter.ForecourtAccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "email*", "password1*"]
ACCOUNT_UNIQUE_EMAIL = True
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_PRESERVE_USERNAME_CASING = False
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_SESSION_REMEMBER = False
# A coarse brake per address; the lock that counts is accounts.actions.sign_in_guard.
ACCOUNT_RATE_LIMITS = {"login": "60/m/ip", "login_failed": None, "reset_password": "20/m/ip,5/h/key"}
# After a reset sign-in goes on to the second factor; the token dies with a sign-in, a new password or address.
ACCOUNT_LOGIN_ON_PASSWORD_RESET = True
ACCOUNT_PASSWORD_RESET_TOKEN_GENERATOR = "django.contrib.auth.tokens.PasswordResetTokenGenerator"  # noqa: S105
ACCOUNT_REAUTHENTICATION_TIMEOUT = 600
PASSWORD_RESET_TIMEOUT = 3600
# IdleSessionMiddleware writes it down once a minute instead of at every request.
USERSESSIONS_TRACK_ACTIVITY = False

# --- sessions, cookies, headers ---------------------------------------------------------------------------------------
SESSION_ENGINE = "django.contrib.sessions.backends.db"
SESSION_COOKIE_NAME = "__Host-forecourt-session"
SESSION_COOKIE_SECURE = True
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 12 * 3600
SESSION_IDLE_SECONDS = 30 * 60
CSRF_COOKIE_NAME = "__Host-forecourt-csrf"
CSRF_COOKIE_SECURE = True
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "portal.views.errors.csrf_failure"
SECURE_SSL_REDIRECT = environment.flag("FORECOURT_TLS_REDIRECT", True)
SECURE_REDIRECT_EXEMPT = [r"^health/"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXY_COUNT else None
SECURE_HSTS_SECONDS = 365 * 24 * 3600
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
        "base-uri": ["'none'"],
        "manifest-src": ["'self'"],
    }
}

# --- language, time, files --------------------------------------------------------------------------------------------
LANGUAGE_CODE = "en"
# The languages whose words are there. Dates and money are written by the lender's locale in any of them.
LANGUAGES = [("en", "English")]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = Path(environment.text("FORECOURT_STATIC_ROOT", str(DATA_DIR / "static")))
MEDIA_ROOT = Path(environment.text("FORECOURT_MEDIA_ROOT", str(DATA_DIR / "files")))
STORAGES = {
    # Files are served only by views that authorise each request, so there is no media URL.
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
FILE_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
DATA_UPLOAD_MAX_MEMORY_SIZE = 12 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 5000
ATTACHMENT_MAX_BYTES = 10 * 1024 * 1024

# --- the outside ------------------------------------------------------------------------------------------------------
EMAIL_BACKEND = environment.text("EMAIL_BACKEND", "django.core.mail.backends.smtp.EmailBackend")
EMAIL_HOST = environment.text("EMAIL_HOST", "localhost")
EMAIL_PORT = environment.number("EMAIL_PORT", 25)
EMAIL_HOST_USER = environment.text("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = environment.text("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_TLS = environment.flag("EMAIL_USE_TLS", False)
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = environment.text("DEFAULT_FROM_EMAIL", "portal@localhost")
SERVER_EMAIL = DEFAULT_FROM_EMAIL
# A bank or card provider's address; the demo starts a sandbox bank as a process of its own.
BANK_GATEWAY_URL = environment.text("BANK_GATEWAY_URL", "")
BANK_GATEWAY_SECRET = environment.text("BANK_GATEWAY_SECRET", "")
CARD_GATEWAY_URL = environment.text("CARD_GATEWAY_URL", "")
CARD_GATEWAY_SECRET = environment.text("CARD_GATEWAY_SECRET", "")
SMS_GATEWAY_URL = environment.text("SMS_GATEWAY_URL", "")
SMS_GATEWAY_SECRET = environment.text("SMS_GATEWAY_SECRET", "")
SMS_SENDER = environment.text("SMS_SENDER", "")
# Only the demo has a folder in which mails and text messages land.
MAILBOX_DIR: Path | None = None
# host:port of a clamd that speaks INSTREAM; without one, production keeps uploads in quarantine.
SCANNER_ADDRESS = environment.text("SCANNER_ADDRESS", "")
SCANNER_REQUIRED = environment.flag("SCANNER_REQUIRED", True)

# --- logs -------------------------------------------------------------------------------------------------------------
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "portal.logging.JsonFormatter"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["stderr"], "level": environment.text("FORECOURT_LOG_LEVEL", "INFO")},
    "loggers": {
        "django.server": {"handlers": ["stderr"], "propagate": False},
        # A dozen lines for each PDF tell nobody anything.
        "weasyprint.progress": {"level": "WARNING"},
        "fontTools": {"level": "WARNING"},
    },
}
