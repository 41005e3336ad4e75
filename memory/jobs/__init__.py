"""Background work: the row is the job, and a Celery message says only that there is some.

Data flows through kinds → gate → submit → hints (dispatch and sweep repair them) → shift → claim (with locks) → users
and batch_size, or run → finish. People look with figures and output, and act with change.
"""
