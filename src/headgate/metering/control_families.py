"""Every family of metrics of the control plane."""

from headgate.metering.families import SECONDS_BOUNDS, Family

VERSIONS, ENDPOINTS = "headgate_control_versions", "headgate_control_endpoints"
ROLLOUTS, ACTIVE = "headgate_control_rollouts", "headgate_control_rollouts_active"
MISSING = "headgate_control_artifacts_missing"
EVENTS, NODES = "headgate_control_ledger_events", "headgate_control_nodes"
WORKERS_READY = "headgate_control_workers_ready"
REQUESTS, REQUEST_SECONDS = "headgate_control_requests_total", "headgate_control_request_seconds"
IN_FLIGHT = "headgate_control_in_flight"
TRANSACTION_SECONDS = "headgate_control_transaction_seconds"
STATEMENT_SECONDS = "headgate_control_statement_seconds"
WAIT_SECONDS = "headgate_control_database_wait_seconds"
CONNECTIONS = "headgate_control_database_connections"
CONTROL_FAMILIES = {
    VERSIONS: Family("gauge", "Registered versions."),
    ENDPOINTS: Family("gauge", "Endpoints."),
    ROLLOUTS: Family("gauge", "Rollouts, by state."),
    ACTIVE: Family("gauge", "Rollouts under way."),
    EVENTS: Family("gauge", "Events in the ledger."),
    MISSING: Family("gauge", "Artifacts that the store has lost."),
    NODES: Family("gauge", "Nodes that report."),
    WORKERS_READY: Family("gauge", "Workers that are ready."),
    REQUESTS: Family(
        "counter", "Requests, by method, template of the route (empty: none was found, or none looked for) and status."
    ),
    REQUEST_SECONDS: Family("histogram", "From a request's head to the last byte of its answer.", SECONDS_BOUNDS),
    IN_FLIGHT: Family("gauge", "Requests being answered."),
    TRANSACTION_SECONDS: Family(
        "histogram", "A transaction from its beginning to its commit or end, by kind: read or write.", SECONDS_BOUNDS
    ),
    STATEMENT_SECONDS: Family("histogram", "One SQL statement, by kind of its transaction.", SECONDS_BOUNDS),
    WAIT_SECONDS: Family("histogram", "Waiting for a connection, or for the turn of a writer.", SECONDS_BOUNDS),
    CONNECTIONS: Family("gauge", "Connections to the database that are in use."),
}
