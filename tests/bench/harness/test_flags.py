"""Flags of several numbers or names: errors of one line, before anything is measured."""

import argparse
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warpviz.bench.browser import ui
from warpviz.bench.engine import capacity, gpu, latency, longcontext, steps, variants
from warpviz.bench.harness import flags
from warpviz.bench.million import galaxy, million


@given(st.lists(st.integers(1, 10**9), min_size=1))
def test_counts_are_read(numbers: list[int]) -> None:
    """Numbers separated by commas, in their order, repeats and all."""
    assert flags.counts(",".join(map(str, numbers))) == tuple(numbers)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no list"),
        ("1,,2", "no list"),
        ("ten", "no list"),
        ("1.5", "no list"),
        ("1,0", "has 0"),
        ("-3", "has -3"),
    ],
)
def test_other_counts_are_refused(text: str, message: str) -> None:
    """The complaint repeats what was given and says what is wrong with it."""
    with pytest.raises(argparse.ArgumentTypeError, match=message) as found:
        flags.counts(text)
    assert repr(text) in str(found.value)


def test_names_are_read_and_strange_ones_refused() -> None:
    """Spaces around a name are no part of it; an unknown one is an error with the known ones."""
    read = flags.names(("one", "other two"))
    assert read("other two, one") == ("other two", "one")
    with pytest.raises(
        argparse.ArgumentTypeError, match="'three' is unknown; accepted: one, other two"
    ):
        read("one,three")


@pytest.mark.parametrize(
    ("module", "flag"),
    [
        (capacity, "--agents=0"),
        (capacity, "--context=many"),
        (capacity, "--arms=landmark shared"),
        (steps, "--agents=1,x"),
        (latency, "--streams=0"),
        (latency, "--tokens=0"),
        (longcontext, "--context=4k"),
        (longcontext, "--repeats=0"),
        (steps, "--dtypes=float8"),
        (steps, "--device=gpu"),
        (gpu, "--device=cuda:x"),
        (capacity, "--device=mps"),
        (latency, "--own-tokens=8"),
    ],
)
def test_a_benchmark_refuses_them(
    module: ModuleType, flag: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The flag is named; a misspelt arm is never measured as another one."""
    parser = argparse.ArgumentParser()
    module.configure(parser)
    with pytest.raises(SystemExit) as end:
        parser.parse_args([flag])
    assert end.value.code == 2
    assert f"argument {flag.partition('=')[0]}" in capsys.readouterr().err


@pytest.mark.parametrize(
    "module", [capacity, galaxy, gpu, latency, longcontext, million, steps, ui]
)
@pytest.mark.parametrize("number", ["-1", "4294967296", "one", "1.5"])
def test_every_seed_is_one_that_generators_take(
    module: ModuleType, number: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A seed that torch, numpy or UMAP would refuse later is refused at once, with what is
    accepted.
    """
    parser = argparse.ArgumentParser()
    module.configure(parser)
    assert parser.parse_args(["--seed", "4294967295"]).seed == 2**32 - 1
    with pytest.raises(SystemExit):
        parser.parse_args(["--seed", number])
    assert (
        f"argument --seed: must be a whole number from 0 to 4294967295, got {number!r}"
        in capsys.readouterr().err
    )


@pytest.mark.parametrize("module", [capacity, steps, latency, longcontext])
def test_tables_have_flags_in_common(module: ModuleType) -> None:
    """Where it runs, its seed, its budget and its folder have one name and one default in every
    such command.
    """
    parser = argparse.ArgumentParser()
    module.configure(parser)
    args = parser.parse_args([])
    assert (args.device, args.seed, str(args.out), args.json) == ("cpu", 0, "benchmarks", False)
    assert 0 < args.minutes <= 30


@given(least=st.integers(-5, 5), number=st.integers(-10, 10))
def test_a_number_has_a_least(least: int, number: int) -> None:
    """Numbers from the least on are read, smaller ones are refused with what would do."""
    read = flags.at_least(least)
    if number >= least:
        assert read(str(number)) == number
    else:
        with pytest.raises(
            argparse.ArgumentTypeError, match=f"must be at least {least}, got {number}"
        ):
            read(str(number))
    with pytest.raises(argparse.ArgumentTypeError, match="'x' is no whole number"):
        read("x")


def test_defaults_are_all_arms() -> None:
    """Without flags every arm is measured, the paper's way last."""
    parser = argparse.ArgumentParser()
    capacity.configure(parser)
    assert parser.parse_args([]).arms == variants.ARMS
    assert variants.ARMS[-1] == variants.THREADS
