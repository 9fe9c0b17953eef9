"""`warpviz run`: what it writes, what it prints, and how it ends."""

import json
import signal
from pathlib import Path

import pytest
from warp_cortex import Cortex, CortexConfig, load_trace

from warpviz.cli import build_parser, main
from warpviz.cli.run import LANES, settings

KEYS = {
    "model",
    "prompt_tokens",
    "river_text",
    "river_tokens",
    "streams",
    "injections",
    "snapshots",
    "bytes",
    "voice",
    "triggers",
    "scorer",
    "theta",
    "calibrated",
    "share",
    "streams_by_kind",
    "streams_by_end",
    "num_dropped",
    "why_no_stream",
    "k",
    "seconds",
}


def arguments(model: Path, prompt: Path, *more: object) -> list[str]:
    """Return the arguments of a short run."""
    short = ("run", "--model", model, "--prompt", prompt, "--k", 24, "--max-tokens", 12)
    return [str(part) for part in (*short, *more)]


def test_json_is_one_object_and_nothing_else(
    tiny_model: Path, prompt_file: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Standard output holds one JSON object with the promised keys, and the trace on disk agrees
    with it.
    """
    assert main(arguments(tiny_model, prompt_file, "--out", tmp_path / "o", "--json")) == 0
    summary = json.loads(capfd.readouterr().out)
    assert summary.keys() >= KEYS
    assert set(summary["bytes"]) == {"weights", "river_kv", "shared_kv", "private_kv", "evidence"}
    assert summary["river_tokens"] == 12
    trace = load_trace(tmp_path / "o")
    assert trace.dumps() == (tmp_path / "o" / "trace.jsonl").read_text()
    assert summary["river_text"] == "".join(e.text for e in trace.events if e.type == "token")


def test_same_flags_same_bytes(tiny_model: Path, prompt_file: Path, tmp_path: Path) -> None:
    """Two runs with the same flags write the same trace and the same arrays, byte for byte."""
    for name in ("a", "b"):
        assert (
            main(
                arguments(tiny_model, prompt_file, "--out", tmp_path / name, "--seed", 3, "--json")
            )
            == 0
        )
    for file in ("trace.jsonl", "trace.npz"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_the_river_is_printed_as_it_flows(
    tiny_model: Path, prompt_file: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Without --json: the prompt's end, the River's text, a summary, no escape sequence in a
    pipe.
    """
    assert main(arguments(tiny_model, prompt_file, "--out", tmp_path / "o")) == 0
    out = capfd.readouterr().out
    assert out.startswith("The mill stands by the river.")
    assert "12 tokens written after" in out
    assert str(tmp_path / "o") in out
    assert "\x1b" not in out


def test_a_prompt_shorter_than_the_default_k(
    tiny_model: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Without --k, all tokens of a short prompt are landmarks; the summary gives that k."""
    prompt = tmp_path / "short.txt"
    prompt.write_text("[TASK: key]")
    command = arguments(tiny_model, prompt, "--out", tmp_path, "--json", "--policy", "hybrid")
    at = command.index("--k")
    del command[at : at + 2]
    assert main(command) == 0
    summary = json.loads(capfd.readouterr().out)
    assert (summary["k"], summary["prompt_tokens"]) == (11, 11)
    assert summary["snapshots"][0]["landmarks"] == list(range(11))


def test_a_folder_s_name_cannot_steer_the_terminal(
    tiny_model: Path, prompt_file: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Control characters in the path of the trace are shown, not sent."""
    assert main(arguments(tiny_model, prompt_file, "--out", tmp_path / "\x1b[31mx")) == 0
    out = capfd.readouterr().out
    assert "␛[31mx" in out
    assert "\x1b" not in out


def test_prompt_from_standard_input(
    warpviz, tiny_model: Path, prompt_file: Path, tmp_path: Path
) -> None:
    """`--prompt -` reads the same text as `--prompt FILE`, in a real process with a real pipe."""
    done = warpviz(*arguments(tiny_model, Path("-"), "--json"), stdin=prompt_file.read_bytes())
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["prompt_tokens"] == len(prompt_file.read_bytes())
    assert (tmp_path / "out" / "trace.jsonl").is_file()


@pytest.mark.parametrize("flag", [[], ["--json"]])
def test_an_interrupt_between_any_two_tokens_saves_the_trace(
    tiny_model: Path,
    prompt_file: Path,
    tmp_path: Path,
    flag: list[str],
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Ctrl-C after the fifth token: 130, one line, no JSON, and the trace holds exactly five
    tokens.
    """
    whole = Cortex.run

    def interrupted(self: Cortex, prompt: str, **settings: object):
        for event in whole(self, prompt, **settings):
            yield event
            if event.type == "token" and event.step == len(prompt) + 5:
                signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(Cortex, "run", interrupted)
    assert main(arguments(tiny_model, prompt_file, "--out", tmp_path / "o", *flag)) == 130
    out, err = capfd.readouterr()
    assert err.count("\n") == 1
    assert "interrupted" in err
    assert not (flag and out)
    assert sum(event.type == "token" for event in load_trace(tmp_path / "o").events) == 5


def test_an_interrupt_before_anything_happened_saves_nothing(
    tiny_model: Path,
    prompt_file: Path,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Ctrl-C while the text is read: 130, one line that says there is no trace, and none is."""

    def interrupted(self: Cortex, prompt: str, **settings: object):
        yield from ()
        raise KeyboardInterrupt

    monkeypatch.setattr(Cortex, "run", interrupted)
    assert main(arguments(tiny_model, prompt_file, "--out", tmp_path / "o")) == 130
    assert capfd.readouterr().err == "warpviz run: interrupted; no trace yet\n"
    assert not list((tmp_path / "o").iterdir())


def test_ctrl_c_ends_a_process(
    start_warpviz, tiny_model: Path, prompt_file: Path, tmp_path: Path
) -> None:
    """A real process interrupted while the River writes ends with 130 and leaves a trace that
    loads.
    """
    run = start_warpviz(*arguments(tiny_model, prompt_file, "--max-tokens", 3000))
    run.stdout.read(500)
    run.send_signal(signal.SIGINT)
    _out, err = run.communicate(timeout=60)
    assert (run.returncode, err.decode().count("\n")) == (130, 1), err.decode()
    tokens = [event for event in load_trace(tmp_path / "out").events if event.type == "token"]
    assert 0 < len(tokens) < 3000


def test_a_reader_that_leaves_is_no_error(
    start_warpviz, tiny_model: Path, prompt_file: Path, tmp_path: Path
) -> None:
    """`warpviz run | head -c 1`: no traceback, exit code 0, and the trace is saved."""
    run = start_warpviz(*arguments(tiny_model, prompt_file, "--max-tokens", 3000))
    run.stdout.read(1)
    run.stdout.close()
    assert (run.stderr.read().decode(), run.wait(60)) == ("", 0)
    assert load_trace(tmp_path / "out").events


def test_help_gives_the_engines_defaults() -> None:
    """A flag that is not given leaves the engine's setting as it is; the help text names it, or
    says what it follows.
    """
    parser = build_parser()
    assert settings(parser.parse_args(["run"])) == CortexConfig()
    config = CortexConfig()
    defaults = {
        "--k": 64,
        "--alpha": config.synapse.alpha,
        "--policy": config.synapse.policy,
        "--theta": config.gate.theta,
        "--gate": config.gate.scorer,
        "--trigger": config.router.triggers,
        "--voice": config.voice,
        "--streams": config.router.max_streams,
        "--max-tokens": config.river.max_tokens,
        "--temperature": config.river.temperature,
        "--seed": config.seed,
    }
    flags = {flag: action.help for action in run_flags() for flag in action.option_strings}
    for flag, value in defaults.items():
        said = flags[flag].rpartition("(")[2]
        assert ("the model" in said) if value is None else (str(value) in said), flag


def run_flags():
    """Return the argparse actions of `warpviz run`."""
    import argparse

    from warpviz.cli import run

    parser = argparse.ArgumentParser()
    run.configure(parser)
    return parser._actions


def test_a_theta_or_a_voice_that_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    """One line names the value and what is accepted."""
    for wrong in ("high", "2", "nan"):
        with pytest.raises(SystemExit):
            build_parser().parse_args(["run", "--theta", wrong])
        said = capsys.readouterr().err
        assert said.count("\n") == 1
        assert f"must be auto or a number from -1 to 1, got '{wrong}'" in said
    with pytest.raises(ValueError, match=r"'shout' is unknown; accepted: village, chat, plain"):
        settings(build_parser().parse_args(["run", "--voice", "shout"]))
    with pytest.raises(ValueError, match="accepted: bracket"):
        settings(build_parser().parse_args(["run", "--trigger", "sentence,whim"]))


def test_a_run_without_a_stream_says_why(
    tiny_model: Path, prompt_file: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """No stream: the report says which triggers were on and what would open one; a theta that was
    set is called what it is.
    """
    flags = ("--out", tmp_path / "o", "--trigger", "bracket", "--theta", "0.4", "--gate", "raw")
    assert main(arguments(tiny_model, prompt_file, *flags)) == 0
    out = " ".join(capfd.readouterr().out.split())
    assert (
        "no stream opened: the triggers (bracket) did not fire in 12 tokens; add --trigger" in out
    )
    assert "theta 0.4 was not calibrated for this model and text; --theta auto measures it" in out


def test_every_flag_reaches_the_engine() -> None:
    """Each flag changes the one setting it names; `--gate off` opens the gate to every thought."""
    given = (
        "run --k 8 --alpha .1 --policy farthest --theta .2 --gate raw --streams 3 --max-tokens 5 "
        "--window 64 --seed 9 --temperature 0 --voice plain --focus 6 "
        "--trigger sentence,uncertain --trigger bracket"
    )
    config = settings(build_parser().parse_args(given.split()))
    assert (config.synapse.k, config.synapse.alpha, config.synapse.policy) == (8, 0.1, "farthest")
    assert (config.gate.theta, config.gate.scorer, config.gate.enabled) == (0.2, "raw", True)
    assert (
        config.router.max_streams,
        config.river.max_tokens,
        config.river.window,
        config.seed,
    ) == (3, 5, 64, 9)
    assert config.river.temperature == 0
    assert (config.voice, config.synapse.focus) == ("plain", 6)
    assert config.router.triggers == ("sentence", "uncertain", "bracket")
    auto = settings(build_parser().parse_args(["run", "--theta", "auto", "--gate", "likelihood"]))
    assert (auto.gate.theta, auto.gate.scorer) == ("auto", "likelihood")
    assert not settings(build_parser().parse_args(["run", "--gate", "off"])).gate.enabled
    modes = {
        lanes: settings(build_parser().parse_args(["run", "--lanes", lanes])).mode
        for lanes in LANES
    }
    assert modes == {"turns": "cooperative", "threads": "concurrent", "process": "concurrent"}
