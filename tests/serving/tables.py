"""Bodies of the formats for tables, written by pyarrow as a client would."""

from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

ARROW = "application/vnd.apache.arrow.stream"
PARQUET = "application/vnd.apache.parquet"
NDJSON = "application/x-ndjson"


def stream(table: Any, compression: str | None = None, **batches: Any) -> bytes:
    """The table as an Arrow stream."""
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression=compression, emit_dictionary_deltas=True)
    with pa.ipc.new_stream(sink, table.schema, options=options) as writer:
        writer.write_table(table, **batches)
    content: bytes = sink.getvalue().to_pybytes()
    return content


def parquet(table: Any, **options: Any) -> bytes:
    """The table as a Parquet file."""
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, **options)
    content: bytes = sink.getvalue().to_pybytes()
    return content


def read(media_type: str, body: bytes) -> Any:
    """An answer as a table."""
    source = pa.BufferReader(body)
    return pa.ipc.open_stream(source).read_all() if media_type == ARROW else pq.read_table(source)
