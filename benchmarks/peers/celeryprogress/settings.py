"""Settings as ``startproject`` makes them, with Celery on Redis and celery-progress."""

from __future__ import annotations

import os

from benchmarks.peers.plain.settings import (
    ALLOWED_HOSTS,
    DATABASES,
    DEBUG,
    DEFAULT_AUTO_FIELD,
    LANGUAGE_CODE,
    MIDDLEWARE,
    SECRET_KEY,
    STATIC_URL,
    TEMPLATES,
    TIME_ZONE,
    USE_I18N,
    USE_TZ,
)

__all__ = [
    "ALLOWED_HOSTS",
    "DATABASES",
    "DEBUG",
    "DEFAULT_AUTO_FIELD",
    "LANGUAGE_CODE",
    "MIDDLEWARE",
    "SECRET_KEY",
    "STATIC_URL",
    "TEMPLATES",
    "TIME_ZONE",
    "USE_I18N",
    "USE_TZ",
]

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "celery_progress",
    "benchmarks.peers.celeryprogress",
]
ROOT_URLCONF = "benchmarks.peers.celeryprogress.urls"
ASGI_APPLICATION = "benchmarks.peers.celeryprogress.asgi.application"

CELERY_BROKER_URL = os.environ["BROKER_URL"]
CELERY_RESULT_BACKEND = os.environ["BROKER_URL"]
CELERY_TIMEZONE = TIME_ZONE
