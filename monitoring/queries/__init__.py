"""What the database was asked: captured in every process, kept without values, explained, and advised on.

Data flows through capture (with fingerprint) → transport → store → read; `advice` says what would make a statement
faster, `server` what PostgreSQL says of itself. Only `capture` is on the way of a request.
"""
