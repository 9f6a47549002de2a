"""FastAPI on uvicorn, `async def`, typed bodies: `python -m benchmarks.peers.fastapi_server --port P --model M`."""

import argparse
from typing import Any

import fastapi
import pydantic
import uvicorn
from benchmarks.peers.model import answer, load_model


class Instances(pydantic.BaseModel):
    """Positional rows."""

    instances: list[list[float]]


class Rows(pydantic.BaseModel):
    """Rows with names."""

    rows: list[dict[str, float]]


def application(model: str, names: list[str]) -> fastapi.FastAPI:
    predict = load_model(model)
    app = fastapi.FastAPI()

    @app.post("/predict")
    async def of_body(body: Instances | Rows) -> dict[str, Any]:
        if isinstance(body, Instances):
            return answer(predict, body.instances)
        return answer(predict, [[row[name] for name in names] for row in body.rows])

    return app


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--names", required=True)
    chosen = parser.parse_args()
    uvicorn.run(application(chosen.model, chosen.names.split(",")), host="127.0.0.1", port=chosen.port)


if __name__ == "__main__":
    main()
