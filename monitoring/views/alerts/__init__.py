"""The alerts' pages: what fires and what to do, the rules, silences, and the channels that tell of it."""
