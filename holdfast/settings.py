"""Settings: one file, read from the environment, refusing nonsense at start."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from psycopg.conninfo import conninfo_to_dict

from holdfast import embedded, env
from holdfast.look import UNFOLD as UNFOLD
from monitoring.tracing import logs

BASE_DIR = Path(__file__).resolve().parent.parent
HOLDFAST_DIR = Path(env.text("HOLDFAST_DIR", str(BASE_DIR / ".holdfast"))).resolve()
HOLDFAST_VERSION = re.findall(r"^## (\S+)", (BASE_DIR / "CHANGELOG.md").read_text(), re.MULTILINE)[0]
HOLDFAST_ENVIRONMENT = env.text("HOLDFAST_ENVIRONMENT", "local")

DEBUG = env.boolean("HOLDFAST_DEBUG", False)
SECRET_KEY = env.generated("HOLDFAST_SECRET_KEY", HOLDFAST_DIR / "secret_key")
ALLOWED_HOSTS = env.listing("HOLDFAST_HOSTS", "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = env.listing("HOLDFAST_TRUSTED_ORIGINS")

# --- the services: real ones, embedded where the environment names none

_embedded = embedded.addresses(HOLDFAST_DIR)
DATABASE_URL = env.text("DATABASE_URL", _embedded.database_url)
REDIS_URL = env.text("REDIS_URL", _embedded.redis_url)
CELERY_BROKER_URL = env.text("CELERY_BROKER_URL", _embedded.broker_url)
HOLDFAST_DB_POOL = env.integer("HOLDFAST_DB_POOL", 0, least=0)


def _database(url: str, *, pool: int) -> dict[str, Any]:
    """Django's dictionary for a PostgreSQL URL; `pool` connections are shared by a web process's threads.

    Without a pool each thread keeps its connection: a new one per request costs eight times as much.
    """
    parts: dict[str, Any] = dict(conninfo_to_dict(url))
    names = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}
    database: dict[str, Any] = {django: str(parts.pop(pg, "")) for pg, django in names.items()}
    database |= {"ENGINE": "django.db.backends.postgresql", "OPTIONS": parts, "CONN_HEALTH_CHECKS": True}
    if pool:
        parts["pool"] = {"min_size": min(2, pool), "max_size": pool, "timeout": 5}
    else:
        database["CONN_MAX_AGE"] = None
    return database


DATABASES = {"default": _database(DATABASE_URL, pool=HOLDFAST_DB_POOL)}
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL},
    "none": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"},
}

# --- the applications

INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.filters",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django_htmx",
    "ninja",  # its own copy of Swagger UI for the API's page: no other origin is asked
    "template_partials",
    "waffle",
    "monitoring",
    "flags",
    "memory",
    "holdfast",
]
MIDDLEWARE = [
    "monitoring.middleware.measure",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "holdfast.middleware.content_policy",
    "monitoring.views.readiness.probes.probes_first",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "monitoring.console.chosen.zone.zoned",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
]
ROOT_URLCONF = "holdfast.urls"
WSGI_APPLICATION = "holdfast.wsgi.application"
APPEND_SLASH = False
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "monitoring.console.shell.shell",
            ],
        },
    }
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
WAFFLE_FLAG_MODEL = "flags.Flag"
WAFFLE_CACHE_NAME = "none"  # flags are asked of the process's snapshot; a write must not fail when Redis is away
WAFFLE_ENABLE_ADMIN_PAGES = False  # flags.admin has ours

# --- people

HOLDFAST_ADMIN_PASSWORD = env.text("HOLDFAST_ADMIN_PASSWORD")
LOGIN_URL = "sign-in"
LOGIN_REDIRECT_URL = "overview"
LOGOUT_REDIRECT_URL = "sign-in"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = env.boolean("HOLDFAST_HTTPS", False)
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]

# --- language, time, files

LANGUAGE_CODE = "en-gb"
USE_I18N = False
FORMAT_MODULE_PATH = "holdfast.formats"
TIME_ZONE = "UTC"
USE_TZ = True
STATIC_URL = "/static/"
STATIC_ROOT = HOLDFAST_DIR / "static"
_plotly = find_spec("plotly")  # found, not imported: only its files are used
assert _plotly is not None
assert _plotly.origin is not None
STATICFILES_DIRS = [BASE_DIR / "static", ("plotly", Path(_plotly.origin).parent / "package_data")]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

HOLDFAST_DRAIN_S = env.number("HOLDFAST_DRAIN_S", 0.0, least=0.0, most=300.0)
HOLDFAST_BACKUP_STAMP = env.text("HOLDFAST_BACKUP_STAMP")
HOLDFAST_METRICS = env.boolean("HOLDFAST_METRICS", True)
HOLDFAST_SLOW_QUERY_MS = env.integer("HOLDFAST_SLOW_QUERY_MS", 100)
HOLDFAST_METRICS_TOKEN = env.text("HOLDFAST_METRICS_TOKEN")

# --- alerts: how people are reached

HOLDFAST_URL = env.text("HOLDFAST_URL")
HOLDFAST_EMAIL_URL = env.text("HOLDFAST_EMAIL_URL")
HOLDFAST_EMAIL_FROM = env.text("HOLDFAST_EMAIL_FROM", "holdfast@localhost")
HOLDFAST_PRIVATE_WEBHOOKS = env.boolean("HOLDFAST_PRIVATE_WEBHOOKS", False)

# --- bounds

HOLDFAST_BODY_LIMIT = env.integer("HOLDFAST_BODY_LIMIT", 10 * 1024 * 1024)
DATA_UPLOAD_MAX_MEMORY_SIZE = HOLDFAST_BODY_LIMIT
HOLDFAST_OFREP_RATE = env.integer("HOLDFAST_OFREP_RATE", 500)
HOLDFAST_WINDOW_TOKENS = env.integer("HOLDFAST_WINDOW_TOKENS", 2000, least=200)
HOLDFAST_SUMMARY_TOKENS = env.integer("HOLDFAST_SUMMARY_TOKENS", 300, least=50)
HOLDFAST_JOB_LEASE_S = env.integer("HOLDFAST_JOB_LEASE_S", 60)
HOLDFAST_JOB_ATTEMPTS = env.integer("HOLDFAST_JOB_ATTEMPTS", 5)

# --- the queue

HOLDFAST_QUEUE_LIMIT = env.integer("HOLDFAST_QUEUE_LIMIT", 100_000)
HOLDFAST_JOB_RETENTION_DAYS = env.integer("HOLDFAST_JOB_RETENTION_DAYS", 7)
HOLDFAST_BATCH_JOBS = env.integer("HOLDFAST_BATCH_JOBS", 200)
HOLDFAST_BATCH_TARGET_MS = env.integer("HOLDFAST_BATCH_TARGET_MS", 400, least=20)

# --- providers: local where nothing is named

HOLDFAST_EMBEDDING_PROFILE = env.text("HOLDFAST_EMBEDDING_PROFILE", "local")
HOLDFAST_EMBEDDING_URL = env.text("HOLDFAST_EMBEDDING_URL")
HOLDFAST_EMBEDDING_KEY = env.text("HOLDFAST_EMBEDDING_KEY")
HOLDFAST_EMBEDDING_MODEL = env.text("HOLDFAST_EMBEDDING_MODEL")
HOLDFAST_CHAT_PROFILE = env.text("HOLDFAST_CHAT_PROFILE", "local")
HOLDFAST_CHAT_URL = env.text("HOLDFAST_CHAT_URL")
HOLDFAST_CHAT_KEY = env.text("HOLDFAST_CHAT_KEY")
HOLDFAST_CHAT_MODEL = env.text("HOLDFAST_CHAT_MODEL")
HOLDFAST_TOKENIZER = env.text("HOLDFAST_TOKENIZER")
HOLDFAST_MCP_URL = env.text("HOLDFAST_MCP_URL")
HOLDFAST_MCP_KEY = env.text("HOLDFAST_MCP_KEY")
HOLDFAST_MCP_TOOL = env.text("HOLDFAST_MCP_TOOL")
HOLDFAST_EXTRACTOR = env.text("HOLDFAST_EXTRACTOR", "local")
HOLDFAST_SUMMARIZER = env.text("HOLDFAST_SUMMARIZER", "local")
HOLDFAST_JUDGE = env.text("HOLDFAST_JUDGE")
HOLDFAST_PRIVATE_PROVIDERS = env.boolean("HOLDFAST_PRIVATE_PROVIDERS", True)
HOLDFAST_PROVIDER_TIMEOUT_S = env.number("HOLDFAST_PROVIDER_TIMEOUT_S", 5.0, least=0.1, most=60.0)
HOLDFAST_PROVIDER_RATE = env.integer("HOLDFAST_PROVIDER_RATE", 100)
HOLDFAST_PROVIDER_OPEN_S = env.number("HOLDFAST_PROVIDER_OPEN_S", 0.0, least=0.0, most=300.0)
HOLDFAST_PROVIDER_PRICES = env.text("HOLDFAST_PROVIDER_PRICES")
HOLDFAST_PROVIDER_LOG_S = env.integer("HOLDFAST_PROVIDER_LOG_S", 60, least=0)

# --- Celery: hints only, so an early acknowledgement loses nothing that the rows do not bring back

CELERY_IMPORTS = ["holdfast.worker"]
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SOFT_TIME_LIMIT = HOLDFAST_JOB_LEASE_S // 2
CELERY_TASK_TIME_LIMIT = CELERY_TASK_SOFT_TIME_LIMIT + 5
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_TIMEOUT = 2
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "priority_steps": [0, 1, 2, 3, 4],
    "sep": ":p",
    "queue_order_strategy": "priority",
    "socket_timeout": 5,
    "socket_connect_timeout": 2,
}
CELERY_BEAT_SCHEDULE = {
    "dispatch": {"task": "memory.dispatch", "schedule": 1.0, "options": {"expires": 5, "priority": 0}},
    "upkeep": {"task": "memory.upkeep", "schedule": 60.0, "options": {"expires": 50, "priority": 3}},
}

# --- logs: key=value or JSON lines; never message text, memory text or keys

HOLDFAST_LOG_FORMAT = env.choice("HOLDFAST_LOG_FORMAT", "text", ("text", "json"))
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"text": {"format": logs.TEXT}, "json": {"()": logs.JsonLine}},
    "filters": {"ids": {"()": logs.Named}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": HOLDFAST_LOG_FORMAT, "filters": ["ids"]}},
    "root": {"handlers": ["console"], "level": env.text("HOLDFAST_LOG_LEVEL", "INFO")},
    # mcp quotes answers that it can't read, which may be what somebody said: its errors are logged by their kind
    "loggers": {"httpx": {"level": "WARNING"}, "httpx2": {"level": "WARNING"}, "mcp": {"level": "CRITICAL"}},
}
