"""The WSGI application that granian serves: Django, and before it the hot read."""

from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "holdfast.settings")

django = get_wsgi_application()

from memory.api.hot import serve_cached_context  # noqa: E402 - needs the applications to be ready
from memory.context import served  # noqa: E402
from memory.providers import configured  # noqa: E402
from monitoring.health.probes import draining  # noqa: E402
from monitoring.health.probes.runner import the_runner  # noqa: E402

# loading the model takes half a second: now, rather than in somebody's first request
configured.warm()

# in the worker, which is forked or spawned already
draining.listen()
the_runner().start()
served.keep_writing()

application = serve_cached_context(django)
