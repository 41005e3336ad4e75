"""The console's pages of flags."""
