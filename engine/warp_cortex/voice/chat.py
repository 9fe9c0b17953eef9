"""The chat voice of a model, read from its tokenizer's own template whatever its format."""

from collections.abc import Mapping, Sequence
from typing import Any

from warp_cortex.voice.shipped import CHAT
from warp_cortex.voice.voice import Voice

ROLES = ("system", "user", "assistant")
USER = "voice-probe-user"
ANSWER = "voice-probe-answer"
QUESTION = "voice-probe-question"

Messages = Sequence[Mapping[str, str]]


def has_template(tokenizer: Any) -> bool:
    """Tell whether a tokenizer knows how chats are written."""
    return bool(getattr(tokenizer, "chat_template", None))


def render(tokenizer: Any, messages: Messages) -> str:
    """Return messages as the text that the model's own template makes of them, the answer opened.

    Raises:
        ValueError: there is no message, a message is not a role and a text, or the template
            refuses them.
    """
    check(messages)
    if not has_template(tokenizer):
        msg = "this model has no chat template, so it takes a text, not messages"
        raise ValueError(msg)
    return _applied(tokenizer, messages, opened=messages[-1]["role"] != "assistant")


def check(messages: Messages) -> None:
    """Raise a ValueError that names the first message which is not a role and a text."""
    if not messages:
        msg = "messages must hold at least one {'role': ..., 'content': ...}, got none"
        raise ValueError(msg)
    for number, message in enumerate(messages):
        if not isinstance(message, Mapping) or set(message) < {"role", "content"}:
            msg = f"message {number} must be {{'role': ..., 'content': ...}}, got {message!r:.80}"
            raise ValueError(msg)
        if message["role"] not in ROLES:
            msg = f"message {number} has role {message['role']!r:.40}; known: {', '.join(ROLES)}"
            raise ValueError(msg)
        if not isinstance(message["content"], str) or not message["content"]:
            msg = (
                f"message {number} must have a text as its content, got {message['content']!r:.40}"
            )
            raise ValueError(msg)


def chat_voice(tokenizer: Any) -> Voice:
    """Return the chat voice with what this tokenizer's template writes around a question.

    A conversation with a known answer and question is rendered; what stands between the two closes
    the open turn and asks, what follows the question opens the next answer.

    Raises:
        ValueError: the template cannot render a conversation, or changes what was said in it.
    """
    talk = [
        {"role": "user", "content": USER},
        {"role": "assistant", "content": ANSWER},
        {"role": "user", "content": QUESTION},
    ]
    text = _applied(tokenizer, talk, opened=True)
    _, found, rest = text.partition(ANSWER)
    before, asked, after = rest.partition(QUESTION)
    if not found or not asked:
        msg = "the chat template does not write what was said as it was said; give a voice"
        raise ValueError(msg)
    return CHAT.altered(before_task=before, after_task=after)


def _applied(tokenizer: Any, messages: Messages, *, opened: bool) -> str:
    try:
        text: str = tokenizer.apply_chat_template(
            [dict(message) for message in messages],
            tokenize=False,
            add_generation_prompt=opened,
            continue_final_message=not opened,
        )
    except Exception as error:  # a template is a program of the model's author
        why = str(error).strip().partition("\n")[0][:160] or type(error).__name__
        msg = f"the model's chat template refuses these messages ({why})"
        raise ValueError(msg) from error
    return text
