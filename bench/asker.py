"""A process that evaluates all the time, and says when the answer is another: `python -m bench.asker web bench-toggle`.

Two threads ask every millisecond, as requests or jobs would. It ends when its input does.
"""

from __future__ import annotations

import sys
import threading
import time

import django

THREADS, PAUSE_S = 2, 0.001


def main() -> None:
    name = sys.argv[2]
    django.setup()
    from flags import rollout  # models exist only now

    told = threading.Lock()
    last: list[bool | None] = [None]

    def ask() -> None:
        while True:
            try:
                answer = rollout.is_on(name, "mara")
            except Exception as problem:  # noqa: BLE001 - counting whatever a caller would meet is what this is for
                print("error", repr(problem), flush=True)
                continue
            if answer is not last[0]:
                with told:
                    if answer is not last[0]:
                        last[0] = answer
                        print(int(answer), time.monotonic(), flush=True)
            time.sleep(PAUSE_S)

    for _ in range(THREADS):
        threading.Thread(target=ask, daemon=True).start()
    sys.stdin.read()


if __name__ == "__main__":
    main()
