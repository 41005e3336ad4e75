"""Ask the web server whether it lives."""

from __future__ import annotations

import http.client
from dataclasses import dataclass

ANSWER_LIMIT_S = 1.0
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}


@dataclass(slots=True)
class Probe:
    """Asks `GET /livez` where a browser on this machine would; `last_seen` says what came of it."""

    host: str
    port: int
    last_seen: str = "nothing yet"

    @property
    def url(self) -> str:
        """The address for a browser on this machine."""
        host = EVERYWHERE.get(self.host, self.host)
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}/"

    def is_live(self) -> bool:
        """Whether the answer is 200, within a second."""
        connection = http.client.HTTPConnection(EVERYWHERE.get(self.host, self.host), self.port, timeout=ANSWER_LIMIT_S)
        try:
            connection.request("GET", "/livez")
            status = connection.getresponse().status
            self.last_seen = f"status {status}"
        except (OSError, http.client.HTTPException) as problem:
            self.last_seen = str(problem) or type(problem).__name__
            return False
        finally:
            connection.close()
        return status == http.HTTPStatus.OK
