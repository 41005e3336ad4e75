"""What the admin of all nouns shares."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, ClassVar

from django.contrib import messages
from django.db.models import Model
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin

from memory.errors import HoldfastError
from memory.models import Erasure


class ReadOnly:
    """What the pipeline writes is looked at here, not changed."""

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


class Acting:
    """Acts on the rows that were chosen, each by itself: what is refused says why, and the others are done."""

    message_user: Callable[..., None]

    def each(self, request: HttpRequest, rows: Iterable[Any], act: Callable[..., object], done: str) -> None:
        """`act` is given a row and who acts; `done` is told with how many were."""
        refusals: Counter[str] = Counter()
        count = 0
        for row in rows:
            try:
                act(row, workspace_id=row.workspace_id, actor=request.user.get_username(), now=timezone.now())
                count += 1
            except HoldfastError as refused:
                refusals[str(refused)] += 1
        if count:
            self.message_user(request, done.format(count), messages.SUCCESS)
        for refusal in refusals:
            self.message_user(request, refusal, messages.ERROR)


class Listing(ModelAdmin):  # type: ignore[misc]
    show_full_result_count = False
    list_per_page = 50
    ordering: ClassVar = ("-id",)
    compressed_fields = True


def told(erasure: Erasure | None) -> SafeString:
    """A proof of erasure as people read it."""
    return render_to_string("memory/erasure.html", {"erasure": erasure})
