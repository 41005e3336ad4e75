"""How dates are written in the admin: as in the console, 24 hours and without a.m. and p.m."""
