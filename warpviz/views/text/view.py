"""TokenText: a context as flowing text, its landmarks marked, thoughts in the margin."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np
import traitlets

from warpviz.characters import for_plotly
from warpviz.drawing.colours import GREY, VERMILION, YELLOW
from warpviz.drawing.svg import Svg
from warpviz.drawing.text import counted, text_width
from warpviz.views.base import export, wire
from warpviz.views.base.data_source import DataSource, source_of
from warpviz.views.base.newest_worker import NewestWorker, wait_for_all
from warpviz.views.base.pump import Patch
from warpviz.views.base.view import View
from warpviz.views.text.layout import LINE, MARGIN, SIZE, WIDTH, in_reading_order, layout

MOST_TOKENS = 50_000
MOST_DRAWN = 1500


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A thought that entered the cache while token `token` was the last one written."""

    token: int
    text: str
    stream: int | None = None
    similarity: float | None = None
    revoked: bool = False


def notes_of(given: Any) -> list[Note]:
    """Return the injected thoughts of a Trace, or of an object with a `trace`; else none.

    Each stands at the token after which it entered.
    """
    from warp_cortex import GateDecision, Inject, Revoke, Trace

    trace = given if isinstance(given, Trace) else getattr(given, "trace", None)
    if not isinstance(trace, Trace):
        return []
    judged = {event.stream: event.similarity for event in trace.of(GateDecision)}
    revoked = {event.injection for event in trace.of(Revoke)}
    return [
        Note(
            token=max(event.step - 1, 0),
            text=event.text,
            stream=event.stream,
            similarity=judged.get(event.stream),
            revoked=event.injection in revoked,
        )
        for event in trace.of(Inject)
    ]


