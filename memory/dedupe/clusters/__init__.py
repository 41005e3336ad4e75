"""Sets of stored memories that say the same.

`look` compares them, `cliques` groups them, `findings` says what is to become of them, `find` offers them to people.
"""

from __future__ import annotations

from memory.dedupe.clusters.cliques import cliques, winner
from memory.dedupe.clusters.find import Cluster, Found, clusters, possible
from memory.dedupe.clusters.findings import Finding, findings
from memory.dedupe.clusters.look import Look, look

__all__ = ["Cluster", "Finding", "Found", "Look", "cliques", "clusters", "findings", "look", "possible", "winner"]
