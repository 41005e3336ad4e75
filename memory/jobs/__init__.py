"""Background work: the row is the job, and a Celery message says only that a user has some.

Data flows through kinds → submit → dispatch → claim → finish, with sweep for what was dropped on the way.
"""
