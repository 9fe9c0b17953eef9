"""A page that holds some front-end modules and nothing else; their names are global in it."""

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Page

from warpviz.views.base import static

# `fake(traits)` is a model as a notebook has it; `buffer(text)` is base64 as a kernel sends it.
FAKE = """
window.fake = (traits) => {
  const uid = Math.random().toString(36).slice(2);
  const model = new PageModel({ uid, links: {}, selection: [], ...traits });
  model.offline = false;
  model.sent = [];
  model.saves = 0;
  model.send = (content) => model.sent.push(content);
  model.save_changes = () => { model.saves += 1; };
  return model;
};
window.buffer = (text) => new DataView(bytesOfBase64(text).buffer);
"""


@contextmanager
def modules(browser: Browser, *names: str) -> Iterator[Page]:
    """Open a page that holds these modules; afterwards nothing went wrong on it."""
    bare = browser.new_page()
    wrong: list[str] = []
    bare.on("pageerror", lambda error: wrong.append(str(error)))
    bare.set_content("<body></body>")
    bare.add_style_tag(content=static.sheet())
    bare.add_script_tag(content=static.joined("frame/page.js", *names) + FAKE)
    yield bare
    bare.close()
    assert not wrong, wrong
