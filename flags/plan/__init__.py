"""Rollout plans: a flag climbs through stages while its guard sees no harm, and comes down when it does.

Data flows through terms (stages, templates, policy) → begin → looks (gather → the guard's decision → act) → standing,
which is what the console shows; what people do in between is in people.
"""

from __future__ import annotations

from flags.plan.begin import COOL_DOWN, begin_scheduled, start
from flags.plan.looks.look import LOOK_S, due, look
from flags.plan.people import advance, end, hold, jump, resume, roll_back
from flags.plan.standing import Row, StageView, View, standing
from flags.plan.steps import latest, open_plan
from flags.plan.terms import TEMPLATES, Template

__all__ = [
    "COOL_DOWN",
    "LOOK_S",
    "TEMPLATES",
    "Row",
    "StageView",
    "Template",
    "View",
    "advance",
    "begin_scheduled",
    "due",
    "end",
    "hold",
    "jump",
    "latest",
    "look",
    "open_plan",
    "resume",
    "roll_back",
    "standing",
    "start",
]
