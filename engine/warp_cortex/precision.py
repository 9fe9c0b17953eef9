"""The precision of a model is its own: autocast around the engine changes nothing in it."""

import inspect
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, nullcontext
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import torch

DEVICES = ("cpu", "cuda")
P = ParamSpec("P")
R = TypeVar("R")


def own_precision() -> AbstractContextManager[object]:
    """Return a block in which autocast is off; many notebooks switch it on around everything."""
    switched_on = [device for device in DEVICES if torch.is_autocast_enabled(device)]
    if not switched_on:
        return nullcontext()
    block = ExitStack()
    for device in switched_on:
        block.enter_context(torch.autocast(device, enabled=False))
    return block


def in_own_precision(function: Callable[P, R]) -> Callable[P, R]:
    """Let a function run without autocast; a generator without it in every step of its own."""
    if inspect.isgeneratorfunction(function):

        @wraps(function)
        def stepped(*args: P.args, **settings: P.kwargs) -> Any:
            return _stepped(function(*args, **settings))

        return stepped

    @wraps(function)
    def plain(*args: P.args, **settings: P.kwargs) -> R:
        with own_precision():
            return function(*args, **settings)

    return plain


def _stepped(generator: Any) -> Iterator[Any]:
    """Yield what a generator yields; whoever takes it computes in the precision set outside."""
    try:
        while True:
            try:
                with own_precision():
                    value = next(generator)
            except StopIteration:
                return
            yield value
    finally:
        generator.close()
