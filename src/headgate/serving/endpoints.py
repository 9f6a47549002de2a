"""From a route table and its loaded models to an endpoint that answers: everything that can be made beforehand."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from headgate.crashes import CallMarks
from headgate.records import Column, RouteTable, Variant
from headgate.serving.admission import Gates
from headgate.serving.batching import Batcher
from headgate.serving.bodies import Bodies, Policies, Threads, plain_decoders, readers_of
from headgate.serving.calls import Calls, Settle
from headgate.serving.contract import Contract
from headgate.serving.fallback import Replaceable
from headgate.serving.formats.events import MEDIA_TYPE, whole_encoder
from headgate.serving.formats.format import Format, Origin
from headgate.serving.formats.library import Library
from headgate.serving.formats.registry import format_names, is_installed, load_format
from headgate.serving.hosted_calls import HostedCalls
from headgate.serving.loading import Loaded, asker, checker, selector
from headgate.serving.metrics import CacheMetrics, Metrics
from headgate.serving.predict import LiveEndpoint, LiveVariant, Prediction, Reply
from headgate.serving.refusals import Refusals
from headgate.serving.response_cache import CachedCalls, ResponseCache, keeping
from headgate.serving.responses import head_of
from headgate.serving.router import Router
from headgate.serving.routes import Held, Models
from headgate.serving.spans import Place, Spans, TracedRefusals, TracedTap
from headgate.serving.streamed import Streamed
from headgate.serving.tap import Recording, Tap
from headgate.serving.value_policies import UnusualCounts, watch_values
from headgate.spool.segment import SpoolWriter

MODEL_THREADS = 4
BODY_THREADS = 2


class Composer:
    """Makes endpoints for one worker."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        metrics: Metrics,
        writer: SpoolWriter,
        gates: Gates,
        marks: CallMarks,
        spans: Spans | None = None,
    ) -> None:
        self._loop = loop
        self._gates = gates
        self._metrics = metrics
        self._writer = writer
        self._marks = marks
        self._spans = spans
        self._threads = ThreadPoolExecutor(MODEL_THREADS, thread_name_prefix="model")
        self._body_threads = Threads(
            ThreadPoolExecutor(BODY_THREADS, thread_name_prefix="body"),
            ThreadPoolExecutor(1, thread_name_prefix="table"),
        )
        self._formats: list[Format] = [load_format(name) for name in format_names()]
        self._libraries = [Library(form.imports) if form.imports else None for form in self._formats]

    def compose(self, table: RouteTable, models: Models) -> LiveEndpoint:
        """The endpoint of a table whose models are all held; raises `Refused` when one does not fit the contract."""
        limits = table.spec.limits
        contract = Contract(table.contract, limits.max_rows, limits.max_body_bytes)
        variants = tuple(self._variant(table, contract, variant, models) for variant in table.variants)
        fallback = next((variant for variant in variants if variant.record.role == "fallback"), None)
        readers = readers_of(self._formats, contract)
        policies = Policies(watch_values(contract, table.spec), UnusualCounts(self._metrics, table.endpoint))
        return LiveEndpoint(
            table=table,
            variants=variants,
            queues=tuple(variant.calls for variant in variants),
            router=Router(table.endpoint, variants),
            gates=self._gates.of_endpoint(table.endpoint, limits),
            # where values are watched, no body is plain
            decoders=plain_decoders(readers) if policies.watch is None else {},
            bodies=Bodies(self._loop, self._body_threads, readers, limits, policies),
            refusals=self._refusals(table.endpoint),
            scope=f"{table.project}/{table.environment}",
            timeout=limits.timeout_ms / 1000,
            begin=Prediction if fallback is None else partial(Replaceable, fallback),
        )

    def _variant(self, table: RouteTable, contract: Contract, variant: Variant, models: Models) -> LiveVariant:
        held = models[variant]
        tap = self._tap(table, contract, variant, held.manifest.signature.outputs)
        if table.spec.cache_entries:
            metrics = CacheMetrics(self._metrics, table.endpoint, variant.version)
            cache = ResponseCache(table.spec.cache_entries, metrics)
            asked = self._calls(table, contract, variant, held, keeping(cache, contract.assemble, tap.settle))
            calls: Calls = CachedCalls(asked, cache, tap.settle)
        else:
            calls = self._calls(table, contract, variant, held, tap.settle)
        replies = self._replies(table, variant)
        return LiveVariant(
            record=variant,
            outputs=held.manifest.signature.outputs,
            calls=calls,
            replies=replies,
            default=next(iter(replies.values())),
            tap=tap,
        )

    def _calls(self, table: RouteTable, contract: Contract, variant: Variant, held: Held, settle: Settle) -> Calls:
        """The way to the variant's model, in this process or in hosts."""
        manifest, most = held.manifest, table.spec.limits.queue
        select = selector(contract, manifest.signature.features, variant.version)
        if isinstance(held.model, Loaded):
            count = self._metrics.variant(table.endpoint, variant.version).batch
            mark = self._marks.mark(variant.digest, table.endpoint)
            ask = asker(contract, held.model.model, select, checker(manifest), count, mark)
            return Batcher(self._loop, self._threads, ask, settle, held.model.cost, most)
        return HostedCalls(self._loop, held.model, contract.assemble, checker(manifest), settle, most, select)

    def _tap(self, table: RouteTable, contract: Contract, variant: Variant, outputs: Sequence[Column]) -> Tap:
        columns = [(column.name, column.dtype) for column in contract.features]
        names = [column.name for column in outputs]
        schema = self._writer.schema(table.endpoint, variant.version, columns, names, table.spec.record_sampling)
        metrics = self._metrics.variant(table.endpoint, variant.version)
        recording = Recording(schema, table.spec.record_sampling)
        refusals = Refusals(table.endpoint, variant.version, metrics)
        if self._spans is None:
            return Tap(contract, self._writer, recording, metrics, refusals)
        place = Place(table.endpoint, variant.version, variant.role)
        return TracedTap(contract, self._writer, recording, metrics, refusals, place, self._spans)

    def _refusals(self, endpoint: str) -> Refusals:
        """What is told of requests that reach none of its versions."""
        metrics = self._metrics.refused(endpoint)
        if self._spans is None:
            return Refusals(endpoint, "", metrics)
        return TracedRefusals(Place(endpoint), metrics, self._spans)

    def _replies(self, table: RouteTable, variant: Variant) -> dict[str, Reply]:
        origin = Origin(table.endpoint, variant.version, table.classes)
        named = {"Headgate-Model": variant.version, "Headgate-Variant": variant.role}
        replies = {
            form.media_type: Reply(head_of(200, form.content_type, named), form.encoder(origin), library)
            for form, library in zip(self._formats, self._libraries, strict=True)
            if is_installed(form)
        }
        streamed = Reply(head_of(200, MEDIA_TYPE, named), whole_encoder(origin), begin=Streamed)
        return replies | {MEDIA_TYPE: streamed}
