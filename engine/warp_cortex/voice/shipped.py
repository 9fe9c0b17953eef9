"""The three voices that ship: of the bundled village model, of chat models, of base models."""

from warp_cortex.voice.voice import Voice

NOTHING = ("nothing to add", "nothing is known", "nothing", "none", "no further information")
# sentences begun, which a stream completes as the text does: a small model quotes its headings when
# it is asked about a whole text
STANDING = (
    "If somebody is …",
    "It must not …",
    "The number of …",
    "Nobody is allowed …",
    "It was decided …",
    "On the first …",
)
QUOTING = {
    "task": "{task}",
    "sentence": "What does the text say?",
    "uncertain": "What does the text say?",
    "schedule": "What does the text say?",
}

VERDICT = 'Is this true according to the text: "{thought}" Answer Yes or No.'

VILLAGE = Voice(
    name="village",
    before_task=" [TASK: ",
    after_task="] thought:",
    stops=("\n",),
    reference=" [Ref: {thought}]",
)

# A small model that checks a sentence quotes better than it answers: its answer is begun for it, as
# a quotation, and ends with the closing mark. A question it answers better without: over a few
# landmarks it would quote the question.
CHAT = Voice(
    name="chat",
    opening="{text}\n\nTell me what this text says, with its names, numbers and times.",
    answer='The text says: "',
    tasks={**QUOTING, "task": "{task} Answer in one short sentence."},
    standing=STANDING,
    stops=("\n", '"', ". "),
    completes=("sentence", "uncertain", "schedule"),
    reference=" {thought}",
    nothing=NOTHING,
    verdict=VERDICT,
)

PLAIN = Voice(
    name="plain",
    before_task="\n\nQuestion: ",
    after_task="\nAnswer:",
    answer=' The text says: "',
    tasks=QUOTING,
    standing=STANDING,
    stops=("\n", '"', ". "),
    completes=("sentence", "uncertain", "schedule"),
    reference=" {thought}",
    nothing=NOTHING,
    verdict=VERDICT,
)

VOICES = {voice.name: voice for voice in (VILLAGE, CHAT, PLAIN)}
