"""The test suite's settings: the demo's, with quick hashing and files in a folder of their own."""

import atexit
import os
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

os.environ["FORECOURT_ENVIRONMENT"] = "test"
os.environ["FORECOURT_PUBLIC_PORT"] = ""

from portal.settings.demo import *
from portal.settings.demo import CACHES, REDIS_URL

# Tests that run beside others have a Valkey database of their own, as they have a database; one named on purpose stays.
_WORKER = os.environ.get("PYTEST_XDIST_WORKER", "").removeprefix("gw")
if _WORKER and urlsplit(REDIS_URL).path in {"", "/", "/0"}:
    REDIS_URL = urlsplit(REDIS_URL)._replace(path=f"/{int(_WORKER) + 1}").geturl()
    CACHES["default"]["LOCATION"] = CELERY_BROKER_URL = os.environ["REDIS_URL"] = REDIS_URL

# Gone with the process that used them.
_FILES = tempfile.TemporaryDirectory(prefix="forecourt-files-")
_MAILBOX = tempfile.TemporaryDirectory(prefix="forecourt-mailbox-")
_STATIC = tempfile.TemporaryDirectory(prefix="forecourt-static-")
for _folder in (_FILES, _MAILBOX, _STATIC):
    atexit.register(_folder.cleanup)
MEDIA_ROOT = Path(_FILES.name)
MAILBOX_DIR = Path(_MAILBOX.name)
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
# Static files come straight from their folders; nothing is collected for the suite.
STATIC_ROOT = Path(_STATIC.name)
WHITENOISE_AUTOREFRESH = True
WHITENOISE_USE_FINDERS = True
