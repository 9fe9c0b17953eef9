"""Messages between processes: whole, ended, or one error in one line; a run outlives a bad one."""

import io
import os
import random
from collections.abc import Iterator

import numpy as np
import pytest
from warp_cortex import (
    Cortex,
    Failure,
    Finish,
    Prism,
    ProcessStreams,
    Spawn,
    UnreadableFileError,
)
from warp_cortex.remote import messages

from tests.engine.script import PROMPT, config, scripted

COUNT = int(os.environ.get("WARPVIZ_FUZZ", "400"))
SEED = int(os.environ.get("WARPVIZ_FUZZ_SEED", "0"))
RECORD = {"run": 1, "private_bytes": 8, "outcomes": [{"stream": 1, "token": 5, "piece": "a"}]}
ARRAYS = {"states": np.arange(12, dtype=np.float32).reshape(1, 2, 6)}


def sent(record=RECORD, arrays=ARRAYS) -> bytes:
    """The bytes of a message."""
    out = io.BytesIO()
    messages.send(out, record, arrays)
    return out.getvalue()


@pytest.mark.parametrize("arrays", [None, ARRAYS])
def test_what_is_sent_is_received(arrays) -> None:
    """Records and arrays come back, one message behind the other, then the end."""
    stream = io.BytesIO(sent(arrays=arrays) * 2)
    for _ in range(2):
        record, found = messages.receive(stream)
        assert record == RECORD
        assert found.keys() == (arrays or {}).keys()
        for name in found:
            assert np.array_equal(found[name], arrays[name])
    assert messages.receive(stream) is None


def test_a_message_cut_short_is_an_end() -> None:
    """The other side ended while it wrote."""
    data = sent()
    for size in range(len(data)):
        assert messages.receive(io.BytesIO(data[:size])) is None


def test_damaged_messages_are_one_error_in_one_line() -> None:
    """Whatever bytes are changed: refused before a wrong length is waited for or allocated."""
    for number in range(COUNT):
        draw = random.Random(f"{SEED} {number}")
        data = bytearray(sent())
        for _ in range(draw.randrange(1, 4)):
            place = draw.randrange(len(data))
            data[place] ^= draw.randrange(1, 256)
        with pytest.raises(UnreadableFileError, match=r"^a message between processes ") as caught:
            messages.receive(io.BytesIO(bytes(data)))
        assert len(str(caught.value)) < 300
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("record", [[1], "text", None])
def test_a_message_that_is_no_record_is_refused(record) -> None:
    """Whole bytes of something else are an error, too."""
    with pytest.raises(UnreadableFileError, match="is not a JSON object"):
        messages.receive(io.BytesIO(sent(record=record)))


@pytest.fixture(scope="module")
def village() -> Iterator[Prism]:
    """The bundled model, which another process can load."""
    with Prism.load("village") as prism:
        yield prism


@pytest.mark.parametrize("mode", ["cooperative", "concurrent"])
def test_a_damaged_reply_ends_its_streams_and_no_more(
    village: Prism, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    """The run goes on to its end, says what happened, and the next run gets another process."""
    scripted(monkeypatch, village, "Now [TASK: find the lamp] and so we go on writing. ")
    receive = messages.receive
    replies: list[object] = []

    def damaged(stream):
        frame = receive(stream)
        replies.append(frame)
        if len(replies) == 2:  # the first says that the model is loaded
            raise messages.unreadable(messages.NAME, "is damaged: it begins with b'?'")
        return frame

    with ProcessStreams() as streams:
        monkeypatch.setattr(messages, "receive", damaged)
        cortex = Cortex(village, config(mode=mode), streams=streams)
        list(cortex.run(PROMPT * 2))
        (failure,) = cortex.trace.of(Failure)
        assert "the process for streams has ended (a message between processes is d" in (
            failure.message
        )
        assert [event.reason for event in cortex.trace.of(Finish) if event.stream == 1] == ["error"]
        monkeypatch.setattr(messages, "receive", receive)
        list(cortex.run(PROMPT * 2))
        assert len(cortex.trace.of(Spawn)) == 1
        assert not cortex.trace.of(Failure)
