"""The admin of flags: waffle's, in the console's look. Waffle's switches and samples have none: a switch is a flag for
everyone, and a sample rolls dice at each call, so that the same unit gets different answers."""

from __future__ import annotations

from django.contrib import admin
from unfold.admin import ModelAdmin
from waffle.admin import FlagAdmin as WaffleFlagAdmin

from flags.models import Flag


@admin.register(Flag)
class FlagAdmin(WaffleFlagAdmin, ModelAdmin):  # type: ignore[misc]
    list_display = ("name", "everyone", "percent", "unit", "owner", "expires_on", "version")  # type: ignore[assignment]
    list_filter = ("everyone", "unit")  # type: ignore[assignment]
    readonly_fields = ("version", "created", "modified")
