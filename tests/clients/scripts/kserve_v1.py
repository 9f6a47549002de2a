"""What KServe's own client of protocol v1 sees of a server with the endpoint `fraud`: `python kserve_v1.py URL`."""

import asyncio
import json
import sys
from typing import Any

from kserve import InferenceRESTClient, RESTConfig

ROWS = [[41.0, 2.5, -3.0], [18.0, 1e6, 0.25]]


async def error_of(call: Any) -> str:
    """What it raises."""
    try:
        await call
    except Exception as error:  # noqa: BLE001 (whichever it is, the test reads its text)
        return str(error)
    return ""


async def ask(url: str) -> dict[str, Any]:
    """All that the client asks."""
    async with InferenceRESTClient(RESTConfig(protocol="v1")) as client:
        return {
            "rows": await client.infer(url, {"instances": ROWS}, model_name="fraud"),
            "columns": await client.infer(url, {"inputs": ROWS}, model_name="fraud"),
            "live": await client.is_server_live(url),
            "ready": await client.is_model_ready(url, "fraud"),
            "absent": await error_of(client.is_model_ready(url, "nobody")),
            "unknown": await error_of(client.infer(url, {"instances": ROWS}, model_name="nobody")),
            "bad": await error_of(client.infer(url, {"instances": [["old", 1, 2]]}, model_name="fraud")),
            "explain": await error_of(client.explain(url, "fraud", {"instances": ROWS})),
        }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(ask(sys.argv[1]))))  # noqa: T201 (it is what the test reads)
