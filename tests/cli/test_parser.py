"""The parser: complaints of one line, suggestions that help, flags only in full."""

import argparse

import pytest

from warpviz.cli.parser import Parser


@pytest.fixture
def parser() -> Parser:
    """A program with two commands and a few flags."""
    parser = Parser(prog="tool")
    parser.add_argument("--verbose", action="store_true")
    commands = parser.add_subparsers(metavar="COMMAND", required=True, parser_class=Parser)
    run = commands.add_parser("run")
    run.add_argument("--model")
    run.add_argument("--max-tokens", type=int)
    compare = commands.add_parser("compare")
    compare.add_argument("--policy", choices=["hybrid", "random"])
    return parser


def complaint(parser: Parser, words: str, capfd: pytest.CaptureFixture[str]) -> str:
    """Parse a wrong command line and return the one line it is answered with."""
    with pytest.raises(SystemExit) as end:
        parser.parse_args(words.split())
    out, err = capfd.readouterr()
    assert (end.value.code, out) == (2, "")
    assert err.count("\n") == 1
    return err


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("rum", "did you mean run?"),
        ("compere", "did you mean compare?"),
        ("run --modle x", "did you mean --model?"),
        ("run --max-token 3", "did you mean --max-tokens?"),
        ("compare --policy hybird", "invalid choice: 'hybird'"),
        ("--verbse run", "did you mean --verbose?"),
    ],
)
def test_the_nearest_is_suggested(
    parser: Parser, words: str, expected: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """A slip of the keyboard is answered with what was probably meant."""
    assert expected in complaint(parser, words, capfd)


@pytest.mark.parametrize("words", ["zzzzzz", "run --zzzzzz", "run --max-tokens many", ""])
def test_what_resembles_nothing_is_only_refused(
    parser: Parser, words: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """No far-fetched suggestion."""
    assert "did you mean" not in complaint(parser, words, capfd)


def test_flags_are_written_in_full(parser: Parser, capfd: pytest.CaptureFixture[str]) -> None:
    """An abbreviation that works today would break when another flag begins like it."""
    assert "--mod" in complaint(parser, "run --mod x", capfd)


def test_the_commands_name_is_in_the_complaint(
    parser: Parser, capfd: pytest.CaptureFixture[str]
) -> None:
    """An error of a command begins with the command's name."""
    assert complaint(parser, "run --max-tokens many", capfd).startswith(
        "tool run: argument --max-tokens:"
    )


def test_a_message_of_several_lines_becomes_one(
    parser: Parser, capfd: pytest.CaptureFixture[str]
) -> None:
    """Whatever argparse says, it is one line."""
    with pytest.raises(SystemExit):
        parser.error("first\nsecond   third")
    assert capfd.readouterr().err == "tool: first second third\n"


def test_it_parses_like_any_parser(parser: Parser) -> None:
    """Right command lines are none of its business."""
    args = parser.parse_args(["run", "--model", "m", "--max-tokens", "3"])
    assert isinstance(parser, argparse.ArgumentParser)
    assert (args.model, args.max_tokens, args.verbose) == ("m", 3, False)
