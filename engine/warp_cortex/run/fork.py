"""Streams without a River: one per task, over a context that has been read."""

from collections.abc import Callable, Iterable

from warp_cortex.agents.backend import StreamRunner
from warp_cortex.agents.streams import Stream
from warp_cortex.config import CortexConfig
from warp_cortex.context.context import Context
from warp_cortex.precision import in_own_precision
from warp_cortex.prism import Prism
from warp_cortex.run.run import focus_of, prompt_of
from warp_cortex.synapse.synapse import Snapshot, Synapse


@in_own_precision
def fork(
    prism: Prism,
    config: CortexConfig,
    new_runner: Callable[[], StreamRunner],
    source: "Context | Snapshot | str",
    tasks: Iterable[str],
) -> list[Stream]:
    """Let one stream per task think over one context; see `Cortex.fork`.

    new_runner: called once, when the tasks and the source have been checked.
    """
    listed = (tasks,) if isinstance(tasks, str) else tuple(tasks)
    if not listed or not all(isinstance(task, str) and task.strip() for task in listed):
        msg = f"tasks must be one or more non-empty texts, got {list(listed)!r:.200}"
        raise ValueError(msg)
    context = source if isinstance(source, Context | Snapshot) else prism.read(source)
    now = prism.checksum(thorough=True)
    maker = context.checksum if isinstance(context, Snapshot) else context.prism.checksum()
    if maker != now:
        msg = f"the context belongs to another model (checksum {maker}), not to {prism.spec.name!r}"
        raise ValueError(msg)
    synapse = Synapse(config.synapse, seed=config.seed)
    snapshot = context if isinstance(context, Snapshot) else synapse.publish(context)
    runner = new_runner()
    streams = []
    try:
        for number, task in enumerate(listed, start=1):
            prompt = prompt_of(prism, config, task, "task")
            stream = Stream(number, task, "fork", (0, 0), snapshot.version, prompt)
            focus = None
            if config.synapse.focus and isinstance(context, Context):
                focus = focus_of(context, stream, snapshot, config.synapse.focus)
            runner.open(stream, snapshot, focus=focus)
            streams.append(stream)
        while not runner.is_idle:
            runner.step()
    finally:
        runner.close("done")
    return streams
