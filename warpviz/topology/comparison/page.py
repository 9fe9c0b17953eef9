"""A comparison as one HTML page: curves, diagrams that follow k and policy, tables, landmarks.

No library and no network: the page forbids both. Every string from a model is made visible and
escaped in the markup, or reaches the script as JSON and the document as text.
"""

import json
from typing import Any

from warpviz.characters import for_markup, visible
from warpviz.drawing.markup import tag
from warpviz.drawing.page import html_page
from warpviz.topology.comparison.picture import curves_picture, diagrams_picture, summary
from warpviz.topology.comparison.results import Results, Row

TITLE = "Landmarks against the whole context"
COLUMNS = (
    "k",
    "policy",
    "dim",
    "bottleneck",
    "bound",
    "null_mean",
    "null_std",
    "wasserstein",
    "radius",
    "null_radius_mean",
    "num_bars",
    "num_bars_full",
    "num_certified",
)
STYLE = """
:root{color-scheme:light dark;--ink:#24292f;--ground:#fff;--edge:#d0d7de;--mark:#ddf4ff}
@media(prefers-color-scheme:dark){
:root{--ink:#e6edf3;--ground:#0d1117;--edge:#30363d;--mark:#0c2d6b}
}
body{font:14px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--ground)}
body{max-width:1120px;margin:2rem auto;padding:0 1rem}
figure{margin:0;overflow-x:auto}
svg{border-radius:6px;max-width:100%;height:auto}
table{border-collapse:collapse;font-variant-numeric:tabular-nums}
table{font-size:12px;width:100%}
td,th{border:1px solid var(--edge);padding:.15rem .3rem;text-align:right}
th{overflow-wrap:anywhere;vertical-align:bottom;font-weight:600}
tr.on{background:var(--mark)}
.scroll{overflow-x:auto}
#tokens span{border:1px solid var(--edge);border-radius:4px;padding:0 .3rem;margin:.1rem}
#tokens span{display:inline-block;white-space:pre}
label{margin-right:1rem}
"""
SCRIPT = """
const data = JSON.parse(document.getElementById("warpviz-data").textContent);
const k = document.getElementById("k"), policy = document.getElementById("policy");
function show() {
  const size = data.ks[Number(k.value)], name = policy.value, key = name + "/" + size;
  document.getElementById("k-now").textContent = size;
  for (const figure of document.querySelectorAll("figure[data-view]")) {
    figure.hidden = figure.dataset.view !== key;
  }
  for (const row of document.querySelectorAll("tr[data-view]")) {
    row.classList.toggle("on", row.dataset.view === key);
  }
  const tokens = document.getElementById("tokens");
  tokens.replaceChildren(...data.landmarks[key].map((index) => {
    const span = document.createElement("span");
    span.textContent = index + " " + (data.tokens[index] ?? "");
    return span;
  }));
}
k.addEventListener("input", show);
policy.addEventListener("input", show);
show();
"""


def page(comparison: Results) -> str:
    """Return the page.

    Without its script it still shows the first policy at the largest k, and the whole table.
    """
    first = _view(comparison.policies[0], comparison.ks[-1])
    figures = [
        tag(
            "figure",
            diagrams_picture(comparison, policy, k),
            data_view=_view(policy, k),
            hidden=None if _view(policy, k) == first else "hidden",
        )
        for policy in comparison.policies
        for k in comparison.ks
    ]
    body = [
        tag("h1", TITLE),
        tag("p", for_markup(summary(comparison))),
        tag("ul", *[tag("li", for_markup(note)) for note in comparison.notes]),
        tag("figure", curves_picture(comparison)),
        _controls(comparison),
        *figures,
        tag("h2", "Landmarks"),
        tag("div", id="tokens"),
        tag("h2", "Numbers"),
        _table(comparison),
        tag("h2", "What the numbers mean"),
        _definitions({**comparison.definitions}),
        tag("h2", "Where they come from"),
        _definitions(_provenance(comparison)),
    ]
    return html_page(
        title=TITLE, style=STYLE, body="\n".join(body), data=_data(comparison), script=SCRIPT
    )


def _view(policy: str, k: int) -> str:
    return f"{policy}/{k}"


def _controls(comparison: Results) -> str:
    last = len(comparison.ks) - 1
    options = [tag("option", for_markup(policy), value=policy) for policy in comparison.policies]
    slider = f'<input id="k" type="range" min="0" max="{last}" step="1" value="{last}">'
    return tag(
        "p",
        tag("label", "policy ", tag("select", *options, id="policy")),
        tag("label", "k ", slider, " ", tag("output", str(comparison.ks[-1]), id="k-now")),
    )


def _table(comparison: Results) -> str:
    head = tag("tr", *[tag("th", for_markup(name), scope="col") for name in COLUMNS])
    rows = [
        tag(
            "tr",
            *[tag("td", for_markup(_cell(row, name))) for name in COLUMNS],
            data_view=_view(row.policy, row.k),
        )
        for row in comparison.rows
    ]
    return tag("div", tag("table", tag("thead", head), tag("tbody", *rows)), class_="scroll")


def _cell(row: Row, name: str) -> str:
    value = getattr(row, name)
    if value is None:
        return "not computed"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _definitions(entries: dict[str, Any]) -> str:
    return tag(
        "dl",
        *[
            tag("dt", for_markup(name)) + tag("dd", for_markup(str(value)))
            for name, value in entries.items()
        ],
    )


def _provenance(comparison: Results) -> dict[str, Any]:
    names = (
        "model",
        "checksum",
        "tokens",
        "space",
        "layer",
        "head",
        "skip",
        "recent",
        "alpha",
        "seed",
        "num_null",
        "intrinsic_dimension",
        "versions",
    )
    return {name: getattr(comparison, name) for name in names}


def _data(comparison: Results) -> str:
    """Return what the script needs, as JSON."""
    marks = {
        _view(p, k): marks.tolist()
        for p, by_k in comparison.landmarks.items()
        for k, marks in by_k.items()
    }
    record = {
        "ks": comparison.ks,
        "landmarks": marks,
        "tokens": [visible(text) for text in comparison.token_texts],
    }
    return json.dumps(record, ensure_ascii=True, allow_nan=False)
