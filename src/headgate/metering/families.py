"""Every family of metrics of a node: its name, kind, help, buckets, and how the processes' values become one."""

from typing import Literal, NamedTuple

SECONDS_BOUNDS = (
    0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
    30.0,
)  # fmt: skip
ROWS_BOUNDS = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0, 4096.0, 16384.0)


class Family(NamedTuple):
    """One name of metrics."""

    kind: Literal["counter", "gauge", "histogram"]
    help: str
    bounds: tuple[float, ...] = ()
    # of gauges: the values of several processes added up, or the lowest or highest of them
    merge: Literal["sum", "min", "max"] = "sum"

    @property
    def length(self) -> int:
        """Values per series. Those of a histogram: the sum, a count per bucket, the count beyond every bound."""
        return len(self.bounds) + 2 if self.bounds else 1


REQUESTS, ROWS, DROPPED = "headgate_requests_total", "headgate_rows_total", "headgate_records_dropped_total"
TOTAL_SECONDS, QUEUE_SECONDS = "headgate_request_seconds", "headgate_queue_seconds"
MODEL_SECONDS, BATCH_ROWS = "headgate_model_seconds", "headgate_batch_rows"
CONNECTIONS, IN_FLIGHT, WORKERS = "headgate_connections", "headgate_in_flight", "headgate_workers"
REFUSED_SERIES = "headgate_series_dropped_total"
RECORDS, RECORD_BYTES = "headgate_records_total", "headgate_records_bytes_total"
VARIANTS, GENERATION, EPOCH = "headgate_variant_workers", "headgate_route_generation", "headgate_route_epoch"
BUILD, WORKER_STARTED = "headgate_build_info", "headgate_worker_start_time_seconds"
CACHE_HITS, CACHE_MISSES = "headgate_cache_hits_total", "headgate_cache_misses_total"
CACHE_ENTRIES, CACHE_BYTES = "headgate_cache_entries", "headgate_cache_bytes"
RESIDENT, PROPORTIONAL = "headgate_resident_memory_bytes", "headgate_proportional_memory_bytes"
OLD_CERTIFICATE, UNUSUAL = "headgate_old_certificate", "headgate_unusual_rows_total"
SHED = "headgate_shed_total"
AGENT_UP, AGENT_STARTED = "headgate_agent_up", "headgate_agent_start_time_seconds"
HOSTS, HOST_STARTS, CRASHES = "headgate_hosts", "headgate_host_starts_total", "headgate_crashes_total"
TRACED, UNTRACED = "headgate_traced_requests_total", "headgate_traced_requests_dropped_total"
WORKER_STARTS, WORKER_CRASHES = "headgate_worker_starts_total", "headgate_worker_crashes_total"
FAMILIES = {
    REQUESTS: Family("counter", "Answers, by endpoint, version, HTTP status and the reason of an error."),
    SHED: Family("counter", "Requests refused with 429 or 503, by endpoint, version and priority."),
    ROWS: Family("counter", "Rows predicted."),
    TOTAL_SECONDS: Family("histogram", "From the request's last byte to its answer.", SECONDS_BOUNDS),
    QUEUE_SECONDS: Family(
        "histogram", "Waiting for a batch or a model host (not of answers from a cache).", SECONDS_BOUNDS
    ),
    MODEL_SECONDS: Family(
        "histogram", "In the model, for the batch it was in (not of answers from a cache).", SECONDS_BOUNDS
    ),
    BATCH_ROWS: Family("histogram", "Rows per call of the model.", ROWS_BOUNDS),
    UNUSUAL: Family("counter", "Rows answered with a value that training did not see, by column (policy warn)."),
    CACHE_HITS: Family("counter", "Requests answered from the cache of a version."),
    CACHE_MISSES: Family("counter", "Requests that a cache was asked for and could not answer."),
    CACHE_ENTRIES: Family("gauge", "Answers kept in the caches of a version."),
    CACHE_BYTES: Family("gauge", "Bytes that the caches of a version hold."),
    RECORDS: Family("counter", "Records written to the spool."),
    RECORD_BYTES: Family("counter", "Bytes of records written to the spool."),
    DROPPED: Family("counter", "Records that were lost: no room, a full disk."),
    REFUSED_SERIES: Family("counter", "Series that are not shown, for want of room."),
    TRACED: Family("counter", "Sampled requests whose spans a collector has taken."),
    UNTRACED: Family("counter", "Sampled requests whose spans were lost, by reason: full (of the queue) or export."),
    CONNECTIONS: Family("gauge", "Open connections."),
    IN_FLIGHT: Family("gauge", "Requests being answered."),
    WORKERS: Family("gauge", "Living workers."),
    VARIANTS: Family("gauge", "Workers in which the variant answers, by role and placement."),
    GENERATION: Family("gauge", "Generation of the route table that every worker has taken.", merge="min"),
    EPOCH: Family("gauge", "Epoch of the route table that every worker has taken.", merge="min"),
    BUILD: Family("gauge", "1, with the release of Headgate and of Python as labels.", merge="max"),
    WORKER_STARTED: Family("gauge", "When the oldest worker began, in seconds since 1970.", merge="min"),
    WORKER_STARTS: Family("counter", "Workers that the agent started."),
    WORKER_CRASHES: Family("counter", "Workers that ended without being told to, whatever they were doing."),
    CRASHES: Family("counter", "Processes that ended while they ran a version, by kind of process."),
    HOSTS: Family("gauge", "Model hosts that are ready."),
    HOST_STARTS: Family("counter", "Model hosts that were started, by version."),
    OLD_CERTIFICATE: Family(
        "gauge", "Workers that keep an older certificate, since the one in place is damaged or out of date."
    ),
    AGENT_UP: Family("gauge", "Whether the node agent lives."),
    AGENT_STARTED: Family("gauge", "When the agent began, in seconds since 1970.", merge="max"),
    RESIDENT: Family("gauge", "Resident memory, by kind of process; of model hosts by version."),
    PROPORTIONAL: Family("gauge", "Resident memory, shared pages divided among those that share them."),
}
GAUGES = frozenset(name for name, family in FAMILIES.items() if family.kind == "gauge")
LONGEST = max(family.length for family in FAMILIES.values())
