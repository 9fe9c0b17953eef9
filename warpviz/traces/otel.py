"""A trace as OpenTelemetry spans in OTLP's JSON, named by the GenAI conventions.

The River is an `invoke_agent` span, and every stream a child of it. The gate's verdict is a
`gen_ai.evaluation.result` event on the stream's span; an injection links River and stream.

Sources: OpenTelemetry semantic conventions 1.37, "GenAI agent spans" and "GenAI events"; OTLP 1.7,
"JSON Protobuf Encoding" (ids in hexadecimal, times and 64-bit integers as text).
"""

import hashlib
import json
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from warp_cortex import Trace

from warpviz.traces.clock import Agent, TimedRun, runs_of
from warpviz.views.base.wire import clean

PROVIDER = "warp_cortex"
INTERNAL = 1  # SPAN_KIND_INTERNAL: the agents run in this process
OK = 1
ERROR = 2


def otel(trace: Trace, *, began_s: float = 0.0) -> dict[str, Any]:
    """Return the trace as an object for `json.dump`: an ExportTraceServiceRequest.

    began_s: when the first run began, in seconds since 1970, which a trace does not hold. Ids are
    digests of the run, so that the same trace gives the same spans.

    Raises:
        ValueError: the trace holds no run.
    """
    spans: list[dict[str, Any]] = []
    base = round(began_s * 1e9)
    for number, run in enumerate(runs_of(trace.events)):
        spans += _spans(run, base, number)
        base += run.end
    scope = {"name": PROVIDER, "version": _version()}
    resource = {"attributes": _attributes({"service.name": "warpviz"})}
    scoped = [{"scope": scope, "spans": spans}]
    made: dict[str, Any] = clean({"resourceSpans": [{"resource": resource, "scopeSpans": scoped}]})
    return made


def _spans(run: TimedRun, base: int, number: int) -> list[dict[str, Any]]:
    seed = f"{run.start.checksum}/{run.start.seed}/{number}/{run.start.prompt}"
    trace_id = _digest(seed, 16)
    ids = {agent.stream: _digest(f"{seed}/{agent.stream}", 8) for agent in run.agents}
    made = []
    for agent in run.agents:
        is_river = agent.stream is None
        name = "River" if is_river else "stream"
        failed = agent.reason.startswith("error")
        span: dict[str, Any] = {
            "traceId": trace_id,
            "spanId": ids[agent.stream],
            "name": f"invoke_agent {name}",
            "kind": INTERNAL,
            "startTimeUnixNano": str(base + agent.begin),
            "endTimeUnixNano": str(base + max(agent.begin, agent.end)),
            "attributes": _attributes(_of_river(run) if is_river else _of_stream(run, agent)),
            "events": _events(agent, base),
            "status": {"code": ERROR, "message": agent.reason} if failed else {"code": OK},
        }
        if not is_river:
            span["parentSpanId"] = ids[None]
        made.append(span)
    made[0]["links"] = [
        {
            "traceId": trace_id,
            "spanId": ids[agent.stream],
            "attributes": _attributes({"warp_cortex.injection": agent.inject.injection}),
        }
        for agent in run.agents
        if agent.inject is not None
    ]
    return made


def _shared(run: TimedRun, agent: Agent, name: str) -> dict[str, Any]:
    return {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.provider.name": PROVIDER,
        "gen_ai.agent.name": name,
        "gen_ai.agent.id": "river" if agent.stream is None else f"stream-{agent.stream}",
        "gen_ai.request.model": run.start.model,
        "gen_ai.response.model": run.start.model,
        "gen_ai.request.seed": run.start.seed,
        "gen_ai.output.type": "text",
        "gen_ai.usage.output_tokens": len(agent.pieces),
        "gen_ai.response.finish_reasons": [agent.reason or "unfinished"],
        "gen_ai.output.messages": _message("assistant", agent.text, agent.reason or "unfinished"),
        "warp_cortex.has_clock": run.has_clock,
    }


def _of_river(run: TimedRun) -> dict[str, Any]:
    river = run.agents[0]
    settings = run.start.config.get("river", {})
    asked = {
        "gen_ai.request.max_tokens": settings.get("max_tokens"),
        "gen_ai.request.temperature": settings.get("temperature"),
    }
    return {
        **_shared(run, river, "River"),
        **{name: value for name, value in asked.items() if isinstance(value, (int, float))},
        "gen_ai.usage.input_tokens": len(run.start.prompt_tokens),
        "gen_ai.input.messages": _message("user", run.start.prompt),
    }


def _of_stream(run: TimedRun, agent: Agent) -> dict[str, Any]:
    assert agent.spawn is not None
    return {
        **_shared(run, agent, "stream"),
        "gen_ai.input.messages": _message("user", agent.spawn.task),
        "warp_cortex.trigger": agent.spawn.kind,
        "warp_cortex.snapshot": agent.spawn.version,
    }


def _events(agent: Agent, base: int) -> list[dict[str, Any]]:
    if agent.gate is None:
        return []
    verdict = {
        "gen_ai.evaluation.name": f"gate: {agent.gate.scorer} similarity",
        "gen_ai.evaluation.score.value": agent.gate.similarity,
        "gen_ai.evaluation.score.label": "accepted" if agent.gate.accepted else "rejected",
        "warp_cortex.theta": agent.gate.threshold,
    }
    return [
        {
            "timeUnixNano": str(base + agent.gate_at),
            "name": "gen_ai.evaluation.result",
            "attributes": _attributes(verdict),
        }
    ]


def _message(role: str, text: str, finish: str | None = None) -> str:
    """Return one message as the JSON text that the conventions ask for."""
    message: dict[str, Any] = {"role": role, "parts": [{"type": "text", "content": clean(text)}]}
    if finish is not None:
        message["finish_reason"] = finish
    return json.dumps([message], ensure_ascii=True)


def _attributes(values: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"key": name, "value": _value(value)} for name, value in values.items()]


def _value(value: Any) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    if isinstance(value, list):
        return {"arrayValue": {"values": [_value(item) for item in value]}}
    return {"stringValue": str(value)}


def _digest(text: str, size: int) -> str:
    made = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=size)
    return made.hexdigest()


def _version() -> str:
    try:
        return version("warpviz")
    except PackageNotFoundError:
        return "unknown"
