"""Settings of the reference project, from the environment; without any, the embedded set-up."""

from __future__ import annotations

from pathlib import Path

import environ
from django.core.management.utils import get_random_secret_key

ROOT = Path(__file__).resolve().parent.parent
VAR = Path(environ.Env().str("VAR", default=str(ROOT / "var")))
VAR.mkdir(parents=True, exist_ok=True)

env = environ.Env()


def _kept_secret() -> str:
    """A key made on first use and kept beside the database, so that tokens outlive a restart."""
    path = VAR / "secret-key"
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(get_random_secret_key() + get_random_secret_key())
    return path.read_text()


DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env.str("SECRET_KEY", default="") or _kept_secret()
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
SITE_IS_HTTPS = env.bool("HTTPS", default=False)
BROKER_URL = env.str("BROKER_URL", default="")
REDIS_URL = env.str("REDIS_URL", default="")

INSTALLED_APPS = [
    "daphne",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "corsheaders",
    "channels",
    "django_dramatiq",
    "ninja",
    "pushjobs",
    "project.demo",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
ROOT_URLCONF = "project.urls"
ASGI_APPLICATION = "project.asgi.application"

DATABASES = {"default": env.db("DATABASE_URL", default=f"sqlite:///{VAR / 'pushjobs.sqlite3'}")}
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # Worker threads write at the same time: a writer waits its turn and takes it at the start.
    DATABASES["default"]["OPTIONS"] = {
        "timeout": 20,
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
    DATABASES["default"]["CONN_MAX_AGE"] = None
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"


def _broker() -> dict[str, object]:
    scheme = BROKER_URL.partition("://")[0]
    classes = {
        "": "dramatiq.brokers.stub.StubBroker",
        "redis": "dramatiq.brokers.redis.RedisBroker",
        "rediss": "dramatiq.brokers.redis.RedisBroker",
        "amqp": "dramatiq.brokers.rabbitmq.RabbitmqBroker",
        "amqps": "dramatiq.brokers.rabbitmq.RabbitmqBroker",
    }
    return {
        "BROKER": classes[scheme],
        "OPTIONS": {"url": BROKER_URL} if BROKER_URL else {},
        "MIDDLEWARE": [
            "dramatiq.middleware.AsyncIO",
            "django_dramatiq.middleware.DbConnectionsMiddleware",
        ],
    }


DRAMATIQ_BROKER = _broker()
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": REDIS_URL.split(",")},
    }
    if REDIS_URL
    else {"BACKEND": "channels.layers.InMemoryChannelLayer", "CONFIG": {"capacity": 10_000}}
}
PUSHJOBS = env.json("PUSHJOBS", default={})
if REDIS_URL:
    PUSHJOBS = {
        "LOG": "pushjobs.log.redis.RedisLog",
        "LOG_URLS": REDIS_URL.split(","),
        **PUSHJOBS,
    }

# One setting for the API, for SSE and for the origins that may open a socket.
CORS_ALLOWED_ORIGINS = env.list("CORS_ALLOWED_ORIGINS", default=[])
CORS_ALLOW_CREDENTIALS = True
CORS_ALLOW_HEADERS = [
    "accept",
    "authorization",
    "content-type",
    "idempotency-key",
    "if-none-match",
    "last-event-id",
    "prefer",
    "x-csrftoken",
    "x-job-authorization",
]
CORS_EXPOSE_HEADERS = [
    "etag",
    "idempotent-replayed",
    "link",
    "location",
    "preference-applied",
    "retry-after",
]

STATIC_URL = "/static/"
STATIC_ROOT = VAR / "static"
MEDIA_ROOT = VAR / "media"
LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_TZ = True

SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_SSL_REDIRECT = SITE_IS_HTTPS
SESSION_COOKIE_SECURE = SITE_IS_HTTPS
CSRF_COOKIE_SECURE = SITE_IS_HTTPS
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if SITE_IS_HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SITE_IS_HTTPS
SECURE_HSTS_PRELOAD = SITE_IS_HTTPS

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="WARNING")},
    "loggers": {"pushjobs": {"level": env.str("LOG_LEVEL", default="INFO")}},
}
