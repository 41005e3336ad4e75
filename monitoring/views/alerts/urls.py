"""The addresses of the alerts' pages, below alerts/."""

from __future__ import annotations

from django.urls import path

from monitoring.views.alerts import silences
from monitoring.views.alerts.channels import page as channels
from monitoring.views.alerts.fired import acts
from monitoring.views.alerts.fired import page as fired
from monitoring.views.alerts.rules import page as rules

urlpatterns = [
    path("", fired.alerts, name="alerts"),
    path("live/", fired.alerts_live, name="alerts-live"),
    path("rules/", rules.alert_rules, name="alert-rules"),
    path("rules/live/", rules.alert_rules_live, name="alert-rules-live"),
    path("rules/new/", rules.alert_rule_new, name="alert-rule-new"),
    path("rules/<uuid:id>/", rules.alert_rule, name="alert-rule"),
    path("rules/<uuid:id>/<slug:act>/", rules.alert_rule_act, name="alert-rule-act"),
    path("silences/", silences.alert_silences, name="alert-silences"),
    path("silences/preview/", silences.alert_silence_preview, name="alert-silence-preview"),
    path("silences/all/", silences.alert_silence_all, name="alert-silence-all"),
    path("silences/<uuid:id>/end/", silences.alert_silence_end, name="alert-silence-end"),
    path("channels/", channels.alert_channels, name="alert-channels"),
    path("channels/<uuid:id>/", channels.alert_channel, name="alert-channel"),
    path("channels/<uuid:id>/test/", channels.alert_channel_test, name="alert-channel-test"),
    path("channels/<uuid:id>/delete/", channels.alert_channel_delete, name="alert-channel-delete"),
    path("deliveries/<uuid:id>/retry/", channels.alert_delivery_retry, name="alert-delivery-retry"),
    path("<uuid:id>/<slug:act>/", acts.alert_act, name="alert-act"),
]
