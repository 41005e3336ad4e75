"""The admin's look: the console's colours for django-unfold (its Inter is the console's font too)."""

from __future__ import annotations

from django.templatetags.static import static

# neutral and accent steps of static/css/console.css, lightest first
BASE = (
    "#f2f5f6",
    "#e7edf1",
    "#dde4e8",
    "#bcc7ce",
    "#84929b",
    "#5d6a74",
    "#43505a",
    "#36434c",
    "#222c33",
    "#11171b",
    "#0b0f12",
)
PRIMARY = (
    "#eef5fe",
    "#dbe9fd",
    "#b9d6ff",
    "#92c5ff",
    "#6cb2ff",
    "#2a6fd6",
    "#1f66cc",
    "#1a60c4",
    "#174f9f",
    "#143f7e",
    "#0e2a54",
)
STEPS = ("50", "100", "200", "300", "400", "500", "600", "700", "800", "900", "950")

UNFOLD = {
    "SITE_TITLE": "Holdfast",
    "SITE_HEADER": "Holdfast",
    "SITE_URL": "/",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("icons/holdfast.svg")}],
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "BORDER_RADIUS": "6px",
    "COLORS": {"base": dict(zip(STEPS, BASE, strict=True)), "primary": dict(zip(STEPS, PRIMARY, strict=True))},
}
