"""An argparse parser with errors of one line that suggest the nearest command or flag."""

import argparse
import re
import sys
from difflib import get_close_matches
from typing import Any, NoReturn

from warpviz.cli.output import write_error


class Parser(argparse.ArgumentParser):
    """Flags in full only; an error is one line on stderr and exit code 2."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(allow_abbrev=False, **settings)

    def error(self, message: str) -> NoReturn:
        """Write one line that says what is wrong and what is near it, and exit with 2."""
        write_error(self.prog, message + self._suggestion(message))
        sys.exit(2)

    def _suggestion(self, message: str) -> str:
        wrong = re.search(r"(?:unrecognized arguments: |invalid choice: ')([^\s']+)", message)
        if wrong is None:
            return ""
        near = get_close_matches(wrong[1], self.known_words(), n=1, cutoff=0.5)
        return f"; did you mean {near[0]}?" if near else ""

    def known_words(self) -> list[str]:
        """Return every flag and command that this parser or one of its commands accepts."""
        words: list[str] = []
        for action in self._actions:
            words += action.option_strings
            if isinstance(action.choices, dict):  # the commands: name -> parser
                words += action.choices
                for command in action.choices.values():
                    words += command.known_words()
        return words
