"""Alerts: rules and the states of their instances, episodes, silences, channels, and the outbox of notifications."""

import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.db.models.deletion
import django.utils.timezone
import monitoring.ids
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('monitoring', '0005_queries'),
    ]

    operations = [
        migrations.CreateModel(
            name='AlertRule',
            fields=[
                ('id', models.UUIDField(default=monitoring.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(help_text='Such as "queue-depth"; it never changes.', max_length=80, unique=True)),
                ('title', models.CharField(help_text='What people read, such as “More than 1,000 jobs wait”.', max_length=120)),
                ('summary', models.CharField(blank=True, max_length=300)),
                ('kind', models.CharField(choices=[('threshold', 'Threshold'), ('rate', 'Rate or share'), ('ratio', 'Against a baseline'), ('burn', 'Burn rate of an error budget'), ('event', 'Event')], default='threshold', max_length=9)),
                ('metric', models.CharField(help_text='A series, several with + between them, or with one *: an instance per series.', max_length=200)),
                ('measure', models.CharField(choices=[('p50', 'p50 (ms)'), ('p95', 'p95 (ms)'), ('p99', 'p99 (ms)'), ('mean', 'mean (ms)'), ('count', 'count in the window'), ('rate', 'per second'), ('share', 'share of the denominator (%)'), ('value', 'latest value'), ('average', 'average value'), ('max', 'largest value'), ('min', 'smallest value')], max_length=7)),
                ('denominator', models.CharField(blank=True, help_text="Of a share; * is the metric's.", max_length=200)),
                ('window_s', models.PositiveIntegerField()),
                ('comparison', models.CharField(choices=[('above', 'Above'), ('below', 'Below')], default='above', max_length=5)),
                ('thresholds', models.JSONField(help_text='[{severity, fire, clear}], of a burn rate with long_s and short_s.')),
                ('for_s', models.PositiveIntegerField(default=0)),
                ('keep_firing_s', models.PositiveIntegerField(default=0)),
                ('min_events', models.PositiveIntegerField(default=0, help_text='Fewer in the window are no data.')),
                ('no_data', models.CharField(choices=[('alert', 'Alert'), ('keep', 'Keep the last state'), ('ok', 'Good')], default='ok', max_length=5)),
                ('baseline', models.CharField(blank=True, choices=[('', 'None'), ('control', 'The control cohort'), ('before', 'The period before')], default='', max_length=7)),
                ('objective', models.FloatField(blank=True, help_text='Of a burn rate: 0.999 of all requests are good.', null=True)),
                ('labels', models.JSONField(blank=True, default=dict, help_text='{name: value}; what alerts are grouped by.')),
                ('recommendation', models.TextField(blank=True, help_text='What to do, a step per line.', max_length=2000)),
                ('link', models.CharField(blank=True, help_text='The page that shows why, such as "queues?range=1h".', max_length=200)),
                ('channels', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=60), blank=True, default=list, help_text='None: all channels.', size=None)),
                ('is_enabled', models.BooleanField(default=True)),
                ('is_builtin', models.BooleanField(default=False)),
                ('version', models.PositiveIntegerField(default=1)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('changed_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('changed_by', models.CharField(blank=True, max_length=150)),
            ],
        ),
        migrations.CreateModel(
            name='Channel',
            fields=[
                ('id', models.UUIDField(default=monitoring.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(help_text='It never changes: rules name it.', max_length=60, unique=True)),
                ('kind', models.CharField(choices=[('email', 'E-mail'), ('webhook', 'Signed webhook'), ('slack', 'Slack-compatible webhook'), ('apprise', 'Apprise'), ('heartbeat', 'Heartbeat')], max_length=9)),
                ('target', models.TextField(help_text='Sealed: addresses or a URL.')),
                ('secret', models.TextField(blank=True, help_text="Sealed: the key of a webhook's signature.")),
                ('shown', models.CharField(help_text='What of the target may be seen.', max_length=200)),
                ('is_enabled', models.BooleanField(default=True)),
                ('version', models.PositiveIntegerField(default=1)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('delivered_at', models.DateTimeField(blank=True, help_text='The last that arrived.', null=True)),
                ('failed_at', models.DateTimeField(blank=True, null=True)),
                ('error', models.CharField(blank=True, help_text='Of the last that failed; empty since one arrived.', max_length=200)),
            ],
        ),
        migrations.CreateModel(
            name='Evaluation',
            fields=[
                ('id', models.PositiveSmallIntegerField(default=1, primary_key=True, serialize=False)),
                ('tick', models.BigIntegerField(help_text='Epoch second of the last evaluation.')),
                ('took_ms', models.FloatField(default=0)),
                ('rules', models.PositiveIntegerField(default=0)),
                ('errors', models.PositiveIntegerField(default=0, help_text='Rules that could not be evaluated.')),
                ('beaten_at', models.DateTimeField(blank=True, help_text='The last heartbeat that was sent.', null=True)),
            ],
        ),
        migrations.CreateModel(
            name='Alert',
            fields=[
                ('id', models.UUIDField(default=monitoring.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('rule_name', models.CharField(max_length=80)),
                ('title', models.CharField(max_length=120)),
                ('labels', models.JSONField(default=dict, help_text="The rule's and the instance's.")),
                ('instance', models.CharField(blank=True, help_text="What the pattern's * stands for.", max_length=100)),
                ('fingerprint', models.CharField(max_length=32)),
                ('phase', models.CharField(choices=[('firing', 'Firing'), ('recovering', 'Recovering'), ('resolved', 'Resolved')], max_length=10)),
                ('severity', models.CharField(choices=[('info', 'Info'), ('warning', 'Warning'), ('critical', 'Critical')], max_length=8)),
                ('worst', models.CharField(choices=[('info', 'Info'), ('warning', 'Warning'), ('critical', 'Critical')], max_length=8)),
                ('pending_since', models.DateTimeField()),
                ('firing_since', models.DateTimeField()),
                ('resolved_at', models.DateTimeField(blank=True, null=True)),
                ('end_reason', models.CharField(blank=True, max_length=200)),
                ('value', models.FloatField(blank=True, help_text="The latest, in the rule's unit.", null=True)),
                ('peak', models.FloatField(blank=True, null=True)),
                ('threshold', models.FloatField(help_text='That it crossed; of its severity.')),
                ('clear', models.FloatField(help_text='At which it recovers.')),
                ('window_s', models.PositiveIntegerField()),
                ('unit', models.CharField(blank=True, max_length=8)),
                ('is_no_data', models.BooleanField(default=False, help_text='It fires because there is nothing to judge.')),
                ('is_flapping', models.BooleanField(default=False)),
                ('is_inhibited', models.BooleanField(default=False, help_text='A worse one tells the same.')),
                ('steps', models.JSONField(default=list, help_text='[{at, word, text, actor}], the oldest first.')),
                ('traces', models.JSONField(default=list, help_text='Slow requests of the window: [{trace_id, ms, operation}].')),
                ('changes', models.JSONField(default=list, help_text='Events of the half hour before: [{at, kind, text, tone}].')),
                ('acknowledged_at', models.DateTimeField(blank=True, null=True)),
                ('acknowledged_by', models.CharField(blank=True, max_length=150)),
                ('note', models.CharField(blank=True, max_length=500)),
                ('snoozed_until', models.DateTimeField(blank=True, null=True)),
                ('rule', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='alerts', to='monitoring.alertrule')),
            ],
        ),
        migrations.CreateModel(
            name='AlertState',
            fields=[
                ('id', models.UUIDField(default=monitoring.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('fingerprint', models.CharField(help_text='Of the labels.', max_length=32)),
                ('labels', models.JSONField(default=dict)),
                ('phase', models.CharField(choices=[('normal', 'Normal'), ('pending', 'Pending'), ('firing', 'Firing'), ('recovering', 'Recovering'), ('no_data', 'No data'), ('error', 'Error')], default='normal', max_length=10)),
                ('severity', models.CharField(blank=True, choices=[('info', 'Info'), ('warning', 'Warning'), ('critical', 'Critical')], max_length=8)),
                ('since', models.BigIntegerField(help_text='Epoch second at which the phase began.')),
                ('clocks', models.JSONField(default=dict, help_text='{severity: epoch second since which at least that is crossed}.')),
                ('easing_since', models.BigIntegerField(blank=True, null=True)),
                ('flips', django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), default=list, help_text='When it began to fire, in the last hour.', size=None)),
                ('is_flapping', models.BooleanField(default=False)),
                ('missed', models.PositiveSmallIntegerField(default=0, help_text='Evaluations in a row that did not find its series.')),
                ('value', models.FloatField(blank=True, help_text="In the rule's unit.", null=True)),
                ('why', models.CharField(blank=True, help_text='Of no data or an error.', max_length=200)),
                ('tick', models.BigIntegerField(help_text='Epoch second of its last evaluation.')),
                ('alert', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='monitoring.alert')),
                ('rule', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='states', to='monitoring.alertrule')),
            ],
        ),
        migrations.CreateModel(
            name='AlertGroup',
            fields=[
                ('id', models.UUIDField(default=monitoring.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('key', models.CharField(help_text="The rules' worst severity and labels.", max_length=300)),
                ('waiting_since', models.DateTimeField(blank=True, help_text='When there was something to tell first.', null=True)),
                ('told_at', models.DateTimeField(blank=True, null=True)),
                ('told', models.JSONField(default=dict, help_text='{alert id: severity, with what was said about it}.')),
                ('round', models.PositiveIntegerField(default=0, help_text='Notifications so far.')),
                ('channel', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='monitoring.channel')),
            ],
        ),
        migrations.CreateModel(
            name='Notification',
            fields=[
                ('id', models.UUIDField(default=monitoring.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('key', models.CharField(help_text='Hash of group, channel, alerts and round.', max_length=64, unique=True)),
                ('group', models.CharField(max_length=300)),
                ('about', models.CharField(choices=[('firing', 'Firing'), ('resolved', 'Resolved'), ('repeat', 'Still firing')], max_length=8)),
                ('alerts', django.contrib.postgres.fields.ArrayField(base_field=models.UUIDField(), help_text='The alerts that it tells of.', size=None)),
                ('message', models.JSONField(help_text='monitoring.alerts.notify.message: what is told.')),
                ('state', models.CharField(choices=[('waiting', 'Waiting'), ('sending', 'Sending'), ('sent', 'Delivered'), ('dead', 'Given up')], default='waiting', max_length=7)),
                ('attempts', models.PositiveSmallIntegerField(default=0)),
                ('due_at', models.DateTimeField()),
                ('lease_until', models.DateTimeField(blank=True, null=True)),
                ('error', models.CharField(blank=True, max_length=200)),
                ('created_at', models.DateTimeField()),
                ('sent_at', models.DateTimeField(blank=True, null=True)),
                ('channel', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='notifications', to='monitoring.channel')),
            ],
        ),
        migrations.CreateModel(
            name='Silence',
            fields=[
                ('id', models.UUIDField(default=monitoring.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('matchers', models.JSONField(help_text='[{label, op, value}]; op is = or =~; all must match.')),
                ('author', models.CharField(max_length=150)),
                ('reason', models.CharField(max_length=200)),
                ('starts_at', models.DateTimeField()),
                ('ends_at', models.DateTimeField()),
                ('ended_by', models.CharField(blank=True, help_text='Empty when it expires.', max_length=150)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('is_maintenance', models.BooleanField(default=False)),
            ],
            options={
                'indexes': [models.Index(fields=['ends_at'], name='silence_end')],
            },
        ),
        migrations.AddIndex(
            model_name='alert',
            index=models.Index(fields=['-resolved_at', '-id'], name='alert_resolved'),
        ),
        migrations.AddIndex(
            model_name='alert',
            index=models.Index(fields=['-firing_since', '-id'], name='alert_fired'),
        ),
        migrations.AddConstraint(
            model_name='alert',
            constraint=models.UniqueConstraint(condition=models.Q(('resolved_at', None)), fields=('rule_name', 'fingerprint'), name='one_open_alert_of_an_instance'),
        ),
        migrations.AddConstraint(
            model_name='alertstate',
            constraint=models.UniqueConstraint(fields=('rule', 'fingerprint'), name='one_state_of_an_instance'),
        ),
        migrations.AddConstraint(
            model_name='alertgroup',
            constraint=models.UniqueConstraint(fields=('key', 'channel'), name='one_group_of_a_channel'),
        ),
        migrations.AddIndex(
            model_name='notification',
            index=models.Index(models.F('due_at'), condition=models.Q(('state__in', ['waiting', 'sending'])), name='notification_due'),
        ),
        migrations.AddIndex(
            model_name='notification',
            index=models.Index(fields=['created_at'], name='notification_age'),
        ),
        migrations.AddIndex(
            model_name='notification',
            index=django.contrib.postgres.indexes.GinIndex(fields=['alerts'], name='notification_alerts'),
        ),
    ]
