# One image for web, worker, beat and the migration job: they differ by their command alone.
FROM python:3.11-slim-bookworm

# WeasyPrint loads these from the system.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 \
    && rm -rf /var/lib/apt/lists/*

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_DISABLE_PIP_VERSION_CHECK=1 \
    DJANGO_SETTINGS_MODULE=portal.settings.base FORECOURT_DATA_DIR=/data FORECOURT_STATIC_ROOT=/srv/static

WORKDIR /srv/portal
COPY requirements/base.txt requirements/base.txt
RUN pip install --no-cache-dir --require-hashes --only-binary :all: --requirement requirements/base.txt

COPY manage.py ./
COPY portal portal
COPY support support
COPY payments payments
COPY finance finance
COPY accounts accounts
COPY templates templates
COPY static static

# Collecting the static files reads the settings and connects to nothing; these values live in this one step.
RUN SECRET_KEY=unused FORECOURT_FIELD_KEYS=unused DATABASE_URL=postgresql://unused/unused REDIS_URL=redis://unused FORECOURT_TRUSTED_PROXY_COUNT=1 \
    python manage.py collectstatic --noinput --verbosity 0 \
    && useradd --system --uid 10001 --home-dir /nonexistent portal \
    && install --directory --owner portal --group portal /data /data/files

USER portal
VOLUME /data
EXPOSE 8000
CMD ["granian", "--interface", "wsgi", "--host", "0.0.0.0", "--port", "8000", "--workers", "2", "--blocking-threads", "8", \
     "--workers-kill-timeout", "5", "portal.wsgi:application"]
