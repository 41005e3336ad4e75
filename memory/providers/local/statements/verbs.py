"""The forms of the verbs that people use about themselves: eat, eats, ate, eaten, eating."""

from __future__ import annotations

import re
from typing import Final


def words_of(text: str) -> tuple[str, ...]:
    """Return the words of a word list, which reads better as running text than as a column of quotes."""
    return tuple(text.split())


# base: past[/participle]; verbs not listed here are regular.
_IRREGULAR: Final = """
be:was/been have:had do:did go:went/gone run:ran/run eat:ate/eaten drink:drank/drunk swim:swam/swum
drive:drove/driven ride:rode/ridden read:read write:wrote/written speak:spoke/spoken teach:taught wear:wore/worn
sing:sang/sung buy:bought sell:sold get:got/gotten give:gave/given take:took/taken make:made come:came/come
leave:left lose:lost win:won grow:grew/grown quit:quit break:broke/broken pay:paid spend:spent sleep:slept
wake:woke/woken fly:flew/flown see:saw/seen meet:met know:knew/known think:thought feel:felt keep:kept
begin:began/begun find:found bring:brought build:built tell:told say:said hear:heard tear:tore/torn
fall:fell/fallen cost:cost cut:cut put:put set:set let:let hurt:hurt hit:hit lead:led hold:held stand:stood
understand:understood become:became/become choose:chose/chosen forget:forgot/forgotten draw:drew/drawn catch:caught
send:sent lend:lent feed:fed sit:sat bite:bit/bitten knit:knit show:showed/shown outgrow:outgrew/outgrown
throw:threw/thrown wed:wed bear:bore/born mean:meant dream:dreamt learn:learnt
arise:arose/arisen awake:awoke/awoken beat:beat/beaten bend:bent bet:bet bind:bound bleed:bled blow:blew/blown
breed:bred broadcast:broadcast burn:burnt cling:clung creep:crept deal:dealt dig:dug fight:fought flee:fled
forbid:forbade/forbidden forgive:forgave/forgiven freeze:froze/frozen grind:ground hang:hung hide:hid/hidden
kneel:knelt lay:laid lean:leant leap:leapt lie:lay/lain light:lit mistake:mistook/mistaken overcome:overcame/overcome
ring:rang/rung rise:rose/risen seek:sought shake:shook/shaken shoot:shot shrink:shrank/shrunk shut:shut
sink:sank/sunk slide:slid sew:sewed/sewn spin:spun split:split spread:spread steal:stole/stolen stick:stuck
strike:struck swear:swore/sworn sweep:swept undergo:underwent/undergone upset:upset weave:wove/woven
weep:wept withdraw:withdrew/withdrawn
"""
_REGULAR: Final = words_of(
    """
    accept adopt adore agree aim allow arrive attend avoid bake bark belong bike box call camp care
    carry cause celebrate change climb coach code collect commute compete complete cook cough count
    crochet cycle dance date decide decline despise detest die dislike divorce donate earn end enjoy
    enter entertain explore fail fast favour favor finish fish follow forage freelance garden
    graduate hate hike help hope host inherit injure intend intern introduce invest jog join juggle
    knead launch lift like listen live loathe look love major manage marry mentor meditate migrate
    miss move need open order own owe paint pass perform plan play plant practice practise prefer
    prepare promote publish qualify raise reach receive refuse relocate rent reside retire return
    review row sail save schedule settle share shop sign ski skate skip smoke snore snowboard sprain
    start stay stop stream study suffer support surf switch tend tolerate train travel tune turn use
    visit volunteer wait walk want wash watch weigh wish work worry
    admire admit afford approve arrange cancel confirm connect consist contain contribute create declare depart depend
    deploy develop employ engage establish exist expect expire hire improve insure maintain occupy operate own prefer
    provide refuse remain renovate repair require rescue restore specialise specialize subscribe supervise survive trust
    """
)

Forms = dict[str, tuple[str, str]]


def third(base: str) -> str:
    """Return the third person singular of a verb's base form: go → goes, study → studies."""
    if base in {"be", "have"}:
        return "is" if base == "be" else "has"
    if re.search(r"(?:s|x|z|ch|sh|o)$", base):
        return base + "es"
    return base[:-1] + "ies" if re.search(r"[^aeiou]y$", base) else base + "s"


def inflected(base: str) -> tuple[str, str, str]:
    """Return -s, -ed and -ing of a regular verb."""
    return third(base), _joined(base, "ed"), _joined(base, "ing")


def form_of(word: str) -> tuple[str, str]:
    """Return base form and form of the verb that follows "I", also of one that isn't listed."""
    if known := FORMS.get(word):
        return known
    if len(word) > 4 and word.endswith(("ed", "ing")) and not word.endswith(("eed", "thing")):
        return word, "past" if word.endswith("ed") else "ing"
    return word, "base"


def _joined(base: str, suffix: str) -> str:
    """Add -ed or -ing: smoke → smoking, study → studied, plan → planning."""
    if base.endswith("ie") and suffix == "ing":
        return base[:-2] + "ying"
    if base.endswith("e") and not (base.endswith(("ee", "oe", "ye")) and suffix == "ing"):
        return base[:-1] + suffix
    if suffix == "ed" and re.search(r"[^aeiou]y$", base):
        return base[:-1] + "ied"
    short = re.fullmatch(r"[^aeiou]*[aeiou][^aeiouwxy]", base) or base in {"commit", "begin", "prefer", "forget"}
    return base + base[-1] + suffix if short else base + suffix


def _all_forms() -> Forms:
    forms: Forms = {}
    irregular = {base: past.split("/") for base, past in (entry.split(":") for entry in _IRREGULAR.split())}
    for base in [*irregular, *_REGULAR]:
        forms.setdefault(_joined(base, "ing"), (base, "ing"))
        forms.setdefault(third(base), (base, "third"))
        pasts = irregular.get(base, [_joined(base, "ed")])
        forms.setdefault(pasts[-1], (base, "participle"))
        forms[pasts[0]] = (base, "past")
    for base in [*irregular, *_REGULAR]:
        # "quit" and "read" are written alike in all times: "I quit" is nearly always past, "I read" present.
        if base not in {"quit", "wed", "cut", "hurt", "hit"}:
            forms[base] = (base, "base")
    spelled = {"am": "base", "are": "base", "is": "third", "were": "past", "being": "ing"}
    forms |= {word: ("be", form) for word, form in spelled.items()}
    return forms | {"travelling": ("travel", "ing"), "travelled": ("travel", "past"), "learned": ("learn", "past")}


FORMS: Final[Forms] = _all_forms()
# Written in the perfect as in the present: "I have become", "I have run".
UNCHANGED: Final = frozenset(words_of("""become come overcome run"""))
MODALS: Final = frozenset(words_of("""will would can cannot could must might may should shall"""))
