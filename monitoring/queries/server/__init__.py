"""What PostgreSQL says of itself: its figures, its connections, and the use of tables and indexes."""
