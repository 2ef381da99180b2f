"""Settings of the reference project, from the environment; without any, the embedded set-up."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured
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
    # For its `runserver`, which knows ASGI; other processes would load Twisted for nothing.
    *(["daphne"] if "runserver" in sys.argv[1:2] else []),
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
elif DATABASES["default"]["ENGINE"] == "django.db.backends.postgresql":
    # A pool for each process, opened by its first query: workers fork before they load Django.
    # Beyond `max_size` a thread waits; a web process has up to 32 that query (the event loop's
    # executor), a worker its own, and three more. Behind PgBouncer in transaction mode leave it
    # out, with DATABASE_POOL=0, and set DISABLE_SERVER_SIDE_CURSORS.
    DATABASE_POOL = env.int("DATABASE_POOL", default=40)
    DATABASES["default"]["CONN_MAX_AGE"] = 0  # A thread's connection goes back into the pool.
    # Not asked at each use whether it lives: the pool would wait ever longer after each that does
    # not. Who meets one that a restart has broken is told to come back, and the pool is cleaned.
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = False
    if DATABASE_POOL:
        DATABASES["default"].setdefault("OPTIONS", {})["pool"] = {
            "min_size": 1,
            "max_size": DATABASE_POOL,
            "timeout": 10,
            "max_idle": 30,  # Those that are idle when the server restarts are found out later.
            "reconnect_timeout": 5,  # Else its attempts lie ever further apart.
        }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"


# What a broker's connections are told unless their URL says otherwise, in seconds. These bound how
# long a send, or a peer that is gone, is waited for; a consumer may wait for messages all day.
_REDIS = {"socket_connect_timeout": 2, "socket_timeout": 5, "health_check_interval": 15}
_RABBITMQ = {
    "socket_timeout": 2,
    "stack_timeout": 4,
    "blocked_connection_timeout": 5,
    "heartbeat": 20,
}


def _broker(setting: str) -> dict[str, object]:
    """``DRAMATIQ_BROKER`` for one URL, or for several of RabbitMQ with commas between them."""
    urls = re.split(r"[,;]\s*(?=\w+://)", setting) if setting else []
    schemes = {urlsplit(url).scheme for url in urls}
    options: dict[str, object] = {}
    if not setting:
        name = "stub.StubBroker"
    elif schemes <= {"redis", "rediss"} and len(urls) == 1:
        name = "redis.RedisBroker"
        options = {"url": _with_options(urls[0], _REDIS)}
    elif schemes <= {"amqp", "amqps"}:
        name = "rabbitmq.RabbitmqBroker"
        # Without it, a message that a dying server never kept is not missed.
        options = {"url": [_with_options(url, _RABBITMQ) for url in urls], "confirm_delivery": True}
    else:
        raise ImproperlyConfigured(
            "BROKER_URL is one redis:// or rediss:// URL, or one or more amqp:// or amqps:// "
            "URLs with commas between them; without it, the broker is in memory"
        )
    return {
        "BROKER": f"dramatiq.brokers.{name}",
        "OPTIONS": options,
        "MIDDLEWARE": [
            "dramatiq.middleware.AsyncIO",
            "django_dramatiq.middleware.DbConnectionsMiddleware",
        ],
    }


def _with_options(url: str, options: dict[str, int]) -> str:
    parts = urlsplit(url)
    return parts._replace(query=urlencode(options | dict(parse_qsl(parts.query)))).geturl()


DRAMATIQ_BROKER = _broker(BROKER_URL)
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": REDIS_URL.split(",")},
    }
    if REDIS_URL
    else {"BACKEND": "channels.layers.InMemoryChannelLayer", "CONFIG": {"capacity": 10_000}}
}
# What limits are counted in: shared where there are many processes, and never waited for long.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL.split(",")[0],
        "OPTIONS": {"socket_connect_timeout": 1, "socket_timeout": 1},
    }
    if REDIS_URL
    else {
        "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    }
}
PUSHJOBS = json.loads(env.str("PUSHJOBS", default="") or "{}")
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
SECURE_REDIRECT_EXEMPT = [r"^health/"]  # Probes come over plain HTTP, from inside.
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
    "loggers": {
        "pushjobs": {"level": env.str("LOG_LEVEL", default="INFO")},
        # It prints a traceback for each connection that fails; Dramatiq says so in a line.
        "pika": {"level": "CRITICAL"},
    },
}
