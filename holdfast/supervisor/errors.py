"""What keeps `manage.py up` from running.

SupervisorError
├── AlreadyRunningError  another `up` holds this data folder
├── PortError            the web server can't have its address
├── StepError            bootstrap failed
├── NotReadyError        the web server did not come up in time
└── RestartLimitError    a process ended too often
"""

from __future__ import annotations


class SupervisorError(Exception):
    """`up` cannot start or go on; the text says what is wrong and what to do."""


class AlreadyRunningError(SupervisorError):
    """The lock on the data folder is taken."""


class PortError(SupervisorError):
    """The address is in use, not allowed or not this machine's."""


class StepError(SupervisorError):
    """A step before the start of the processes ended with an error."""


class NotReadyError(SupervisorError):
    """No 200 from the web server within its time."""


class RestartLimitError(SupervisorError):
    """A process was restarted as often as the policy allows."""
