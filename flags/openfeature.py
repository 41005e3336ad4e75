"""An OpenFeature provider over this process's snapshot."""
