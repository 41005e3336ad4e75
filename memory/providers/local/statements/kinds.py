"""The kinds of memories, and the nouns, states and times by which they are recognised."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Final


class Kind(StrEnum):
    """What a memory is about."""

    IDENTITY = "identity"
    PREFERENCE = "preference"
    HABIT = "habit"
    PLAN = "plan"
    RELATION = "relation"
    WORK = "work"
    PLACE = "place"
    HEALTH = "health"
    CONSTRAINT = "constraint"
    POSSESSION = "possession"
    OTHER = "other"


# How much it hurts to have forgotten it: health and limits do harm, a purchase or an outing seldom.
IMPORTANCE: Final = {
    Kind.HEALTH: 0.9, Kind.CONSTRAINT: 0.8, Kind.IDENTITY: 0.8, Kind.RELATION: 0.7, Kind.WORK: 0.7, Kind.PLACE: 0.7,
    Kind.PREFERENCE: 0.6, Kind.PLAN: 0.6, Kind.HABIT: 0.5, Kind.POSSESSION: 0.5, Kind.OTHER: 0.3,
}  # fmt: skip

Rules = list[tuple[Kind, re.Pattern[str]]]


def rules(*pairs: tuple[Kind, str]) -> Rules:
    return [(kind, re.compile(pattern)) for kind, pattern in pairs]


UP_TO_4: Final = r"(?:[\w'$€£-]+ ){0,4}?"
UP_TO_3: Final = r"(?:[\w'-]+ ){0,3}?"
DAYS: Final = r"(?:mon|tues|wednes|thurs|fri|satur|sun)days?"
OFTEN_TEXT: Final = (
    rf"\b(?:every|each|always|usually|often|regularly|never|sometimes|normally|mostly|rarely|hardly ever|"
    rf"no longer|on {DAYS[:-1]}|{DAYS[:-1]}|"
    r"daily|weekly|monthly|twice|once an?|mornings|evenings|weekdays|weekends|most (?:days|mornings|"
    r"evenings|weekends|nights|weeks)|"
    r"(?:a|per) (?:day|week|month|year|night)|at night|in the (?:mornings?|evenings?)|since|for (?:[\w.]+ )?(?:years|"
    r"months|decades)|"
    r"before work|after work|any ?more|these days|all my life)\b"
)
OFTEN: Final = re.compile(OFTEN_TEXT, re.IGNORECASE)
MONTH: Final = (
    r"(?:January|February|March|April|May|June|July|August|September|October|November|December|"
    r"(?:Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)\b)"
)
DATED: Final = re.compile(
    rf"\b(?:yesterday|tomorrow|(?:last|next) (?:week|weekend|month|year|night|summer|winter|spring|fall|autumn|{DAYS})|"
    rf"(?:on|in|since|by|until) (?:the )?(?:{DAYS}|{MONTH}|19\d\d|20\d\d|\d+(?:st|nd|rd|th))|{MONTH} \d+|"
    r"(?:a|an|\d+|two|three|four|five|six|seven|eight|nine|ten|a few) (?:days?|weeks?|months?|"
    r"years?) ago|\d{4}-\d\d-\d\d)\b",
    re.IGNORECASE,
)
MONEY: Final = (
    r".*(?:[$€£]\s?\d|\d[\d,.]*k?\s*(?:dollars|euros|pounds|usd|eur|gbp|francs|bucks|[$€£]|a (?:month|"
    r"year|week)|per))"
)
THING: Final = (
    r"(?:dogs?|cats?|kitten|puppy|puppies|parrot|horse|rabbits?|hamster|guinea pigs?|fish|tortoise|"
    r"turtle|snake|pets?|chickens|hens|bird|budgie|cars?|van|bikes?|"
    r"bicycle|motorbike|motorcycle|boat|camper|guitar|piano|violin|cello|drum kit|house|flat|apartment|"
    r"condo|cottage|cabin|garden|allotment|"
    r"collection|telescope|kayak|canoe|greenhouse|printer|synth\w*|keyboard|saxophone|flute|tent|"
    r"record player|iphone|android|macbook|laptop|[A-Z]\w+)\b"
)
KIN: Final = (
    r"(?:gran|nan|newborn|infant|teenagers?|brothers?|sisters?|sons?|daughters?|kids?|child|children|twins?|bab(?:y|"
    r"ies)|"
    r"toddler|wife|husband|spouse|partner|girlfriend|boyfriend|fianc[eé]e?|"
    r"(?:grand|step|god)[- ]?(?:son|daughter|child|children|mother|father|parents|kids|ma|pa)|"
    r"grandm\w+|grandpa|mother|father|mum|mom|dad|parents?|aunt|uncle|"
    r"cousins?|niece|nephew|family|siblings?|in-laws?|mother-in-law|father-in-law|flatmates?|roommates?|"
    r"housemates?|ex|gf|bf|hubby|bff|roomies?|best friend|friends?|"
    r"boss|manager|team lead|colleagues?|neighbou?rs?|landlord|landlady|mentor|coach|therapist|"
    r"doctor|dentist|gp|vet|nanny|teacher|supervisor)\b"
)
MEDICINE: Final = (
    r"(?:insulin|pills?|medication|meds|medicine|statins?|\d+ ?mg|vitamins?|antihistamines?|antidepressants?|metformin|"
    r"tablets?|blood thinners?|ibuprofen|inhaler|aspirin|antibiotics|steroids|painkillers?|\w+(?:pril|olol|statin|"
    r"formin|"
    r"azole|cillin|pine|pam|oxetine|sartan))\b"
)
TRAIT: Final = (
    r"(?:(?:nick|user|sur|middle )?name|preferred \w+|birthday|rent|salary|budget|address|job|hobby|hobbies|allergy|"
    r"allergies|wedding|"
    r"anniversary|flight|appointment|surgery|exam|flat|"
    r"apartment|house|home|office|commute|shifts?|working hours|work hours|goal|dream|diet|blood type|"
    r"height|weight|shoe size|time ?zone|degree|team|company|employer|hometown|"
    r"nationality|religion|pronouns|mortgage|payment|background|native language|mother tongue|"
    r"first language|car|bike|dog|cat|parrot|horse|rabbit|hamster|"
    r"puppy|kitten|pets?|laptop|phone|preference|favou?rite|lease|contract|visa|deadline|profession|"
    r"role|major|thesis|habit|routine|"
    r"specialty|dosage|insurance|eyesight|hearing|knees?|back|asthma|migraines?|blood pressure|"
    r"studio|shop|business|band|best \w+|record|deposit|savings|rent)\b"
)
DURABLE: Final = (
    r"(?:learn|move|visit|run|become|start|launch|buy|travel|lose|quit|retire|write|study|get married|"
    r"marry|adopt|build|live|save|improve|switch|"
    r"go (?:back|to [A-Z]|vegan|vegetarian|freelance)|open|train|apply|join|publish|finish|complete|"
    r"volunteer|teach|work|reduce|cut|stop|propose|relocate|"
    r"renovate|fly|hike|climb|cycle|swim|have (?:kids|children|a)|take up|pursue|create|continue|"
    r"foster|raise|sell|host|organi[sz]e|celebrate|graduate)\b"
)
PROFESSION: Final = (
    r"an? (?!(?:lot|bit|little|few|huge|big) )(?:[\w-]+ ){0,3}?(?!(?:bit|loser|newcomer|number|"
    r"matter|disaster|customer|user|mother|father|brother|sister|lover|"
    r"believer|member|supporter|stranger|winner)\b)(?:\w{3,}(?:er|or|ist|ian|eer|yst|ant)|nurse|"
    r"chef|pilot|student|vet|coach|lead|cto|ceo|phd|postdoc|intern|"
    r"scientist|barista|cop|lawyer|attorney|resident|surgeon|manager|founder|freelance|carpenter|"
    r"tutor|nanny|guide|clerk|agent|\w*admin|baker)\b"
)

BE: Final = rules(
    (
        Kind.HEALTH,
        r"(?i:.*\b(?:allergic|intolerant|diabetic|asthmatic|pregnant|colou?r.?blind|deaf|c[o]?eliac|"
        r"anemic|anaemic|diagnosed|dyslexic|autistic|epileptic|"
        r"lactose|recovering from|in remission|in a wheelchair|sober|immunocompromised|"
        r"short-sighted|hospitali[sz]ed)\b)",
    ),
    (
        Kind.CONSTRAINT,
        r"(?i:(?:an? )?(?:(?:strict|lifelong|mostly|strictly) )?(?:vegetarian|vegan|pescatarian|teetotal|"
        r"gluten|halal|kosher)|on an? (?:[\w-]+ )?(?:budget|diet)|"
        rf"(?:only )?(?:free|available|off|busy|away) (?:on|after|before|until|from|every|for)\b|not allowed|"
        rf"limited to|restricted|on call|capped|due\b|{MONEY[2:]})",
    ),
    (
        Kind.WORK,
        rf"(?i:an? {UP_TO_3}(?:boss|manager|team lead|mentor|coach|therapist|doctor|dentist|gp|vet|nanny|teacher|"
        rf"supervisor|"
        r"landlord|landlady)\b|on (?:[\w-]+ )?(?:leave|sabbatical)\b|no longer with [A-Z])",
    ),
    (
        Kind.RELATION,
        rf"(?i:(?:happily |recently )?(?:married|engaged|single|divorced|widowed|separated|dating)\b|"
        rf"(?:an?|the|my|his|her|\w+'s) {UP_TO_3}{KIN})|[A-Z]\w+'s {UP_TO_3}{KIN}|my ex\b|"
        r"the (?:oldest|youngest|eldest|middle|only|first|second|third) (?:of|child|son|daughter|brother|sister|"
        r"one of)\b",
    ),
    (
        Kind.WORK,
        rf"(?i:{PROFESSION})|(?:self-employed|freelanc|unemployed|retired|between jobs|studying|majoring|"
        rf"(?:the|an?) {UP_TO_3}(?:head|founder|co-founder|director|ceo|cto|lead) )"
        r"|in (?:my )?(?:first|second|third|fourth|final|last) year|(?:employed|working) (?:at|as|for|in|from)",
    ),
    (Kind.OTHER, r"to [A-Z]\w+(?: [A-Z]\w+)?$"),
    (Kind.WORK, r"(?:at|with) .*\b(?:company|firm|hospital|school|job|team)\b.* (?:for|since)\b"),
    (
        Kind.PLACE,
        r"in [A-Z]\w+ (?:for|since)\b|(?:based|located|living|originally) (?:in|near|out|from|at)\b|"
        r"from (?:a |the )?(?:small |little )?[A-Z]",
    ),
    (
        Kind.IDENTITY,
        r"(?:named|called|born)\b|\d[\d.']* ?(?:feet|foot|ft|cm|m|metres?|meters?)\b.*\btall|(?i:(?:\d+|\w+teen|"
        r"\w+ty(?:-\w+)?|\w+)(?: and a half)? years? old)|"
        r"(?:[1-9]\d|10\d)$|turning (?:\d|\w+ty)|[A-Z]\w+(?:an|ish|ese|ian|ch)\b|"
        r"(?i:an? )?(?i:introvert|extrovert|introverted|extroverted|left-handed|right-handed|trans\b|"
        r"transgender|gay|lesbian|bisexual|non-binary|christian|muslim|jewish|hindu|buddhist|atheist|"
        r"catholic)|(?i:an? (?:\w+ )?(?:early|late) riser|an? (?:\w+ )?(?:night|morning|early|dog|"
        r"cat) (?:owl|person|bird)|an only child|alive$|dead$|an? (?:\w+ )?(?:immigrant|citizen|member|"
        r"trans \w+)|dyslexic)",
    ),
    (
        Kind.PREFERENCE,
        r"(?i:(?:an? |also )?(?:(?:big|huge|real|massive|avid|total|lifelong|not|more) ){0,2}(?:an? )?(?:fan|"
        r"lover) of|into (?!(?:it|that|this)\b)|fond of|keen on|"
        r"(?:obsessed with|passionate about|afraid of|scared of|terrified of|crazy about|partial to) (?!(?:it|"
        r"that|this|the|what|how)\b)|interested in (?!(?:it|that|this|the|what|how|any|see)\b)|"
        r"more of an? |my favou?rite)",
    ),
    (Kind.HABIT, r"(?i:in the habit of|used to \w+ing|addicted to|a smoker|a non-smoker)"),
)
DOING: Final = {
    Kind.PLAN: re.compile(
        rf"(?i:going to (?:be |\w+ly )?{DURABLE}|plan (?:to|on|a)|train for|prepare for|save (?:up )?(?:for|"
        rf"to)|get married|move (?:to|in|out|house|back)|fly (?:to|from|out|home)|"
        rf"travel (?:to|from)|go (?:to|on|back) .*(?:{DATED.pattern})|expect (?:an? )?(?:\w+ )?(?:baby|"
        rf"child|twins)|apply (?:to|for)|"
        rf"(?:think|thinking) (?:of|about) (?:mov|quit|adopt|buy|start|chang|switch)|hope to {DURABLE}|"
        rf"look (?:to|forward to) {DURABLE}|aim (?:to|for)|"
        r"start (?:an? |at |my ).*|turn \d|renovate|relocate to|host|run (?:an? |the ).*(?:marathon|"
        r"race|k\b)|have (?:surgery|a baby)|launch|retire)"
    ),
    Kind.HABIT: re.compile(
        rf"(?i:learn (?!about|that|how much)|practi[sc]e|try to (?:lose|quit|eat|drink|learn|save|get|"
        rf"cut|stop|reduce|run|go)|take (?:an? |\w+ )?(?:\w+ )?(?:class|course|lesson)|(?!go to |keep ).*{OFTEN_TEXT})"
    ),
    Kind.WORK: re.compile(
        r"(?i:work (?:at|as|for|from|part|full|nights|in|remotely)|study (?!this|the)|teach|freelance|"
        r"train (?:as|to be)|write (?:a|my) (?:book|novel|thesis|dissertation))"
    ),
    Kind.RELATION: re.compile(
        r"(?:split|break) up|separate\b|get (?:divorced|engaged)|(?:date|see) (?:[A-Z]|a |someone)|raise"
    ),
    Kind.PLACE: re.compile(r"live (?:in|with|near|at|alone)|rent\b|stay with my"),
}
HAVE: Final = rules(
    (
        Kind.HEALTH,
        rf"(?i:{UP_TO_4}(?:allerg\w+|asthma|diabetes|migraines?|adhd|anxiety|depression|arthritis|hypertension|"
        rf"high blood pressure|epilepsy|insomnia|c[o]?eliac\w*|intolerance|"
        r"surgery|(?:flat|bad|cold|weak) (?:feet|knees|hips|eyes|circulation)|sciatica|eczema|tinnitus|"
        r"sleep apnea|an? (?:bad|injured|weak|broken|torn) \w+|pacemaker|hay fever|parkinson's|dementia|"
        r"cancer|autism|dyslexia|pcos|ibs|endometriosis|allergic reaction)\b)",
    ),
    (
        Kind.WORK,
        rf"(?i:an? {UP_TO_3}(?:job|degree|phd|master's|business|shop|company|bakery|diploma|certificate|"
        rf"background|practice)\b)",
    ),
    (
        Kind.PLAN,
        rf"(?i:(?:an?|my|our|the) {UP_TO_3}(?:flight|exam|interview|wedding|appointment|race|marathon|"
        rf"trip|conference|meeting|concert|recital|show|exhibition|tournament|competition)\b.*(?:{DATED.pattern}))",
    ),
    (
        Kind.RELATION,
        rf"(?!(?:the|this|that|some)\b)(?i:(?:(?!with|for|of|to|from|at|about|so|really)[\w'-]+ ){{0,4}}?{KIN}(?!'|"
        rf" of\b| to\b| that\b| time\b| love\b| \w+s\b))",
    ),
    (
        Kind.POSSESSION,
        rf"(?!(?:the|this|that)\b)(?:an?|two|three|four|five|six|my|our|\d+|both|chickens|hens) {UP_TO_3}{THING}",
    ),
    (Kind.HABIT, r"(?i:(?:an?|the|my) (?:\w+ )?(?:habit|routine|tradition|ritual) )"),
    (
        Kind.CONSTRAINT,
        rf"(?i:(?:an?|my) (?:[\w-]+ )?(?:budget|deadline|curfew|limit)|to (?:be (?:home|at|in)|take|"
        rf"avoid|pick|leave|work|wear).*{OFTEN_TEXT}|no (?:car|license|licence|allerg\w+|kids|children|"
        rf"siblings))",
    ),
)
