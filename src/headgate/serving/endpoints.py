"""From a route table and its loaded models to an endpoint that answers: everything that can be made beforehand."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from headgate.crashes import CallMarks
from headgate.records import Column, RouteTable, Variant
from headgate.runtimes.batch import Batch
from headgate.serving.batching import Batcher
from headgate.serving.contract import Contract
from headgate.serving.dialects.dialect import Dialect, Origin
from headgate.serving.dialects.registry import dialect_names, load_dialect
from headgate.serving.fault_log import FaultLog
from headgate.serving.hosted_calls import HostedCalls
from headgate.serving.loading import Loaded, asker, checker, selector
from headgate.serving.metrics import Metrics
from headgate.serving.predict import Calls, LiveEndpoint, LiveVariant, Reply
from headgate.serving.responses import head_of
from headgate.serving.router import Router
from headgate.serving.routes import Models
from headgate.serving.tap import Recording, Tap
from headgate.spool.segment import SpoolWriter

MODEL_THREADS = 4


class Composer:
    """Makes endpoints for one worker."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, metrics: Metrics, writer: SpoolWriter, marks: CallMarks
    ) -> None:
        self._loop = loop
        self._metrics = metrics
        self._writer = writer
        self._marks = marks
        self._threads = ThreadPoolExecutor(MODEL_THREADS, thread_name_prefix="model")
        self._dialects: list[Dialect] = [load_dialect(name) for name in dialect_names()]

    def compose(self, table: RouteTable, models: Models) -> LiveEndpoint:
        """The endpoint of a table whose models are all held; raises `Refused` when one does not fit the contract."""
        contract = Contract(table.contract, table.spec.limits.max_rows)
        variants = tuple(self._variant(table, contract, variant, models) for variant in table.variants)
        decoders = {dialect.media_type.encode(): dialect.decoder(contract) for dialect in self._dialects}
        return LiveEndpoint(
            table=table,
            contract=contract,
            variants=variants,
            router=Router(table.endpoint, variants),
            decoders=decoders,
            metrics=self._metrics.variant(table.endpoint, ""),
            scope=f"{table.project}/{table.environment}",
            timeout=table.spec.limits.timeout_ms / 1000,
        )

    def _variant(self, table: RouteTable, contract: Contract, variant: Variant, models: Models) -> LiveVariant:
        held = models[variant]
        manifest = held.manifest
        metrics = self._metrics.variant(table.endpoint, variant.version)
        select = selector(contract, manifest.signature.features, variant.version)
        tap = self._tap(table, contract, variant, manifest.signature.outputs)
        calls: Calls
        if isinstance(held.model, Loaded):
            mark = self._marks.mark(variant.digest, table.endpoint)
            ask = asker(contract, held.model.model, select, checker(manifest), metrics.batch, mark)
            calls = Batcher(self._loop, self._threads, ask, tap.settle, held.model.cost)
        else:
            assemble = assembler(contract, select)
            calls = HostedCalls(self._loop, held.model, assemble, checker(manifest), tap.settle)
        replies = self._replies(table, variant)
        return LiveVariant(
            record=variant,
            outputs=manifest.signature.outputs,
            calls=calls,
            replies=replies,
            default=next(iter(replies.values())),
            tap=tap,
        )

    def _tap(self, table: RouteTable, contract: Contract, variant: Variant, outputs: Sequence[Column]) -> Tap:
        columns = [(column.name, column.dtype) for column in contract.features]
        names = [column.name for column in outputs]
        schema = self._writer.schema(table.endpoint, variant.version, columns, names, table.spec.record_sampling)
        metrics = self._metrics.variant(table.endpoint, variant.version)
        return Tap(
            contract,
            self._writer,
            Recording(schema, table.spec.record_sampling),
            metrics,
            FaultLog(table.endpoint, variant.version),
        )

    def _replies(self, table: RouteTable, variant: Variant) -> dict[str, Reply]:
        origin = Origin(table.endpoint, variant.version, table.classes)
        named = {"Headgate-Model": variant.version, "Headgate-Variant": variant.role}
        return {
            dialect.media_type: Reply(head_of(200, dialect.content_type, named), dialect.encoder(origin))
            for dialect in self._dialects
        }


def assembler(contract: Contract, select: Callable[[Batch], Batch] | None) -> Callable[[list[Any]], Batch]:
    """The rows of some callers → the batch that the variant takes."""
    if select is None:
        return contract.assemble
    chosen = select

    def assemble(parts: list[Any]) -> Batch:
        return chosen(contract.assemble(parts))

    return assemble
