"""One flag opened: its cohorts side by side, its plan's stages, its guard, its history, and whether a unit is in."""
