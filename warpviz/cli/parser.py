"""An argparse parser whose complaints are one line, and which suggests the nearest command or
flag.
"""

import argparse
import re
import sys
from difflib import get_close_matches
from typing import Any, NoReturn


class Parser(argparse.ArgumentParser):
    """Flags in full only; an error is one line on stderr and exit code 2."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(allow_abbrev=False, **settings)

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and what would be accepted, in one line, and leave with 2."""
        sys.stderr.write(f"{self.prog}: {' '.join(message.split())}{self._suggestion(message)}\n")
        sys.exit(2)

    def _suggestion(self, message: str) -> str:
        wrong = re.search(r"(?:unrecognized arguments: |invalid choice: ')([^\s']+)", message)
        if wrong is None:
            return ""
        near = get_close_matches(wrong[1], self._known_words(), n=1, cutoff=0.5)
        return f"; did you mean {near[0]}?" if near else ""

    def _known_words(self) -> list[str]:
        words: list[str] = []
        for action in self._actions:
            words += action.option_strings
            if isinstance(action, argparse._SubParsersAction):
                words += list(action.choices)
                words += [
                    word
                    for command in action.choices.values()
                    for word in command._option_string_actions
                ]
        return words
