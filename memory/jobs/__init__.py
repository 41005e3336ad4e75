"""Background work: the row is the job, and a Celery message says only that there is some.

Data flows through kinds → gate → submit → delivery (hints; dispatch and sweep repair them) → working (a shift claims,
runs and finishes jobs). People look with figures and output, and act with change.
"""
