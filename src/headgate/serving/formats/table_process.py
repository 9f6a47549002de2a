"""The process that reads tables: `python -m headgate.serving.formats.table_process`, bodies in, columns out.

pyarrow ends the process on some damaged bodies (it throws through functions that must not throw). So it reads what
clients send in a process of its own, within limits, and never in a worker. It ends with its worker's pipe.
"""

import resource
import struct
import sys
from functools import lru_cache
from importlib.abc import MetaPathFinder

import msgspec
import pyarrow as pa

from headgate.errors import HeadgateError, Malformed
from headgate.serving.contract import Contract
from headgate.serving.formats.arrow import read_stream
from headgate.serving.formats.arrow_columns import columns_of
from headgate.serving.formats.parquet import read_file
from headgate.serving.formats.table_wire import Answer, Ask, pack, read_frame, write_frame

# what a body may make of itself, checked beforehand; this holds whatever was overlooked
MEMORY_BYTES = 4 << 30
FORMS = {"arrow": read_stream, "parquet": read_file}
_asks = msgspec.msgpack.Decoder(Ask)


@lru_cache(maxsize=64)
def contract_of(ask: bytes) -> tuple[str, Contract]:
    """The form and the contract of a request."""
    asked = _asks.decode(ask)
    return asked.form, Contract(asked.signature, asked.max_rows, asked.max_bytes, asked.largest)


def read_body(ask: bytes, body: bytes) -> Answer:
    """Read one body; an answer in any case but a fault of pyarrow's or ours."""
    form, contract = contract_of(ask)
    try:
        table = FORMS[form](contract, body)
        columns = {name: pack(array) for name, array in columns_of(contract, table).items()}
        return Answer(table.num_rows, columns)
    except HeadgateError as error:
        found = error
    except (pa.ArrowException, OSError, UnicodeDecodeError, struct.error, MemoryError) as error:
        found = Malformed(f"The body cannot be read as {form}: {str(error)[:200]}")
    return Answer(code=found.code, message=found.message, detail=list(found.detail))


class WithoutPandas(MetaPathFinder):
    """Where pandas is installed pyarrow imports it with the first array, for nothing that is asked here."""

    def find_spec(self, fullname: str, path: object, target: object = None) -> None:
        """Say that there is no pandas."""
        if fullname == "pandas":
            raise ModuleNotFoundError("pandas is not used here", name=fullname)


def main() -> None:
    """Answer until the worker has gone."""
    sys.meta_path.insert(0, WithoutPandas())
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    encode = msgspec.msgpack.Encoder().encode
    while True:
        try:
            ask, body = read_frame(sys.stdin.buffer), read_frame(sys.stdin.buffer)
        except EOFError:
            return
        write_frame(sys.stdout.buffer, encode(read_body(ask, body)))


if __name__ == "__main__":
    main()
