"""The still forms of a run: table, plotly figure, SVG."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

from warp_cortex import Calibration, Influence

from warpviz.characters import for_plotly, visible
from warpviz.drawing.colours import BLUE, GREEN, GREY, INK, VERMILION
from warpviz.drawing.svg import Svg
from warpviz.drawing.text import clip, wrap
from warpviz.live.strangers import LIKELIHOOD, Null, axis_of, bars, null_of, shares_above
from warpviz.live.stream_card import NEVER, Phase, StreamCard
from warpviz.live.timeline import Timeline
from warpviz.views.base.export import dumps

COLUMNS = (
    "stream",
    "task",
    "kind",
    "spawned_step",
    "thought",
    "num_tokens",
    "similarity",
    "theta",
    "scorer",
    "outcome",
    "reason",
)
OUTCOMES = {
    "accepted": (GREEN, (Phase.ACCEPTED, Phase.INJECTED, Phase.REVOKED)),
    "rejected": (VERMILION, (Phase.REJECTED, Phase.FAILED)),
    "unjudged": (GREY, (Phase.THINKING, Phase.THOUGHT, Phase.CLOSED)),
}
WIDTH = 960
MARGIN = 16
SIZE = 12
WORDS = WIDTH - 320  # of a stream: the rest of its row is the gate's
LINE = 17
ROW = 34
MOST_LINES = 24
MOST_CARDS = 14
MOST_CHANGED = 6
LEAST_KL = 0.01  # nats; a prediction that moved by less did not change


def row(line: Timeline, card: StreamCard) -> dict[str, Any]:
    """Return a stream as a row of the table."""
    end = len(line)
    spawned = line.events[card.spawned_at].step if card.spawned_at != NEVER else None
    values = (
        card.stream,
        card.task,
        card.kind,
        spawned,
        card.text(end),
        card.num_tokens(end),
        card.similarity,
        card.threshold,
        card.scorer,
        str(card.phase(end)),
        card.end,
    )
    return dict(zip(COLUMNS, values, strict=True))


def strangers_column(line: Timeline, cards: Sequence[StreamCard]) -> dict[str, Any]:
    """Return which share of the strangers is as similar as each thought; no column without them."""
    null = null_of(line.events)
    scorer = scorer_of(line)
    if not null.get(scorer):
        return {}
    return {"strangers": shares_above(null, scorer, [card.similarity for card in cards])}


def scorer_of(line: Timeline) -> str:
    """Return the scorer that decided; an empty text if nothing was judged or measured."""
    judged = [card.scorer for card in line.cards.values() if card.scorer]
    measured = [event.scorer for event in line.events if isinstance(event, Calibration)]
    return (judged or measured or [""])[0]


def last_beat(line: Timeline, card: StreamCard) -> int:
    """Return the beat in which a stream closed, or the run's last."""
    at = min(card.gated_at, card.failed_at, card.finished_at)
    return line.beats[at] if at != NEVER else line.beats[-1]


def outcome(line: Timeline, card: StreamCard) -> str:
    """Return the stream's outcome, one of OUTCOMES."""
    phase = card.phase(len(line))
    return next((name for name, (_, phases) in OUTCOMES.items() if phase in phases), "unjudged")


def spawned(line: Timeline) -> list[StreamCard]:
    """Return the streams that were spawned, in order."""
    return sorted(
        (card for card in line.cards.values() if card.spawned_at != NEVER),
        key=lambda card: card.spawned_at,
    )


