"""Where a command's text comes from."""

import io
from pathlib import Path
from types import SimpleNamespace

import pytest

import warpviz
from warpviz.cli.prompt import read_text


def pipe(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    """Put bytes on standard input."""
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(data)))


def test_a_file_is_read_as_it_is(tmp_path: Path) -> None:
    """Line ends, blank ends and scripts stay; nothing is stripped, since a model reads every
    byte.
    """
    text = "  The mill.\r\n\tcaf\u00e9 \u65e5\u672c \n"
    (tmp_path / "text.txt").write_bytes(text.encode())
    assert read_text(str(tmp_path / "text.txt")) == text


def test_a_byte_order_mark_is_no_text(tmp_path: Path) -> None:
    """What Windows editors put first is not part of the text."""
    (tmp_path / "text.txt").write_bytes(b"\xef\xbb\xbfmill")
    assert read_text(str(tmp_path / "text.txt")) == "mill"


def test_a_dash_is_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    """`-` reads to the end of the pipe."""
    pipe(monkeypatch, b"one\ntwo")
    assert read_text("-") == "one\ntwo"


def test_nothing_is_the_first_sample() -> None:
    """Without a source, the bundled sample."""
    assert read_text(None) == warpviz.sample() != ""


@pytest.mark.parametrize("data", [b"ab\xff", b"\x80", "\u00e9".encode("latin-1")])
def test_bytes_that_are_no_text_are_named(
    data: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error names the source, the place and the byte."""
    (tmp_path / "text.txt").write_bytes(data)
    place = next(i for i, byte in enumerate(data) if byte >= 0x80)
    with pytest.raises(
        ValueError, match=rf"text\.txt is not UTF-8 text: byte {place} is 0x{data[place]:02x}"
    ):
        read_text(str(tmp_path / "text.txt"))
    pipe(monkeypatch, data)
    with pytest.raises(ValueError, match="standard input is not UTF-8"):
        read_text("-")


def test_a_file_that_is_not_there_is_an_os_error(tmp_path: Path) -> None:
    """The command line turns it into one line with the path."""
    with pytest.raises(FileNotFoundError):
        read_text(str(tmp_path / "nowhere"))
