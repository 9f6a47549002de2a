"""A node with two good models, to put bad ones beside them."""

import http.client
import json
from pathlib import Path
from typing import Any

from headgate.records import EndpointSpec, Limits, RouteTable, Variant
from headgate.testing.bundles import BuiltBundle, build_bundle, route_table
from headgate.testing.node.node import Node, until
from headgate.testing.zoo import Fault, build_zoo

MB = 1024 * 1024
Answer = tuple[int, str]
OK: Answer = (200, "")
FAILED: Answer = (500, "MODEL_ERROR")
INVALID: Answer = (500, "MODEL_OUTPUT_INVALID")
POISON: Answer = (500, "POISON_REQUEST")
LATE: Answer = (504, "DEADLINE_EXCEEDED")

# what the bad request itself is told
TOLD: dict[Fault, Answer] = {
    Fault.RAISES: FAILED, Fault.RAISES_HALF: FAILED, Fault.RAISES_MUTE: FAILED,
    Fault.LEAVES: FAILED, Fault.OUT_OF_MEMORY: FAILED, Fault.FORKS: FAILED,
    Fault.FILLS_DISK: FAILED, Fault.OPENS_SOCKETS: FAILED,
    Fault.EXITS: POISON, Fault.SEGFAULT: POISON, Fault.SHARES_MEMORY: POISON,
    Fault.LOOPS: LATE, Fault.HOLDS: LATE, Fault.SLEEPS_LONG: LATE,
    Fault.NAN: INVALID, Fault.INFINITE: INVALID, Fault.TOO_MANY_ROWS: INVALID, Fault.SCALAR: INVALID,
    Fault.WRONG_SHAPE: INVALID, Fault.WRONG_DTYPE: INVALID, Fault.TEXT: INVALID, Fault.HUGE: INVALID,
    Fault.SLEEPS: OK, Fault.SLOW_AT_FIRST: OK, Fault.PRINTS: OK, Fault.WRITES: OK, Fault.THREADS: OK, Fault.LEAKS: OK,
    Fault.CHANGES_PROCESS: OK, Fault.CHANGES_NUMBERS: OK, Fault.ANSWERS_AT_RANDOM: OK,
    Fault.TELLS_TRACE: OK,
}  # fmt: skip
SPEC = EndpointSpec(limits=Limits(timeout_ms=1_000))
PATIENT = EndpointSpec(limits=Limits(timeout_ms=30_000))
FRAUD = b'{"rows": [{"age": 1.0, "income": 2.0, "balance": 3.0}]}'
GOOD = b'{"rows": [{"fault": 0, "value": 3.0}]}'


LIMITS = {
    "host_memory_bytes": 640 * MB, "host_growth_bytes": 64 * MB, "host_threads": 40, "host_open_files": 256,
    "host_file_bytes": 32 * MB,
}  # fmt: skip


def start_node(folder: Path, limits: dict[str, int] = LIMITS) -> Node:
    """`fraud` inside its worker, `good` in a host of its own."""
    node = Node(
        folder, fakes="control", workers=1, hang_seconds=2.0, load_seconds=4.0, acknowledge_seconds=10.0, **limits
    )
    node.start()
    fraud = build_bundle(node.plane.folder / "made")
    node.plane.offer(fraud.folder)
    node.plane.publish(route_table(fraud), placed(offered(node, "good"), "good"))
    until(lambda: node.has("fraud", 1) and node.has("good", 1), "the good ones", 60)
    return node


def offered(node: Node, name: str, prelude: str = "") -> BuiltBundle:
    built = build_zoo(node.plane.folder / "made", name=name, prelude=prelude)
    node.plane.offer(built.folder)
    return built


def placed(bundle: BuiltBundle, endpoint: str, spec: EndpointSpec = SPEC) -> RouteTable:
    variant = Variant(version=f"{endpoint}:1", digest=bundle.digest, form="native", placement="host")
    return route_table(bundle, endpoint, variants=(variant,), spec=spec)


def deployed(node: Node, endpoint: str, spec: EndpointSpec = SPEC) -> BuiltBundle:
    bundle = offered(node, endpoint)
    node.plane.publish(placed(bundle, endpoint, spec))
    until(lambda: node.has(endpoint, 1), "the bad one", 60)
    return bundle


def ask(node: Node, endpoint: str, fault: Fault = Fault.NONE, value: float = 1.0) -> Answer:
    """Status and code."""
    connection = http.client.HTTPConnection("127.0.0.1", node.port, timeout=60)
    body = json.dumps({"instances": [[fault, value]]})
    connection.request("POST", f"/v1/endpoints/{endpoint}/predict", body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    content: dict[str, Any] = json.loads(answer.read())
    connection.close()
    if answer.status == 200:
        assert fault == Fault.ANSWERS_AT_RANDOM or content["predictions"] == [value]
        return OK
    assert str(node.home.path) not in content["error"] and "Traceback" not in content["error"]
    return answer.status, content["code"]
