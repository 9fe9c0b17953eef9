"""The three voices that ship: of the bundled village model, of chat models, of base models."""

from warp_cortex.voice.voice import Voice

NOTHING = ("nothing to add", "nothing is known", "nothing", "none", "no further information")
STANDING = (
    "What does the text say that has not been mentioned yet?",
    "What in the text is most important for somebody who reads only this answer?",
)

VILLAGE = Voice(
    name="village",
    before_task=" [TASK: ",
    after_task="] thought:",
    stops=("\n",),
    reference=" [Ref: {thought}]",
)

CHAT = Voice(
    name="chat",
    opening="{text}\n\nTell me what this text says, with its names, numbers and times.",
    tasks={
        "task": "{task}",
        "sentence": (
            'What else does the text say about this: "{task}"\n'
            "Answer with one sentence of the text."
        ),
        "uncertain": (
            'How does this sentence go on, by the text: "{task}"\nAnswer with one sentence.'
        ),
        "schedule": "{task} Answer with one sentence of the text.",
        "asked": "{task} Answer with one short sentence.",
    },
    standing=STANDING,
    stops=("\n",),
    reference=" {thought}",
    nothing=NOTHING,
)

PLAIN = Voice(
    name="plain",
    before_task="\n\nQuestion: ",
    after_task="\nAnswer:",
    tasks={
        "task": "{task}",
        "sentence": 'What else does the text say about "{task}"?',
        "uncertain": 'How does this sentence go on: "{task}"?',
    },
    standing=STANDING,
    stops=("\n",),
    reference=" {thought}",
    nothing=NOTHING,
)

VOICES = {voice.name: voice for voice in (VILLAGE, CHAT, PLAIN)}
