"""The three voices that ship: of the bundled village model, of chat models, of base models."""

from warp_cortex.voice.voice import Voice

NOTHING = ("nothing to add", "nothing is known", "nothing", "none", "no further information")
STANDING = (
    "Which prices, times or dates does the text give?",
    "Who is named in the text, and what is said of them?",
    "What does the text forbid or warn of?",
)

VILLAGE = Voice(
    name="village",
    before_task=" [TASK: ",
    after_task="] thought:",
    stops=("\n",),
    reference=" [Ref: {thought}]",
)

# A small model quotes better than it answers: its answer is begun for it, as a quotation, and ends
# with the closing mark. What is quoted can be verified.
CHAT = Voice(
    name="chat",
    opening="{text}\n\nTell me what this text says, with its names, numbers and times.",
    answer='The text says: "',
    tasks={
        "task": "{task}",
        "sentence": "What does the text say?",
        "uncertain": "What does the text say?",
    },
    standing=STANDING,
    stops=("\n", '"', ". "),
    completes=("sentence", "uncertain"),
    reference="\n\n{thought}\n\n",
    nothing=NOTHING,
)

PLAIN = Voice(
    name="plain",
    before_task="\n\nQuestion: ",
    after_task="\nAnswer:",
    answer=' The text says: "',
    tasks={
        "task": "{task}",
        "sentence": "What does the text say?",
        "uncertain": "What does the text say?",
    },
    standing=STANDING,
    stops=("\n", '"', ". "),
    completes=("sentence", "uncertain"),
    reference="\n\n{thought}\n\n",
    nothing=NOTHING,
)

VOICES = {voice.name: voice for voice in (VILLAGE, CHAT, PLAIN)}
