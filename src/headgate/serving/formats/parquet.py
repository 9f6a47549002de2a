"""Parquet files: flat columns by name. First, rows and sizes are judged by the footer and by every page's header."""

from collections.abc import Mapping, Sequence
from typing import Any

from headgate.errors import Malformed, SignatureMismatch, TooLarge
from headgate.serving.contract import Contract, Rows
from headgate.serving.formats.arrow_answers import answer_batch, answer_columns
from headgate.serving.formats.arrow_columns import check_schema
from headgate.serving.formats.format import NO_HEADERS, Array, Body, Decode, Encode, Headers, Origin
from headgate.serving.formats.parquet_pages import unpacked_size
from headgate.serving.formats.table_reader import READER
from headgate.serving.problems import count_problem

# of the footer; a file of rows for one prediction has few of anything
_FOOTER_STRING, _FOOTER_LIST = 1_000_000, 100_000
MAX_CHUNKS = 10_000


class ParquetFormat:
    """`application/vnd.apache.parquet`."""

    name = "parquet"
    media_type = "application/vnd.apache.parquet"
    content_type = "application/vnd.apache.parquet"
    inline_bytes = 0
    library, extra = "pyarrow", "arrow"
    imports: tuple[str, ...] = ("pyarrow", "pyarrow.parquet")

    def decoder(self, contract: Contract) -> Decode:
        """Decode a whole file."""
        shaped = [column.name for column in contract.signature.inputs if column.shape]

        if shaped:
            return _refusal(shaped)
        return READER.decoder(self.name, contract)

    def encoder(self, origin: Origin) -> Encode:
        """Encode one file: id (when the caller gave ids), predictions, probabilities as a list of fixed size."""

        def encode(outputs: Mapping[str, Array]) -> Body:
            columns = answer_columns(outputs)

            def body(request_id: str, start: int, stop: int, ids: Sequence[str] | None) -> bytes:
                import pyarrow as pa
                import pyarrow.parquet as pq

                batch = answer_batch(origin, columns, slice(start, stop), request_id, ids)
                sink = pa.BufferOutputStream()
                pq.write_table(pa.Table.from_batches([batch]), sink, write_statistics=False)
                content: bytes = sink.getvalue().to_pybytes()
                return content

            return body

        return encode


def _refusal(columns: list[str]) -> Decode:
    def refuse(_body: bytes | bytearray, _headers: Headers = NO_HEADERS, /) -> Rows:
        raise SignatureMismatch(f"Columns {columns} hold arrays, which are taken as Arrow or JSON only.")

    return refuse


def read_file(contract: Contract, body: bytes | bytearray) -> Any:
    """The table of a file. Only for the process that reads tables: pyarrow may end it."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    buffer = pa.py_buffer(body)
    limits = {"thrift_string_size_limit": _FOOTER_STRING, "thrift_container_size_limit": _FOOTER_LIST}
    with pq.ParquetFile(pa.BufferReader(buffer), **limits) as file:
        metadata, schema = file.metadata, file.schema_arrow
    check_schema(contract, schema)
    _check_sizes(contract, metadata, body)
    # what a dictionary holds once must not be written out once per row
    text = [field.name for field in schema if pa.types.is_binary(field.type) or pa.types.is_string(field.type)]
    with pq.ParquetFile(pa.BufferReader(buffer), metadata=metadata, read_dictionary=text, **limits) as file:
        table = file.read(use_threads=False)
    table.validate(full=True)
    return table


def _check_sizes(contract: Contract, metadata: Any, body: bytes | bytearray) -> None:
    if (error := count_problem(contract, metadata.num_rows)) is not None:
        raise error
    if metadata.num_row_groups * metadata.num_columns > MAX_CHUNKS:
        raise TooLarge(f"The file has over {MAX_CHUNKS} column chunks. Write it with larger row groups.")
    size = 0
    for place in range(metadata.num_row_groups):
        group = metadata.row_group(place)
        for number in range(metadata.num_columns):
            size += _chunk_size(group.column(number), body)
            if size > contract.max_bytes:
                raise TooLarge(f"The file is over {contract.max_bytes} bytes once it is decompressed.")


def _chunk_size(chunk: Any, body: bytes | bytearray) -> int:
    """What a chunk becomes, by the footer and by its pages, whichever says more."""
    # where there is no such page its place is none, or 0
    starts = [place for place in (chunk.dictionary_page_offset, chunk.data_page_offset) if place]
    start, length = min(starts, default=0), chunk.total_compressed_size
    if chunk.total_uncompressed_size < 0 or length < 0 or start < 0 or start + length > len(body):
        raise Malformed("A column chunk of the Parquet file lies outside of the file.")
    return max(int(chunk.total_uncompressed_size), unpacked_size(memoryview(body)[start : start + length]))
