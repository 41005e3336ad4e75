"""The forms of a flag: a new one, and all that can be changed of one."""
