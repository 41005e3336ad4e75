"""The transitions of breakers, and what operators said about them."""

import monitoring.ids
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('monitoring', '0002_seconds_by_day'),
    ]

    operations = [
        migrations.CreateModel(
            name='BreakerOverride',
            fields=[
                ('id', models.UUIDField(default=monitoring.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(help_text="The breaker's.", max_length=300)),
                ('mode', models.CharField(choices=[('forced_open', 'Forced open'), ('disabled', 'Disabled'), ('metrics_only', 'Metrics only')], max_length=12)),
                ('actor', models.CharField(max_length=150)),
                ('reason', models.CharField(max_length=200)),
                ('since', models.DateTimeField()),
                ('until', models.DateTimeField()),
                ('ended_at', models.DateTimeField(blank=True, null=True)),
                ('ended_by', models.CharField(blank=True, help_text='Empty when it expired.', max_length=150)),
                ('end_reason', models.CharField(blank=True, max_length=200)),
            ],
            options={
                'constraints': [models.UniqueConstraint(condition=models.Q(('ended_at', None)), fields=('name',), name='one_standing_override_of_a_breaker')],
            },
        ),
        migrations.CreateModel(
            name='Transition',
            fields=[
                ('id', models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(help_text="The breaker's; of a family's member FAMILY/KEY.", max_length=300)),
                ('version', models.BigIntegerField()),
                ('at', models.DateTimeField(help_text="By Redis' clock.")),
                ('before', models.CharField(max_length=12)),
                ('after', models.CharField(max_length=12)),
                ('cause', models.CharField(help_text='Such as "rate", "consecutive", "recovered" or "override".', max_length=12)),
                ('reason', models.CharField(blank=True, max_length=200)),
                ('actor', models.CharField(blank=True, help_text='Who did it; empty when the breaker did.', max_length=150)),
                ('open_s', models.FloatField(default=0, help_text='For how long it opened.')),
            ],
            options={
                'indexes': [models.Index(fields=['name', 'at'], name='transition_name'), models.Index(fields=['at'], name='transition_age')],
            },
        ),
    ]