class TokenText(View):
    """The tokens of a context as flowing text.

    `given` is a Context, a Cortex, a DataSource or an array [T, P]. `notes` stand in the margin; by
    default they are the injected thoughts of a Cortex. Traits: k, alpha, layer, space, selection,
    and policy, tint ("none", "received", "distance").
    """

    entry = "text/view.js"
    title = "Context"
    stem = "token-text"
    span: ClassVar[int] = 5

    policy = traitlets.Unicode("hybrid").tag(sync=True)
    tint = traitlets.Enum(("none", "received", "distance"), "none").tag(sync=True)
    height = traitlets.Int(460).tag(sync=True)

    def __init__(
        self, given: Any, *, notes: Sequence[Note] | None = None, seed: int = 0, **settings: Any
    ) -> None:
        self.source: DataSource = source_of(given, seed=seed)
        self.notes = list(notes) if notes is not None else notes_of(given)
        self._ranks: dict[str, wire.Array] = {}
        super().__init__(provenance={**self.source.facts, "seed": seed}, **settings)
        self._worker = NewestWorker(on_error=self.report, name="warpviz-text")
        self.observe(
            lambda _: self._worker.submit(self._compute), ["space", "layer", "policy", "alpha"]
        )
        self._worker.submit(self._compute)

    def wait(self, timeout_s: float = 300.0) -> "TokenText":
        """Wait until the ranking has been computed; return the view.

        Raises:
            TimeoutError: it takes longer.
        """
        wait_for_all(self._worker, timeout_s=timeout_s)
        return self

    def settle(self, timeout_s: float) -> None:
        """Wait for the landmarks."""
        self._worker.wait(timeout_s)

    @property
    def ready(self) -> bool:
        """Whether the landmarks are known."""
        return bool(self._ranks)

    def close(self) -> None:
        """Stop the worker and close the view."""
        if hasattr(self, "_worker"):
            self._worker.close()
        super().close()

    def set_notes(self, notes: Sequence[Note]) -> None:
        """Replace the notes in the margin."""
        with self.lock:
            self.notes = list(notes)
            self.push(data={"notes": [asdict(note) for note in self.notes]})

    def extend(self, tokens: Sequence[str], *, kinds: Sequence[str] | None = None) -> None:
        """Add tokens at the end."""
        with self.lock:
            self.source.tokens += list(tokens)
            self.source.kinds += list(kinds) if kinds is not None else ["text"] * len(tokens)
            self.push(data=self._text(), arrays=self._kinds())

    def _compute(self, _: Any) -> None:
        self.notice = ""
        made = self.source.rank_arrays(
            space=self.space, layer=self.layer, policy=self.policy, alpha=self.alpha
        )
        with self.lock:
            self._ranks = made
            self.push(data={"summary": self.summary()}, arrays=made)

    def _text(self) -> dict[str, Any]:
        return {
            "tokens": self.source.tokens[:MOST_TOKENS],
            "kind_names": list(dict.fromkeys(self.source.kinds)),
        }

    def _kinds(self) -> dict[str, wire.Array]:
        names = list(dict.fromkeys(self.source.kinds))
        return {
            "kind": np.array(
                [names.index(kind) for kind in self.source.kinds[:MOST_TOKENS]], dtype=np.uint8
            )
        }

    def state(self) -> Patch:
        """Return tokens, kinds, notes and ranking."""
        data = {
            "title": self.title,
            "stem": self.stem,
            "summary": self.summary(),
            "provenance": self.provenance,
            "notes": [asdict(note) for note in self.notes],
            **self._text(),
        }
        return Patch(data=data, arrays={**self._kinds(), **self._ranks})

    @property
    def landmarks(self) -> wire.Array:
        """The landmarks at the present k, sorted."""
        return np.sort(self._ranks["order"][: self.k]) if self._ranks else np.zeros(0, np.uint32)

    def summary(self) -> str:
        """Return the text in a sentence."""
        shown = min(self.source.num_tokens, MOST_TOKENS)
        part = f"showing {shown:,} of " if shown < self.source.num_tokens else ""
        num_marks = len(self.landmarks)
        marks = "1 of them a landmark" if num_marks == 1 else f"{num_marks} of them landmarks"
        thoughts = f", {counted(len(self.notes), 'thought')} in the margin" if self.notes else ""
        return f"A text of {part}{counted(self.source.num_tokens, 'token')}, {marks}{thoughts}."

    def to_table(self) -> Any:
        """Return one row per token."""
        import pandas as pd

        num = self.source.num_tokens
        received = np.full(num, np.nan)
        known = self.source.received()
        received[: len(known)] = known
        return pd.DataFrame(
            {
                "token": np.arange(num),
                "text": self.source.tokens,
                "kind": self.source.kinds,
                "landmark": np.isin(np.arange(num), self.landmarks),
                "received": received,
                "selected": np.isin(np.arange(num), self.selection),
            }
        )

    def to_figure(self) -> Any:
        """Return the attention that each token receives as a plotly figure, landmarks marked."""
        import plotly.graph_objects as go

        frame = self.wait().to_table()
        kept = frame[frame["landmark"]]
        made = go.Figure(
            go.Bar(
                x=frame["token"],
                y=frame["received"],
                name="attention received",
                hovertext=[for_plotly(text) for text in frame["text"]],
            )
        )
        made.add_trace(
            go.Scatter(
                x=kept["token"],
                y=kept["received"],
                mode="markers",
                name="landmarks",
                marker={"symbol": "diamond", "color": VERMILION},
            )
        )
        made.update_layout(
            title=for_plotly(self.summary()), template="plotly_white", xaxis_title="token"
        )
        return made

    def draw_svg(self) -> str:
        """Return the first MOST_DRAWN tokens as SVG, landmarks underlined."""
        spots = in_reading_order(layout(self.source.tokens[:MOST_DRAWN]))
        kept = set(self.landmarks.tolist())
        chosen = set(self.selection.tolist())
        height = (spots[-1][2] if spots else 0) + 2 * LINE
        pen = Svg(WIDTH, height, title=self.summary(), metadata=export.dumps(self.provenance))
        for token, x, y, text in spots:
            wide = text_width(text, SIZE)
            if token in chosen:
                pen.add(
                    "rect",
                    x=x,
                    y=y - SIZE,
                    width=wide,
                    height=SIZE + 5,
                    fill=YELLOW,
                    fill_opacity=0.5,
                )
            # a token's own spaces count: without them its letters would spread over their room
            look = {"font_size": SIZE, "font_family": "monospace", "xml:space": "preserve"}
            pen.text(x, y, text, **look, textLength=wide)
            if token in kept:
                pen.line(x, y + 3, x + wide, y + 3, stroke=VERMILION, stroke_width=2)
        if self.source.num_tokens > MOST_DRAWN:
            note = f"showing the first {MOST_DRAWN:,} of {self.source.num_tokens:,} tokens"
            pen.text(MARGIN, height - 8, note, font_size=11, fill=GREY)
        return pen.finish()