def figure(line: Timeline, *, title: str) -> Any:
    """Return a plotly bar per stream, from spawn to verdict, coloured by outcome."""
    import plotly.graph_objects as go

    fig = go.Figure()
    hint = "stream %{y}<br>%{customdata[0]}<br>%{customdata[1]}<br>similarity %{customdata[2]:.3f}"
    for name, (color, _) in OUTCOMES.items():
        cards = [card for card in spawned(line) if outcome(line, card) == name]
        begin = [line.beats[card.spawned_at] for card in cards]
        fig.add_bar(
            name=name,
            orientation="h",
            y=[card.stream for card in cards],
            base=begin,
            x=[
                max(1, last_beat(line, card) - start)
                for card, start in zip(cards, begin, strict=True)
            ],
            marker={"color": color},
            customdata=[
                [for_plotly(card.task), for_plotly(card.text(len(line))), card.similarity]
                for card in cards
            ],
            hovertemplate=hint,
        )
    fig.update_layout(
        title=title,
        barmode="overlay",
        template="plotly_white",
        xaxis_title="step",
        yaxis_title="stream",
    )
    fig.update_yaxes(autorange="reversed", tick0=1, dtick=max(1, -(-len(spawned(line)) // 12)))
    return fig


def changed_words(line: Timeline) -> list[tuple[str, float]]:
    """Return the words whose prediction thoughts moved most, and by how many nats, largest first.

    The divergence measured after a token is of the prediction of the next word.
    """
    words = [*(line.start.prompt_tokens if line.start else ()), *line.tokens]
    moved: dict[int, float] = {}
    for event in line.events:
        if isinstance(event, Influence):
            for place, kl in enumerate(event.kl, start=event.first_position + 1):
                if place < len(words):
                    moved[place] = max(kl, moved.get(place, 0.0))
    found = sorted(moved.items(), key=lambda item: (-item[1], item[0]))
    return [(words[place].strip(), kl) for place, kl in found[:MOST_CHANGED] if kl >= LEAST_KL]


def picture(line: Timeline, *, title: str, provenance: Mapping[str, Any]) -> str:
    """Return the run's end as SVG: the last lines of the River, then the streams and verdicts."""
    text = visible(_told(line).replace("\n", " "))
    lines = wrap(text, width=WIDTH - 2 * MARGIN, size=SIZE)[-MOST_LINES:]
    cards = spawned(line)
    shown = cards[-MOST_CARDS:]
    changed = changed_words(line)
    top = 56 + LINE * len(lines) + (16 if changed else 0)
    axis = _axis(line)
    pen = Svg(WIDTH, top + ROW * len(shown) + 44, title=title, metadata=dumps(provenance))
    pen.text(16, 26, title, font_size=15, font_weight=600)
    for number, words in enumerate(lines):
        pen.text(16, 50 + LINE * number, words, font_size=SIZE, font_family="Georgia, serif")
    if changed:
        told = ", ".join(f"{visible(word)} ({kl:.2g})" for word, kl in changed)
        note = f"words whose prediction thoughts moved most, in nats: {told}"
        pen.text(
            16, top - 12, clip(note, width=WIDTH - 2 * MARGIN, size=11), font_size=11, fill=GREEN
        )
    for number, card in enumerate(shown):
        _card(pen, line, card, axis, top + ROW * number)
    more = f"{len(cards) - len(shown)} earlier streams not shown" if len(cards) > len(shown) else ""
    pen.text(16, top + ROW * len(shown) + 22, more, font_size=11, fill=GREY)
    return pen.finish()


def _told(line: Timeline) -> str:
    """Return the run's text with special tokens by their names."""
    start = line.start
    prompt = list(start.prompt_tokens) if start else []
    for at, name in (start.labels if start else {}).items():
        if at.isdecimal() and int(at) < len(prompt):
            prompt[int(at)] = name
    return "".join([*prompt, *line.tokens])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Axis:
    """The gate's axis of every row: its ends, and what strangers are drawn behind it."""

    ends: tuple[float, float]
    null: Null
    scorer: str

    def place(self, similarity: float) -> float:
        low, high = self.ends
        return WIDTH - 250 + 230 * (max(low, min(high, similarity)) - low) / (high - low)


def _axis(line: Timeline) -> _Axis:
    null = null_of(line.events)
    scorer = scorer_of(line)
    known = [value for card in spawned(line) for value in (card.similarity, card.threshold)]
    ends = axis_of(scorer, [*known, *null.get(scorer, ())])
    return _Axis(ends=ends, null=null, scorer=scorer)


def _card(pen: Svg, line: Timeline, card: StreamCard, axis: _Axis, y: float) -> None:
    color = OUTCOMES[outcome(line, card)][0]
    pen.add("rect", x=16, y=y, width=3, height=ROW - 6, fill=color)
    task = clip(visible(f"#{card.stream}  {card.task}"), width=WORDS, size=11)
    thought = clip(visible(card.text(len(line)).strip()), width=WORDS, size=SIZE)
    pen.text(28, y + 11, task, font_size=11, fill=GREY)
    pen.text(28, y + 25, thought, font_size=SIZE, fill=INK)
    if card.gated_at == NEVER:
        if card.phase(len(line)) is Phase.CLOSED and card.end:  # a text that was no thought
            pen.text(WIDTH - 250, y + 25, visible(card.end), font_size=11, fill=GREY)
        return
    # a trace from elsewhere may have NaN here, which has no place on the axis
    is_known = isfinite(card.similarity)
    digits = 2 if axis.scorer != LIKELIHOOD else 3
    said = f"{card.similarity:.{digits}f}" if is_known else "\u2013"
    pen.text(WIDTH - 260, y + 11, said, font_size=11, fill=color, text_anchor="end")
    for low, high, tall in bars(axis.null, axis.scorer, axis.ends):
        x = axis.place(low)
        pen.add(
            "rect",
            x=x,
            y=y + 8 - 9 * tall,
            width=axis.place(high) - x,
            height=9 * tall,
            fill=GREY,
            fill_opacity=0.3,
        )
    pen.line(WIDTH - 250, y + 8, WIDTH - 20, y + 8, stroke="#E1E4E9")
    if isfinite(card.threshold):
        cut = axis.place(card.threshold)
        pen.line(cut, y + 2, cut, y + 14, stroke=INK)
    if is_known:
        _mark(pen, axis.place(card.similarity), y + 8, accepted=card.accepted)
    pen.text(
        WIDTH - 250,
        y + 25,
        str(card.phase(len(line))),
        font_size=11,
        fill=color if color != GREEN else BLUE,
    )


def _mark(pen: Svg, x: float, y: float, *, accepted: bool) -> None:
    if accepted:
        pen.circle(x, y, 4, fill=GREEN)
        return
    pen.path([(x - 3, y - 3), (x + 3, y + 3)], stroke=VERMILION, stroke_width=1.6)
    pen.path([(x - 3, y + 3), (x + 3, y - 3)], stroke=VERMILION, stroke_width=1.6)
