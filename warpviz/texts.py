"""The sample contexts that are bundled: texts for a first run."""

from difflib import get_close_matches

from warp_cortex import bundled


def samples() -> list[str]:
    """Return the names of the bundled sample texts.

    Raises:
        FileNotFoundError: this installation has none.
    """
    return sorted(path.stem for path in bundled("contexts").glob("*.txt"))


def sample(name: str | None = None) -> str:
    """Return a bundled sample text: the first one, or the one called `name`.

    Raises:
        ValueError: no sample has that name; the nearest is suggested.
        FileNotFoundError: this installation has none.
    """
    known = samples()
    wanted = name if name is not None else next(iter(known), "")
    if wanted not in known:
        near = get_close_matches(wanted, known, n=1, cutoff=0.4)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        msg = f"no sample is called {wanted!r}; there are: {', '.join(known) or 'none'}{hint}"
        raise ValueError(msg)
    return (bundled("contexts") / f"{wanted}.txt").read_text(encoding="utf-8")
