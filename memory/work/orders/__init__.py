"""What people ask for: answers, exports, imports, erasure, warm caches, drills."""
