"""Slow and repeated queries, where they ran, and from when on a query is slow."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('monitoring', '0004_tracing'),
    ]

    operations = [
        migrations.CreateModel(
            name='QueryPolicy',
            fields=[
                ('id', models.PositiveSmallIntegerField(default=1, primary_key=True, serialize=False)),
                ('slow_ms', models.PositiveIntegerField()),
                ('actor', models.CharField(max_length=150)),
                ('changed_at', models.DateTimeField()),
            ],
            options={
                'verbose_name_plural': 'query policies',
            },
        ),
        migrations.CreateModel(
            name='SlowQuery',
            fields=[
                ('fingerprint', models.CharField(max_length=16, primary_key=True, serialize=False)),
                ('template', models.TextField()),
                ('first_seen', models.DateTimeField()),
                ('last_seen', models.DateTimeField(db_index=True)),
                ('plan', models.JSONField(blank=True, help_text="PostgreSQL's plan for any values, as it last was.", null=True)),
                ('plan_problem', models.CharField(blank=True, help_text='Why there is no plan.', max_length=300)),
                ('planned_at', models.DateTimeField(blank=True, null=True)),
                ('proof', models.JSONField(blank=True, help_text='What an index was found to save, and how.', null=True)),
            ],
            options={
                'verbose_name_plural': 'slow queries',
            },
        ),
        migrations.CreateModel(
            name='QueryUse',
            fields=[
                ('pk', models.CompositePrimaryKey('query_id', 'route', 'start', blank=True, editable=False, primary_key=True, serialize=False)),
                ('route', models.CharField(help_text="An operation's name, or `job` and its kind; empty elsewhere.", max_length=100)),
                ('start', models.BigIntegerField(help_text='Epoch second at which the five minutes begin.')),
                ('slow', models.IntegerField(default=0, help_text='Runs that took longer than the threshold.')),
                ('seconds', models.FloatField(default=0, help_text='Those runs together.')),
                ('longest', models.FloatField(default=0, help_text='The longest of them, in seconds.')),
                ('rows', models.BigIntegerField(default=0, help_text='Rows that they returned or changed.')),
                ('repeats', models.IntegerField(default=0, help_text='Requests that ran it ten times or more.')),
                ('repeated', models.IntegerField(default=0, help_text='Its runs in those requests.')),
                ('repeated_s', models.FloatField(default=0, help_text='Those runs together, in seconds.')),
                ('most', models.IntegerField(default=0, help_text='The most runs in one request.')),
                ('query', models.ForeignKey(db_index=False, on_delete=models.CASCADE, related_name='uses', to='monitoring.slowquery')),
            ],
            options={
                'indexes': [models.Index(fields=['start'], name='queryuse_start')],
            },
        ),
    ]
