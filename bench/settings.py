"""The bench's settings: the demo's, on a database of its own, with files and broker messages that vanish with it."""

import tempfile
from pathlib import Path
from typing import Any, cast

from bench.ground import BROKER_PREFIX
from portal.settings.demo import *

# Gone with the process that used them.
_FILES = tempfile.TemporaryDirectory(prefix="forecourt-bench-files-")
MEDIA_ROOT = Path(_FILES.name)
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
CELERY_BROKER_TRANSPORT_OPTIONS |= cast(dict[str, Any], {"global_keyprefix": BROKER_PREFIX})
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"stderr": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["stderr"], "level": "ERROR"},
}
