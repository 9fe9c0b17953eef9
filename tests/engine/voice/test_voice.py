"""A voice: what is said to a model, what is no thought, and what a template gives away."""

import pytest
from warp_cortex import VOICES, CortexConfig, GateConfig, SynapseConfig, Voice
from warp_cortex.voice.chat import chat_voice, check, render
from warp_cortex.voice.files import voice_in
from warp_cortex.voice.profiles import settle, settle_for

CHATML = (
    "{% for m in messages %}<s>{{ m.role }}\n{{ m.content }}</s>\n{% endfor %}"
    "{% if add_generation_prompt %}<s>assistant\n{% endif %}"
)


class Tokenizer:
    """A tokenizer that knows how chats are written, and nothing else."""

    chat_template = CHATML

    def apply_chat_template(self, messages, *, tokenize, add_generation_prompt, **_):
        """Render as transformers does."""
        from jinja2 import Template

        assert not tokenize
        return Template(self.chat_template).render(
            messages=messages, add_generation_prompt=add_generation_prompt
        )


def test_the_words_around_a_question_are_the_templates():
    """A stream closes the open turn, asks as the user, and opens the assistant's turn."""
    voice = chat_voice(Tokenizer())
    assert (voice.before_task, voice.after_task) == ("</s>\n<s>user\n", "</s>\n<s>assistant\n")
    asked = voice.ask("when is it open?", "asked")
    assert asked == (
        "</s>\n<s>user\nwhen is it open? Answer in one short sentence.</s>\n<s>assistant\n"
    )
    checked = voice.ask("It is open on Monday.", "sentence")
    assert checked.endswith(f"</s>\n<s>assistant\n{voice.answer}")


def test_a_template_that_changes_what_was_said_is_refused():
    """No words around a question can be read from it."""
    tokenizer = Tokenizer()
    tokenizer.chat_template = "{% for m in messages %}{{ m.content | upper }}{% endfor %}"
    with pytest.raises(ValueError, match="give a voice"):
        chat_voice(tokenizer)
    tokenizer.chat_template = "{{ raise_exception('no') }}"
    with pytest.raises(ValueError, match="refuses these messages"):
        chat_voice(tokenizer)


@pytest.mark.parametrize(
    ("messages", "words"),
    [
        ([], "at least one"),
        ([{"role": "king", "content": "Hi"}], "message 0 has role 'king'; known: system"),
        ([{"role": "user"}], "message 0 must be"),
        ([{"role": "user", "content": ""}], "message 0 must have a text"),
        (["Hi"], "message 0 must be"),
    ],
)
def test_bad_messages_are_named(messages, words):
    """The first message that is not a role and a text is named in one line."""
    with pytest.raises(ValueError, match=words):
        check(messages)


def test_messages_are_rendered_by_the_models_own_template():
    """The answer is opened once, behind everything that was said."""
    text = render(Tokenizer(), [{"role": "user", "content": "Hi"}])
    assert text == "<s>user\nHi</s>\n<s>assistant\n"


@pytest.mark.parametrize("name", ["chat", "plain"])
def test_what_is_no_thought(name):
    """Nothing to add, and the task once more, are no thoughts; case and punctuation aside."""
    voice = VOICES[name]
    assert voice.is_nothing("Nothing to add.")
    assert not voice.is_nothing("The café closes at four.")
    assert voice.repeats("When is it open", "when is it open?")
    assert voice.echoes(
        "The tower has five floors.", "It says: the tower has five floors, and so on"
    )
    assert not voice.echoes("The tower", "The towers")


def test_a_thought_may_begin_with_its_tasks_first_words():
    """A checking stream says how the text goes on; the full stop that ended it is put back."""
    voice = VOICES["chat"]
    assert voice.begin("The tower has four floors.", "sentence") == "The tower has"
    assert voice.begin("The tower has four floors.", "asked") == ""
    assert voice.finish("The tower has five floors") == "The tower has five floors."
    assert VOICES["village"].begin("where is the key?", "task") == ""


def test_a_voice_comes_back_from_its_record(tmp_path):
    """What the trace records, and what a model folder may hold, is the whole voice."""
    import json

    for voice in VOICES.values():
        record = json.loads(json.dumps(voice.to_dict()))
        assert Voice.from_dict(record).to_dict() == voice.to_dict()
    (tmp_path / "voice.json").write_text('{"name": "village"}')
    assert voice_in(tmp_path) == VOICES["village"]
    (tmp_path / "voice.json").write_text('{"name": "x", "colour": "red"}')
    with pytest.raises(ValueError, match="a voice has no 'colour'"):
        voice_in(tmp_path)


def test_settings_follow_the_voice():
    """What is None is filled in; what was set stays; a k nobody set follows the text."""
    real = settle(CortexConfig(), VOICES["chat"])
    assert (real.gate.theta, real.gate.scorer, real.synapse.policy) == (
        "auto", "likelihood", "keydiff",
    )  # fmt: skip
    village = settle(CortexConfig(), VOICES["village"])
    assert (village.gate.theta, village.gate.scorer) == (0.3, "centred")
    given = CortexConfig()
    assert settle_for(given, VOICES["village"], 5).synapse.k == 5
    assert settle_for(given, VOICES["chat"], 2000).synapse.policy == "all"
    assert settle_for(given, VOICES["chat"], 4000).synapse.k == 1000
    chosen = CortexConfig(synapse=SynapseConfig(k=16))
    assert settle_for(chosen, VOICES["chat"], 2000).synapse.policy == "keydiff"
    with pytest.raises(ValueError, match="voice must be a Voice or one of"):
        settle(CortexConfig(voice="opera"), VOICES["chat"])


def test_a_verdict_is_asked_for_where_the_voice_can():
    """The question stands in a turn of its own; a voice without one is refused before a run."""
    voice = chat_voice(Tokenizer())
    asked = voice.doubt("The tower has five floors.")
    assert asked.startswith("</s>\n<s>user\n")
    assert '"The tower has five floors." Answer Yes or No.</s>' in asked
    doubting = CortexConfig(gate=GateConfig(scorer="verdict"))
    assert settle(doubting, voice).gate.scorer == "verdict"
    with pytest.raises(ValueError, match="'village' asks for no verdict"):
        settle(doubting, VOICES["village"])
