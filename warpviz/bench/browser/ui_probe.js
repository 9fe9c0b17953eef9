// In the measured page: when a key was pressed, and when what it asks for was painted.
// Times are performance.now().

(() => {
  const probe = (globalThis.__probe = { keyed: 0, paints: new Set(), waiting: new Map() });
  document.addEventListener(
    "keydown",
    (event) => {
      probe.keyed = event.timeStamp;
    },
    true,
  );

  // Every canvas of a view begins a painting by clearing itself, whichever view it belongs to.
  const clear = CanvasRenderingContext2D.prototype.clearRect;
  CanvasRenderingContext2D.prototype.clearRect = function clearRect(...box) {
    for (const fn of [...probe.paints]) fn(this.canvas);
    return clear.apply(this, box);
  };

  /** Call back once the frame being drawn has gone through style, layout, painting, commit. */
  function afterFrame(fn) {
    const channel = new MessageChannel();
    channel.port1.onmessage = () => {
      channel.port1.close();
      fn(performance.now());
    };
    channel.port2.postMessage(0);
  }

  /** Return the time after the first frame in which a canvas for which `test` holds was painted. */
  function painted(test, patience) {
    return new Promise((resolve, reject) => {
      const give = (fn) => {
        probe.paints.delete(see);
        clearTimeout(timer);
        fn();
      };
      const see = (canvas) => {
        if (test(canvas)) give(() => afterFrame(resolve));
      };
      const timer = setTimeout(
        () => give(() => reject(new Error(`not painted within ${patience} ms`))),
        patience,
      );
      probe.paints.add(see);
    });
  }

  const stores = () => [...(globalThis.__warpviz?.stores.values() ?? [])];
  probe.store = (title) => stores().find((store) => store.data.title === title);
  const sectionOf = (canvas) => canvas.closest("section.warpviz");
  const isOf = (canvas, title) => sectionOf(canvas)?.getAttribute("aria-label") === title;

  /** What a picture is waited for; each gets the canvas that is being painted. */
  const tests = {
    bare: (value) => (canvas) =>
      canvas.id === "bare" && Number(document.getElementById("bare-slider").value) === value,
    cloud: (k) => (canvas) => isOf(canvas, "KV cloud") && probe.store("KV cloud").get("k") === k,
    diagrams: (k) => (canvas) =>
      isOf(canvas, "Persistence") && probe.store("Persistence").data.pair?.k === k,
    gate: (theta) => (canvas) =>
      isOf(canvas, "Gate") && Math.abs(sectionOf(canvas).gateTuner.theta - theta) < 1e-6,
    points: (old) => (canvas) =>
      isOf(canvas, "KV cloud") && fresh(canvas, old)?.arrays.pca?.shape[0] > 0,
    landmarks: (old) => (canvas) =>
      isOf(canvas, "KV cloud") && fresh(canvas, old)?.arrays.order?.shape[0] > 0,
  };
  const fresh = (canvas, old) => {
    const { uid } = sectionOf(canvas).dataset;
    return old.includes(uid) ? null : globalThis.__warpviz.stores.get(uid);
  };

  /** Wait, from before the input on, for the pictures named in `wanted` ({name: value}). */
  probe.arm = (wanted, patience = 30000) => {
    probe.waiting.clear();
    for (const [name, value] of Object.entries(wanted)) {
      const wait = painted(tests[name](value), patience);
      wait.catch(() => {}); // told by `took`, which awaits it
      probe.waiting.set(name, wait);
    }
  };

  /** Return the milliseconds from the last key to each picture. */
  probe.took = async () => {
    const times = {};
    for (const [name, wait] of probe.waiting) times[name] = (await wait) - probe.keyed;
    return times;
  };

  /** Run a cell and return the milliseconds until its pictures are there. */
  probe.firstPicture = async (index, patience) => {
    const old = stores().map((store) => store.uid);
    probe.arm({ points: old, landmarks: old }, patience);
    globalThis.jupyterapp.shell.currentWidget.content.activeCellIndex = index;
    probe.keyed = performance.now();
    globalThis.jupyterapp.commands.execute("notebook:run-cell");
    return probe.took();
  };

  /** A slider and a canvas of that size without a view: what the browser alone takes. */
  probe.bare = () => {
    const input = Object.assign(document.createElement("input"), {
      type: "range",
      id: "bare-slider",
      min: 1,
      max: 512,
      value: 32,
    });
    const canvas = Object.assign(document.createElement("canvas"), {
      id: "bare",
      width: 560,
      height: 460,
    });
    const box = Object.assign(document.createElement("div"), { id: "bare-box" });
    box.style.cssText = "position:fixed;right:0;top:0;z-index:9999;background:white";
    box.append(input, canvas);
    document.body.append(box);
    const context = canvas.getContext("2d");
    let pending = 0;
    input.addEventListener("input", () => {
      pending ||= requestAnimationFrame(() => {
        pending = 0;
        context.clearRect(0, 0, 560, 460);
        context.fillRect(Number(input.value), 10, 40, 40);
      });
    });
  };

  /** Note, from now on, every painting of the live view that shows a later moment of the run. */
  probe.watch = () => {
    const view = document.querySelector('section.warpviz[aria-label="Live run"]').liveRun;
    probe.seen = [];
    let last = view.playhead.cursor;
    probe.paints.add((canvas) => {
      if (canvas !== view.overlay.canvas || view.playhead.cursor === last) return;
      last = view.playhead.cursor;
      const { beat } = view.playhead;
      afterFrame((now) => probe.seen.push([(performance.timeOrigin + now) / 1000, beat]));
    });
  };
})();
