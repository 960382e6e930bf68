"""Settings: plain values, from the environment where a deployment may differ."""

from urllib.parse import urlsplit

from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from meshline import environment, logs

environment.load_local_start()

BASE_DIR = environment.PROJECT
STATE_DIR = environment.state_folder()

_LOCAL = "For a local start run `make run`, which makes what is missing; elsewhere set it."

# --- Who we are on the network ---------------------------------------------------------------
DEBUG = environment.truth("DEBUG", default=False)
SECRET_KEY = environment.required("SECRET_KEY", _LOCAL)
# Credentials at rest have keys of their own, newest first, so that they can be turned over apart.
SECRETS_KEYS = environment.words("SECRETS_KEYS", [])
if not SECRETS_KEYS:
    raise ImproperlyConfigured(f"SECRETS_KEYS is not set. {_LOCAL}")
ALLOWED_HOSTS = environment.words("ALLOWED_HOSTS", ["127.0.0.1", "localhost", "[::1]"])
PUBLIC_URL = environment.env("PUBLIC_URL", default="http://127.0.0.1:8000").rstrip("/")
# Canaries post to our own webhooks there, and are off altogether where CANARIES is 0.
CANARY_URL = environment.env("CANARY_URL", default=PUBLIC_URL).rstrip("/")
CANARIES = environment.truth("CANARIES", default=True)
_OVER_TLS = PUBLIC_URL.startswith("https://")
# The stand-in vendors and the demo pages are there only where `up` started them.
SANDBOX_URL = environment.env("SANDBOX_URL", default="")
# Without one /metrics answers this machine itself alone: it names connections, and what waits.
METRICS_TOKEN = environment.env("METRICS_TOKEN", default="")

# --- What the project is made of -------------------------------------------------------------
INSTALLED_APPS = [
    "meshline",
    "meshline.audit",
    "meshline.people",
    "meshline.policy",
    "meshline.notices",
    "meshline.pulse",
    "meshline.web",
    "exceptions",
    "proposals",
    "connectors",
    "reconciliation",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "django.forms",  # its widget templates, for our own form renderer
    "csp",
    "django_filters",
    "django_htmx",
    "django_rq",
]
MIDDLEWARE = [
    # Webhooks and health checks are answered here and go no further: no session, no CSRF.
    "meshline.web.doors.MachineDoors",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "meshline.web.sitting.SittingMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "meshline.web.methods.worded",
]
ROOT_URLCONF = "meshline.urls"
WSGI_APPLICATION = "meshline.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
FORM_RENDERER = "meshline.web.forms.Renderer"
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
                "meshline.web.nav.shared",
            ],
            "builtins": ["meshline.web.templatetags.meshline"],
        },
    }
]

# --- PostgreSQL: the only durable truth ------------------------------------------------------
DATABASES = {"default": environment.database("DATABASE_URL", _LOCAL)}
DATABASES["default"]["CONN_MAX_AGE"] = None
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
# A database that is away must be noticed within two seconds; a lock held for long is a fault.
DATABASES["default"]["OPTIONS"].update(connect_timeout=2)
# Whoever falls silent in the middle of a transaction (stopped, swapped out, a machine that is gone)
# would keep its locks for as long as it is silent; no lease helps those who wait for them. It is
# thrown out before its lease is over. Between two statements of ours pass milliseconds.
DATABASES["default"]["OPTIONS"].update(options="-c idle_in_transaction_session_timeout=30s")
# The owner's address, used by `migrate` alone; without it the application's own.
MIGRATION_DATABASE_URL = environment.env("MIGRATION_DATABASE_URL", default="")

# Where the trail's head is written down every hour, apart from the database.
TRAIL_ANCHOR = environment.env("TRAIL_ANCHOR", default=str(STATE_DIR / "anchors" / "trail.txt"))

# --- Redis: a doorbell, nothing that must not be lost ----------------------------------------
REDIS_URL = environment.redis("REDIS_URL", _LOCAL)
_QUEUE = {
    "URL": REDIS_URL,
    "SERIALIZER": "rq.serializers.JSONSerializer",
    "DEFAULT_TIMEOUT": 30,
}
# A queue of its own for outgoing calls, so that a slow vendor never holds up intake.
# A worker that lost Redis looks for it again every few seconds.
RQ = {"WORKER_CLASS": "meshline.shell.worker.Worker"}
RQ_QUEUES = {name: dict(_QUEUE) for name in ("inbox", "outbox", "upkeep")}
# How long a claimed message or outcome is its worker's alone; what a killed worker had is free
# again after that.
LEASE_SECONDS = environment.number("MESHLINE_LEASE_SECONDS", default=50)
# Whether intake remembers an open connection for a second (connectors.inbox).
REMEMBER_DOORS = environment.truth("MESHLINE_REMEMBER_DOORS", default=True)
# How a verb wakes the workers: "direct", "background" (web threads) or "silent" (most tests).
BELL = environment.env("MESHLINE_BELL", default="direct")

# --- People ----------------------------------------------------------------------------------
AUTH_USER_MODEL = "people.User"
LOGIN_URL = "people:sign-in"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "people:sign-in"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
# A sitting ends after 30 minutes without a person's act, and after 12 hours in any case.
SITTING_IDLE_SECONDS = 30 * 60
SITTING_ABSOLUTE_SECONDS = 12 * 60 * 60
SESSION_COOKIE_AGE = SITTING_ABSOLUTE_SECONDS
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _OVER_TLS
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_NAME = "meshline_session"
CSRF_COOKIE_NAME = "meshline_csrf"
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
CSRF_FAILURE_VIEW = "meshline.web.errors.csrf_failed"
SESSION_ENGINE = "django.contrib.sessions.backends.db"
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

# --- E-mail ------------------------------------------------------------------------------------
# Shown on the terminal in the demo; elsewhere none leaves until EMAIL_URL says how.
_MAIL = environment.mail("EMAIL_URL", by_itself="console://" if SANDBOX_URL else "")
EMAIL_BACKEND = _MAIL["EMAIL_BACKEND"]
EMAIL_HOST, EMAIL_PORT = _MAIL.get("EMAIL_HOST", ""), _MAIL.get("EMAIL_PORT", 25)
EMAIL_HOST_USER = _MAIL.get("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = _MAIL.get("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_SSL, EMAIL_USE_TLS = _MAIL.get("EMAIL_USE_SSL", False), _MAIL.get("EMAIL_USE_TLS", False)
EMAIL_GOES_OUT = "dummy" not in EMAIL_BACKEND
DEFAULT_FROM_EMAIL = environment.sender("EMAIL_FROM", host=urlsplit(PUBLIC_URL).hostname or "")

# --- Scripts ----------------------------------------------------------------------------------
# How often one token may ask in a minute of the clock.
API_PER_MINUTE = environment.number("API_PER_MINUTE", default=600)

# --- What the browser may do -----------------------------------------------------------------
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_HSTS_SECONDS = 31536000 if _OVER_TLS else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if _OVER_TLS else None

# --- Times, words, files ---------------------------------------------------------------------
# Stored and computed in UTC; a person's own zone is activated per request.
TIME_ZONE = "UTC"
USE_TZ = True
LANGUAGE_CODE = "en-gb"
USE_I18N = False
STATIC_URL = "/static/"
STATIC_ROOT = STATE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}

# One JSON object a line (LOG_FORMAT=json), or words for people (text); see docs/operation.md.
LOGGING = logs.config(environment.log_format())
