"""Arrow's streaming format (IPC). What a message would become is summed up from its header before anything is read."""

import struct
from collections.abc import Mapping, Sequence
from typing import Any

from headgate.errors import Malformed, TooLarge
from headgate.serving.contract import Contract
from headgate.serving.formats.arrow_answers import answer_batch, answer_columns
from headgate.serving.formats.arrow_columns import check_schema
from headgate.serving.formats.format import Array, Body, Decode, Encode, Origin
from headgate.serving.formats.table_reader import READER

# places of fields in the tables of Arrow's Message.fbs, RecordBatch and DictionaryBatch, as flatbuffers counts them
_HEADER, _LENGTH, _BUFFERS, _COMPRESSION, _DATA = 8, 4, 8, 10, 6
MAX_MESSAGES = 4096


class ArrowFormat:
    """`application/vnd.apache.arrow.stream`."""

    name = "arrow"
    media_type = "application/vnd.apache.arrow.stream"
    content_type = "application/vnd.apache.arrow.stream"
    inline_bytes = 0
    library, extra = "pyarrow", "arrow"
    imports: tuple[str, ...] = ("pyarrow",)

    def decoder(self, contract: Contract) -> Decode:
        """Decode a stream: its columns by name, its batches one after the other."""
        return READER.decoder(self.name, contract)

    def encoder(self, origin: Origin) -> Encode:
        """Encode one batch: id (when the caller gave ids), predictions, probabilities as a list of fixed size."""

        def encode(outputs: Mapping[str, Array]) -> Body:
            columns = answer_columns(outputs)

            def body(request_id: str, start: int, stop: int, ids: Sequence[str] | None) -> bytes:
                import pyarrow as pa

                batch = answer_batch(origin, columns, slice(start, stop), request_id, ids)
                sink = pa.BufferOutputStream()
                with pa.ipc.new_stream(sink, batch.schema) as writer:
                    writer.write_batch(batch)
                content: bytes = sink.getvalue().to_pybytes()
                return content

            return body

        return encode


def read_stream(contract: Contract, body: bytes | bytearray) -> Any:
    """The table of a stream. Only for the process that reads tables: pyarrow may end it."""
    import pyarrow as pa

    buffer = pa.py_buffer(body)
    _check_messages(contract, buffer)
    options = pa.ipc.IpcReadOptions(use_threads=False, ensure_alignment=pa.ipc.Alignment.DataTypeSpecific)
    with pa.ipc.open_stream(buffer, options=options) as reader:
        batches = list(reader)
        for batch in batches:
            # offsets, UTF-8, places in dictionaries: the reader believes them
            batch.validate(full=True)
        return pa.Table.from_batches(batches, reader.schema)


def _check_messages(contract: Contract, buffer: Any) -> None:
    """Read the headers alone; raises `Malformed`, `SignatureMismatch` or `TooLarge`."""
    import pyarrow as pa

    rows = size = 0
    for number, message in enumerate(pa.ipc.MessageReader.open_stream(buffer)):
        if number == 0:
            check_schema(contract, pa.ipc.read_schema(message))
            continue
        if number > MAX_MESSAGES:
            raise TooLarge(f"The stream has over {MAX_MESSAGES} messages.")
        length, unpacked = _measure(message)
        if length < 0:
            raise Malformed(f"A batch of the Arrow stream says that it has {length} rows.")
        rows += length if message.type == "record batch" else 0
        size += unpacked
        if rows > contract.max_rows:
            raise TooLarge(f"Got {rows} rows or more, {contract.max_rows} are allowed in one request. Split it.")
        if size > contract.max_bytes:
            raise TooLarge(f"The stream is over {contract.max_bytes} bytes once it is decompressed.")


def _measure(message: Any) -> tuple[int, int]:
    """Rows of a message, and the bytes that its buffers become; pyarrow has verified its header's structure."""
    import flatbuffers.number_types as kinds
    from flatbuffers.table import Table

    header = message.metadata.to_pybytes()
    root = Table(header, struct.unpack_from("<I", header)[0])
    batch = _inner(root, _HEADER)
    if batch is not None and message.type == "dictionary":
        batch = _inner(batch, _DATA)
    if batch is None:
        return 0, 0
    place = batch.Offset(_LENGTH)
    length = batch.Get(kinds.Int64Flags, batch.Pos + place) if place else 0
    place = batch.Offset(_BUFFERS)
    count = batch.VectorLen(place) if place else 0
    buffers = struct.unpack_from(f"<{2 * count}q", header, batch.Vector(place)) if count else ()
    if not batch.Offset(_COMPRESSION):
        return length, sum(buffers[1::2])
    return length, sum(_unpacked(message.body, *buffers[at : at + 2]) for at in range(0, len(buffers), 2))


def _inner(table: Any, field: int) -> Any:
    from flatbuffers.table import Table

    place = table.Offset(field)
    return Table(table.Bytes, table.Indirect(table.Pos + place)) if place else None


def _unpacked(body: Any, start: int, length: int) -> int:
    """A compressed buffer begins with its size before; -1 says that it is not compressed after all."""
    if length < 8:
        return max(0, length)
    if start < 0 or start + length > body.size:
        raise Malformed("A buffer of the Arrow stream lies outside of its message.")
    size = int.from_bytes(body.slice(start, 8).to_pybytes(), "little", signed=True)
    return length if size == -1 else size if size >= 0 else _refuse_size(size)


def _refuse_size(size: int) -> int:
    raise Malformed(f"A buffer of the Arrow stream says that it holds {size} bytes.")
