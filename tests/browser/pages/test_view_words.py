"""What views say and write, in a bare page: certificates, lists in order, words that keep out of
each other's way.
"""

import pytest
from playwright.sync_api import Browser

from tests.browser.pages.bare import modules
from warpviz.topology.persistence.bounds import certificate_note


def test_the_certificate_says_what_it_compares_with(browser: Browser) -> None:
    """Python's note, the cloud and the facts beside the diagrams mean the same best possible
    radius.
    """
    best = certificate_note(0.3).split(" times ")[1]
    with modules(browser, "persistence/view.js") as page:
        assert page.evaluate("certificateText(0.3)") == f"at most 3.5\u00d7 {best}"
        line = page.evaluate("certificateLine(new Store(fake({ policy: 'hybrid', alpha: 0.3 })))")
        assert line == f"\u2264 3.5\u00d7 {best}"


@pytest.mark.parametrize("complex_", ["rips", "witness-weak"])
def test_a_barcode_calls_no_bar_certified_where_nothing_is(browser: Browser, complex_: str) -> None:
    """Twice the radius bounds Rips diagrams; under a witness complex the legend promises
    nothing.
    """
    with modules(browser, "persistence/view.js") as page:
        drawn = page.evaluate(
            """(complex) => {
          const view = Object.create(PersistenceView.prototype);
          view.store = new Store(fake({ complex, k: 1, dim: 0 }));
          view.store.arrays.base_radii = { data: [0.5] };
          const theme = themeOf(document.body), pen = new SvgPen(theme, 400, 200);
          drawBarcode(view, pen, 400, 200, theme, { full: [[0, 2]], marks: [[0, 2]] });
          return pen.group(0, 0);
        }""",
            complex_,
        )
        assert ("longer than 2r, certified" in drawn) == (complex_ == "rips")
        assert ("none certified" in drawn) == (complex_ != "rips")


def test_thoughts_are_in_the_page_in_their_order(browser: Browser) -> None:
    """Wherever one scrolls, the rows in the page follow one another as they are heard: by
    similarity.
    """
    with modules(browser, "gate/thought_list.js") as page:
        found = page.evaluate("""async () => {
          const size = 300, list = new ThoughtList(() => {});
          document.body.append(list.el);
          list.held = true;
          const thought = (_, i) => [0, i, 0, "task", `thought ${i}`];
          const thoughts = Array.from({ length: size }, thought);
          const order = thoughts.map((_, i) => i), values = order.map((i) => 1 - i / size);
          const frame = () => new Promise((done) => requestAnimationFrame(done));
          const turn = () => frame().then(() => new Promise((done) => setTimeout(done, 60)));
          const labels = new Uint8Array(size);
          await turn();
          list.show({ thoughts, order, cut: 100, values, labels, theta: 0.5 });
          const seen = [];
          for (const top of [0, 4000, 3900, 3700, 3820, 6000, 0]) {
            list.el.scrollTop = top;
            await turn();
            const rows = list.el.querySelectorAll(".wt-row");
            seen.push(Array.from(rows, (row) => Number(row.dataset.thought)));
          }
          const last = list.el.querySelector(".wt-row:last-child");
          const place = [last.ariaPosInSet, last.ariaSetSize, last.dataset.thought];
          list.el.remove();
          return { seen, place };
        }""")
    for rows in found["seen"]:
        assert len(rows) > 5
        assert rows == list(range(rows[0], rows[0] + len(rows)))
    assert found["place"] == [str(int(found["place"][2]) + 1), "300", found["place"][2]]


def test_how_many_at_once_is_said_where_no_mark_is(browser: Browser) -> None:
    """The timeline's words lie below every row of marks, however late the run's moments are."""
    with modules(browser, "run/view.js") as page:
        words, marks = page.evaluate("""() => {
          const marks = Object.keys(MARK_STYLE).map((kind) => ({ beat: 100, kind }));
          const run = { lastBeat: 100, aliveByBeat: Array(101).fill(3), marks };
          const line = Object.create(Transport.prototype);
          line.playhead = { run, place: 100 };
          const theme = themeOf(document.body);
          const pen = new SvgPen(theme, 400, 52);
          const [low, words] = [[], []];
          pen.text = (x, y, text, style) => words.push([x, y - style.size, text]);
          globalThis.drawMark = (_, __, x, y, r) => low.push(y + r);
          line.draw(pen, 400, 52, theme);
          return [words, low];
        }""")
    assert [text for *_, text in words] == ["up to 3 at once"]
    assert len(marks) == 3
    assert words[0][1] > max(marks)


def test_one_endless_token_is_wrapped_inside_its_picture(browser: Browser) -> None:
    """A piece longer than a line goes on in the next ones, and none of it is lost; shorter ones
    stay whole.
    """
    with modules(browser, "text/view.js") as page:
        pieces, widths, short = page.evaluate("""() => {
          const pen = new SvgPen(themeOf(document.body), 760, 0);
          const text = Array.from({ length: 10000 }, (_, i) => (i % 7 ? "W" : "i\u00e9")).join("");
          const pieces = fitting(pen, text, 13, 728);
          const widths = pieces.map((piece) => pen.measure(piece, { size: 13 }));
          return [pieces.join("") === text, widths, fitting(pen, "", 13, 728)];
        }""")
    assert pieces
    assert max(widths) <= 728
    assert min(widths[:-1]) > 600
    assert short == [""]
