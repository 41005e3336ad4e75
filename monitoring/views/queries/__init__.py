"""The Queries page: what is slow and where, why, and what would help; and what PostgreSQL says of itself."""
