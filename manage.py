#!/usr/bin/env python
"""The one way in: Django's command line with Holdfast's settings."""

from __future__ import annotations

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "holdfast.settings")
    try:
        from django.core.management import execute_from_command_line
    except ImportError as missing:
        sys.exit(
            f"Django is not installed in this Python ({missing}). Run `make up`, or use .venv/bin/python manage.py."
        )
    if sys.argv[1:2] != ["up"]:
        execute_from_command_line(sys.argv)
        return
    # its children set Django up; `up` itself needs the settings alone, and is ready two seconds sooner so
    from django.core.exceptions import ImproperlyConfigured

    from holdfast.management.commands.up import Command

    try:
        Command().run_from_argv(sys.argv)
    except ImproperlyConfigured as wrong:
        sys.exit(f"Holdfast can't start: {wrong}")


if __name__ == "__main__":
    main()
