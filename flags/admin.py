"""The admin of flags: waffle's, in the console's look, by the verbs that the console and the API use.

Waffle's switches and samples have none: a switch is a flag for everyone, and a sample rolls dice at each call, so that
the same unit gets different answers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from unfold.admin import ModelAdmin
from unfold.forms import ActionForm
from unfold.widgets import UnfoldAdminTextInputWidget
from waffle.admin import FlagAdmin as WaffleFlagAdmin

from flags import change as verbs
from flags.change import Person
from flags.change.verbs.people import CONDITIONS, MEMBERS, let_in
from flags.errors import FlagError, InvalidError
from flags.models import Flag, FlagChange, Proposal

PEOPLE = CONDITIONS + MEMBERS


class FlagForm(forms.ModelForm):  # type: ignore[type-arg]
    """Changes the flag while it is validated: what the verb refuses is an error of the field that it is about.

    The admin validates once, within the request's transaction.
    """

    by: ClassVar[Person]
    reason = forms.CharField(
        max_length=500, help_text="Why, in 8 characters or more: it stands in the history.",
        widget=UnfoldAdminTextInputWidget,
    )  # fmt: skip
    seen = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["seen"].initial = self.instance.version
        self._was = {name: getattr(self.instance, name) for name in verbs.FIELDS}
        self.made: FlagChange | Proposal | None = None

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        if not self.errors:
            try:
                self._write(self.cleaned_data)
            except InvalidError as refused:
                for field, fault in refused.faults:
                    self.add_error(field if field in self.fields else None, fault)
            except FlagError as refused:
                self.add_error(None, str(refused))

    def _write(self, given: dict[str, Any]) -> None:
        now, reason = timezone.now(), given["reason"]
        edit = {name: given[name] for name in verbs.FIELDS if name in given and given[name] != self._was[name]}
        people = {name: given[name] for name in self.changed_data if name in PEOPLE}
        name = self.instance.name or given["name"]
        if self.instance.pk is None:
            fields = {field: given[field] for field in verbs.FIELDS if field in given and given[field] is not None}
            self.made = verbs.create(name, fields=fields, by=self.by, reason=reason, now=now)
            seen = self.made.version
        else:
            seen = given["seen"] or 0
            if edit or not people:
                self.made = verbs.change(name, expect=seen, edit=edit, by=self.by, reason=reason, now=now)
            seen = self.made.version if isinstance(self.made, FlagChange) else seen
        if people:
            let_in(name, expect=seen, edit=people, by=self.by, reason=reason, now=now)


class WithReason(ActionForm):  # type: ignore[misc]
    reason = forms.CharField(required=False, max_length=500, label="Why", widget=UnfoldAdminTextInputWidget)


@admin.register(Flag)
class FlagAdmin(WaffleFlagAdmin, ModelAdmin):  # type: ignore[misc]
    form = FlagForm
    action_form = WithReason
    actions = ("kill", "remove")  # type: ignore[assignment]
    list_display = ("name", "everyone", "percent", "unit", "owner", "expires_on", "version")  # type: ignore[assignment]
    list_filter = ("everyone", "unit")  # type: ignore[assignment]
    exclude = ("rollout", "created", "modified")  # waffle's rollout mode is about cookies, which there are none of
    readonly_fields = ("version",)

    def get_form(self, request: HttpRequest, obj: Flag | None = None, change: bool = False, **kwargs: Any) -> Any:
        made = super().get_form(request, obj, change, **kwargs)
        return type(made.__name__, (made,), {"by": Person.of_user(request.user)})

    def get_readonly_fields(self, request: HttpRequest, obj: Flag | None = None) -> tuple[str, ...]:
        # code asks for it by its name
        return (*super().get_readonly_fields(request, obj), *(("name",) if obj else ()))

    def has_change_permission(self, request: HttpRequest, obj: Flag | None = None) -> bool:
        may = bool(super().has_change_permission(request, obj))
        return may and (obj is None or not obj.is_locked or Person.of_user(request.user).may_approve)

    def has_delete_permission(self, request: HttpRequest, obj: Flag | None = None) -> bool:
        return False  # its own page asks for no reason: the list's action does

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        return dict(super().get_actions(request)) if self.has_change_permission(request) else {}

    def save_model(self, request: HttpRequest, obj: Flag, form: FlagForm, change: bool) -> None:
        """The form has done it."""
        if isinstance(form.made, Proposal):
            self.message_user(request, "It waits for a second person: nothing was changed.", messages.WARNING)
        obj.pk = Flag.objects.get(name=obj.name).pk
        obj.refresh_from_db()

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Members too."""

    @admin.action(description="Kill for everyone")
    def kill(self, request: HttpRequest, chosen: QuerySet[Flag]) -> None:
        self._each(request, chosen, lambda flag, by, why: verbs.kill(flag.name, by=by, reason=why, now=timezone.now()))

    @admin.action(description="Delete")
    def remove(self, request: HttpRequest, chosen: QuerySet[Flag]) -> None:
        def delete(flag: Flag, by: Person, why: str) -> object:
            return verbs.delete(flag.name, expect=flag.version, by=by, reason=why, now=timezone.now())

        self._each(request, chosen, delete)

    def _each(self, request: HttpRequest, chosen: QuerySet[Flag], do: Callable[[Flag, Person, str], object]) -> None:
        """One refusal keeps none of the others from it."""
        by, why, done = Person.of_user(request.user), request.POST.get("reason", ""), 0
        for flag in chosen:
            try:
                do(flag, by, why)
                done += 1
            except FlagError as refused:
                self.message_user(request, f"{flag.name}: {refused}", messages.ERROR)
        if done:
            self.message_user(request, f"Done for {done} flag{'s' if done > 1 else ''}.")
