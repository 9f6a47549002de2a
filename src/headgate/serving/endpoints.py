"""From a route table and its loaded models to an endpoint that answers: everything that can be made beforehand."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

from headgate.crashes import CallMarks
from headgate.errors import NotFound
from headgate.records import Column, RouteTable, Variant
from headgate.serving.admission import Gates
from headgate.serving.batching import Batcher
from headgate.serving.bodies import ALWAYS, ANY, Bodies, Policies, Reader, Threads, plain_decoders, readers_of
from headgate.serving.calls import Calls, Settle
from headgate.serving.contract import Contract
from headgate.serving.dialects.dialect import STREAM, Dialect, Streaming, Write, headed
from headgate.serving.fallback import Replaceable
from headgate.serving.foreign_pages import refusing_pages
from headgate.serving.formats.events import MEDIA_TYPE, SERVER_SENT, Events, whole_encoder
from headgate.serving.formats.format import Encode, Format, Origin
from headgate.serving.formats.library import Library
from headgate.serving.formats.registry import format_names, is_installed, load_format
from headgate.serving.hosted_calls import HostedCalls
from headgate.serving.loading import Loaded, asker, checker, largest_taken, selector
from headgate.serving.metrics import CacheMetrics, Metrics
from headgate.serving.predict import LiveEndpoint, LiveVariant, Prediction, Reply
from headgate.serving.refusals import Refusals
from headgate.serving.response_cache import CachedCalls, ResponseCache, keeping
from headgate.serving.responses import head_of, native_error
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
        largest = largest_taken((variant, models[variant].manifest) for variant in table.variants)
        contract = Contract(table.contract, limits.max_rows, limits.max_body_bytes, largest)
        variants = tuple(self._variant(table, contract, variant, models) for variant in table.variants)
        readers = readers_of(self._formats, contract)
        spoken: dict[tuple[str, str, str], LiveEndpoint] = {}
        policies = Policies(watch_values(contract, table.spec), UnusualCounts(self._metrics, table.endpoint))

        def speak(dialect: Dialect, version: str, does: str) -> LiveEndpoint:
            known = dialect.name, version, does
            if known not in spoken:
                spoken[known] = speak_of(live, dialect, version, does, plain=policies.watch is None)
            return spoken[known]

        live = LiveEndpoint(
            table=table,
            variants=variants,
            queues=tuple(variant.calls for variant in variants),
            router=Router(table.endpoint, variants),
            gates=self._gates.of_endpoint(table.endpoint, limits),
            # where values are watched, no body is plain
            contract=contract,
            decoders=plain_decoders(readers) if policies.watch is None else {},
            decode=None,
            bodies=Bodies(self._loop, self._body_threads, limits, policies),
            readers=readers,
            refusals=self._refusals(table.endpoint),
            scope=f"{table.project}/{table.environment}",
            timeout=limits.timeout_ms / 1000,
            begin=begin_with(variants),
            shape=native_error,
            spoken=speak,
        )
        return live

    def _variant(self, table: RouteTable, contract: Contract, variant: Variant, models: Models) -> LiveVariant:
        held = models[variant]
        tap = self._tap(table, contract, variant, held.manifest.signature.outputs)
        if table.spec.cache_entries:
            metrics = CacheMetrics(self._metrics, table.endpoint, variant.version)
            cache = ResponseCache(table.spec.cache_entries, metrics)
            asked = self._calls(table, contract, variant, held, keeping(cache, contract.assemble, tap.settle))
            calls: Calls = CachedCalls(asked, cache, contract.assemble, tap.settle)
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
        count = self._metrics.variant(table.endpoint, variant.version).batch
        if isinstance(held.model, Loaded):
            mark = self._marks.mark(variant.digest, table.endpoint)
            ask = asker(contract, held.model.model, select, checker(manifest), count, mark)
            return Batcher(self._loop, self._threads, ask, settle, held.model.cost, most)
        return HostedCalls(self._loop, held.model, contract.assemble, checker(manifest), settle, most, select, count)

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
        origin = origin_of(table, variant)
        named = dict(origin.headers)
        replies = {
            form.media_type: reply_in(head_of(200, form.content_type, named), form.encoder(origin), library)
            for form, library in zip(self._formats, self._libraries, strict=True)
            if is_installed(form)
        }
        head = head_of(200, MEDIA_TYPE, named)
        return replies | {MEDIA_TYPE: reply_in_parts(head, headed(head, whole_encoder(origin)), SERVER_SENT)}


def begin_with(variants: Sequence[LiveVariant]) -> Callable[..., Prediction]:
    """How a prediction begins: with another one behind it where there is a fallback."""
    fallback = next((variant for variant in variants if variant.record.role == "fallback"), None)
    return Prediction if fallback is None else partial(Replaceable, fallback)


def origin_of(table: RouteTable, variant: Variant) -> Origin:
    """Where the answers of a variant come from."""
    return Origin(table.endpoint, variant.version, table.classes, variant.role)


def reply_in(head: bytes, encode: Encode, library: Library | None) -> Reply:
    """How a variant answers in a format."""
    return Reply(head, headed(head, encode), library)


def reply_in_parts(head: bytes, encode: Write, events: Events) -> Reply:
    """How a variant answers in parts."""
    return Reply(head, encode, begin=partial(Streamed, events=events))


def reply_to(dialect: Dialect, origin: Origin, does: str) -> Reply:
    """How a variant answers the clients of a dialect."""
    if does == STREAM and isinstance(dialect, Streaming):
        return reply_in_parts(*dialect.stream(origin))
    return Reply(b"", dialect.encoder(origin))


def speak_of(live: LiveEndpoint, dialect: Dialect, version: str, does: str, *, plain: bool) -> LiveEndpoint:
    """The endpoint to clients of a dialect; raises `NotFound` for a version that does not stand behind it."""
    variants = tuple(
        replace(variant, replies={ANY: reply}, default=reply)
        for variant in live.variants
        for reply in [reply_to(dialect, origin_of(live.table, variant.record), does)]
    )
    named = variant_of(live.table, variants, version) if version else None
    reader = Reader(refusing_pages(dialect.decoder(live.contract)), dialect.inline_bytes)
    inline = plain and dialect.inline_bytes == ALWAYS
    return replace(
        live,
        variants=variants,
        router=Router.to(live.table.endpoint, named) if named else Router(live.table.endpoint, variants),
        decoders={},
        decode=reader.decode if inline else None,
        readers={ANY: reader},
        begin=begin_with(variants),
        shape=dialect.error,
    )


def variant_of(table: RouteTable, variants: Sequence[LiveVariant], wanted: str) -> LiveVariant:
    """The variant of a version, number, alias or role; raises `NotFound` naming those that there are."""
    named = table.variant_named(wanted)
    for variant in variants:
        if variant.record == named:
            return variant
    known = ", ".join(variant.record.version for variant in variants)
    raise NotFound(
        f"No version {wanted[:64]!r} stands behind this endpoint; there are: {known}.",
        detail=[{"endpoint": table.endpoint, "version": wanted[:64]}],
    )
