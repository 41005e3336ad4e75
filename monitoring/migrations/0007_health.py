"""Assessments of readiness, and what drills found."""

import monitoring.ids
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("monitoring", "0006_alerts")]

    operations = [
        migrations.CreateModel(
            name='DrillResult',
            fields=[
                ('id', models.UUIDField(default=monitoring.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=40)),
                ('scope', models.CharField(help_text='What it made for itself is named so.', max_length=64)),
                ('actor', models.CharField(max_length=150)),
                ('reason', models.CharField(blank=True, max_length=500)),
                ('started_at', models.DateTimeField()),
                ('finished_at', models.DateTimeField(blank=True, null=True)),
                ('passed', models.BooleanField(default=False)),
                ('cleaned_up', models.BooleanField(default=False)),
                ('took_ms', models.FloatField(default=0)),
                ('summary', models.CharField(blank=True, max_length=500)),
                ('steps', models.JSONField(default=list, help_text='[{name, passed, took_ms, detail}].')),
                ('figures', models.JSONField(default=list, help_text='[{name, value, unit, target, at_most, passed}].')),
            ],
            options={
                'indexes': [models.Index(fields=['name', '-started_at'], name='drill_latest')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('finished_at', None)), fields=('name',), name='one_running_drill_of_a_kind')],
            },
        ),
        migrations.CreateModel(
            name='ReadinessResult',
            fields=[
                ('at', models.DateTimeField(primary_key=True, serialize=False)),
                ('score', models.FloatField(help_text='0 to 100; empty where nothing was known.', null=True)),
                ('confidence', models.FloatField(help_text='Percent of the weight of all rules whose value was known and fresh.')),
                ('level', models.CharField(blank=True, help_text='The highest level whose rules are all met.', max_length=8)),
                ('rules', models.JSONField(default=dict, help_text='{rule: [state, measured value]}.')),
            ],
        ),
    ]
