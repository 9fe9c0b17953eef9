"""What is asked of an injected thought during a run or after it, from any thread."""

from warp_cortex.run.run import Run
from warp_cortex.trace.trace import Influence, Revoke


def revoke(run: Run, number: int) -> Revoke:
    """Take a thought out of the River's cache again and record that; see `Injector.revoke`."""
    with run.river_lock, run.on_device_stream():
        tail = run.injector.revoke(number)
        run.river.recount()
        event = Revoke(step=run.step, injection=number, rebuilt_tokens=tail)
    return run.record.add_about(number, run.stamped(event))


def influence(run: Run, number: int) -> Influence:
    """Measure what a thought has changed so far and record that; see `Injector.influence`."""
    with run.river_lock:
        run.catch_up()
        still = run.injector.still()
        step = run.step
    effect = still.influence(number)
    event = Influence(
        step=step,
        injection=number,
        first_position=effect.first_position,
        kl=list(effect.kl),
        attention_mass=list(effect.attention_mass),
    )
    return run.record.add_about(number, run.stamped(event))
