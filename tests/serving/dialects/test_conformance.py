"""Every dialect of the table: the same answers, refusals, guards, limits, records and metrics as our own protocol."""

from collections.abc import Callable, Iterator, Sequence

import msgspec
import pytest
from tests.serving.conftest import FRAUD, POISON
from tests.serving.dialects.kinds import KINDS, as_json, publish_kind
from tests.serving.dialects.speakers import OF_ROWS, SPEAKERS, Asked, Row
from tests.serving.test_access import key
from tests.serving.worker_process import Response, WorkerProcess, metric, wait_for

from headgate.home import Home, write_atomically
from headgate.records import AccessTable, EndpointSpec, Limits
from headgate.serving.address_table import AddressTable
from headgate.serving.dialects.dialect import PREDICT, STREAM
from headgate.serving.dialects.registry import DIALECTS, load_dialect, load_dialects
from headgate.settings import Settings
from headgate.testing.bundles import LinearModel, build_bundle, publish, route_table

ROWS: list[Row] = [{"age": 41.0, "income": 2.5, "balance": -3.0}, {"age": 18.0, "income": 1e6, "balance": 0.25}]
KEYS = {"right": ("*",), "elsewhere": ("other/staging",)}
each_dialect = pytest.mark.parametrize("name", DIALECTS)


def ask(name: str, endpoint: str, rows: list[Row]) -> Asked:
    """Under the dialect's own name, for several may be spoken at one path."""
    asked = SPEAKERS[name].ask(endpoint, rows)
    return asked._replace(target=f"/{name}{asked.target}")


def say(worker: WorkerProcess, asked: Asked, **more: str) -> Response:
    headers = {name.replace("-", "_"): value for name, value in asked.headers.items()} | more
    return asked.read(worker.ask("POST", asked.target, asked.body, **headers))


def native(worker: WorkerProcess, rows: Sequence[Row], endpoint: str = "fraud") -> list[object]:
    predictions: list[object] = worker.predict({"rows": list(rows)}, endpoint).json["predictions"]
    return predictions


@pytest.fixture(scope="module")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerProcess]:
    """A worker with `fraud`, which is also what paths without a name mean, and `price`."""
    home = Home(tmp_path_factory.mktemp("spoken")).create()
    publish(home, route_table(build_bundle(home.cache, FRAUD)))
    price = LinearModel(name="price", features=("a", "b"), weights=(1.0, 1000.0), task="regression")
    publish(home, route_table(build_bundle(home.cache, price), "price"))
    process = ready(WorkerProcess(home, Settings(default_endpoint="fraud")))
    yield process
    assert process.stop() == 0, process.logged


def ready(worker: WorkerProcess) -> WorkerProcess:
    """Once it has loaded everything."""
    wait_for(lambda: worker.ask("GET", "/readyz").status == 200)
    return worker


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkerProcess]:
    """A worker that wants keys."""
    home = Home(tmp_path_factory.mktemp("guarded")).create()
    publish(home, route_table(build_bundle(home.cache)))
    keys = tuple(key(secret, *scopes) for secret, scopes in KEYS.items())
    table = AccessTable(epoch=1, number=1, required=True, keys=keys)
    write_atomically(home.access, msgspec.json.encode(table))
    process = ready(WorkerProcess(home, Settings(require_keys=True)))
    yield process
    assert process.stop() == 0, process.logged


def test_every_dialect_has_a_speaker() -> None:
    assert SPEAKERS.keys() == DIALECTS.keys()


@each_dialect
def test_answers_are_those_of_our_own_protocol(name: str, worker: WorkerProcess) -> None:
    speaker = SPEAKERS[name]
    for rows in (ROWS, ROWS[:1]):
        answer = say(worker, ask(name, "fraud", rows))
        assert answer.status == 200, answer.body
        assert speaker.predictions(answer) == native(worker, rows)
        assert answer.headers["headgate-model"] == "fraud:1"


@each_dialect
def test_one_request_can_be_written_in_many_ways(name: str, worker: WorkerProcess) -> None:
    asked = ask(name, "fraud", ROWS)
    for target in (f"{asked.target}?x=1", asked.target.replace("fraud", "fr%61ud")):
        answer = say(worker, asked._replace(target=target))
        assert SPEAKERS[name].predictions(answer) == native(worker, ROWS)


@each_dialect
def test_the_first_that_is_spoken_at_a_path_needs_no_name(name: str, worker: WorkerProcess) -> None:
    asked = SPEAKERS[name].ask("fraud", ROWS)
    first = AddressTable(load_dialects(Settings())).find(asked.target)[0].address.dialect
    if first is not None and first.name == name:
        assert SPEAKERS[name].predictions(say(worker, asked)) == native(worker, ROWS)


@each_dialect
@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"text"', b"{}", b'{"inputs": 3}', b"\xff\xfe", b"null"])
def test_what_cannot_be_read_is_refused_in_its_own_words(name: str, body: bytes, worker: WorkerProcess) -> None:
    asked = ask(name, "fraud", ROWS)
    answer = say(worker, asked._replace(body=body))
    assert answer.status in (400, 415, 422), answer.body
    assert SPEAKERS[name].problem(answer)
    assert say(worker, asked).status == 200


@each_dialect
def test_values_that_do_not_fit_are_refused(name: str, worker: WorkerProcess) -> None:
    for bad in ({"age": 41.0, "income": 2.5}, {**ROWS[0], "age": "old"}, {**ROWS[0], "more": 1.0}):
        answer = say(worker, ask(name, "fraud", [bad]))
        assert answer.status in (400, 422), answer.body
        assert SPEAKERS[name].problem(answer)


@each_dialect
def test_unknown_endpoints(name: str, worker: WorkerProcess) -> None:
    asked = ask(name, "nobody", ROWS)
    answer = say(worker, asked)
    assert answer.status == (404 if "nobody" in asked.target else 200), answer.body


@each_dialect
def test_a_model_that_fails(name: str, worker: WorkerProcess) -> None:
    answer = say(worker, ask(name, "fraud", [{**ROWS[0], "age": POISON}]))
    assert answer.status >= 400
    assert SPEAKERS[name].problem(answer)


@each_dialect
def test_deadlines(name: str, worker: WorkerProcess) -> None:
    answer = say(worker, ask(name, "fraud", ROWS), Headgate_Timeout_Ms="0")
    assert answer.status == 504
    assert SPEAKERS[name].problem(answer)


@each_dialect
def test_every_address_wants_a_key(name: str, guarded: WorkerProcess) -> None:
    asked = ask(name, "fraud", ROWS)
    for address in AddressTable([load_dialect(name)]).addresses:
        if address.public or address.dialect is None:
            continue
        target = address.path.replace("{endpoint}", "fraud").replace("{version}", "1").replace("{label}", "stable")
        wanted = guarded.ask(
            address.method, target, asked.body if address.answer in (PREDICT, STREAM) else b"", **asked.headers
        )
        assert wanted.status in (401, 403), (address.method, target, wanted.body)
        wrong = guarded.ask(address.method, target, asked.body, Authorization="Bearer wrong", **asked.headers)
        assert wrong.status in (401, 403), (address.method, target)
        if "{endpoint}" in address.path:
            other = guarded.ask(address.method, target, asked.body, Authorization="Bearer elsewhere", **asked.headers)
            assert other.status == 403, (address.method, target, other.body)


@each_dialect
def test_the_right_key_is_let_in(name: str, guarded: WorkerProcess) -> None:
    answer = say(guarded, ask(name, "fraud", ROWS), Authorization="Bearer right")
    assert answer.status == 200, answer.body


@each_dialect
def test_pages_of_other_sites_are_refused(name: str, worker: WorkerProcess) -> None:
    asked = ask(name, "fraud", ROWS)
    for headers, allowed in (
        ({"Origin": "https://evil.test"}, False),
        ({"Origin": "null"}, False),
        ({"Origin": "http://localhost", "Sec_Fetch_Site": "same-site"}, False),
        ({"Sec_Fetch_Site": "cross-site"}, False),
        ({"Origin": "http://localhost", "Sec_Fetch_Site": "same-origin"}, True),
        ({"Origin": "http://localhost"}, True),
    ):
        for _ in range(2):  # also once the address is known
            assert say(worker, asked, **headers).status == (200 if allowed else 403), headers


@each_dialect
def test_limits_hold(name: str, start: Callable[..., WorkerProcess], home: Home) -> None:
    bundle = build_bundle(home.cache)
    limits = Limits(requests_per_second=1, burst=1, max_rows=3)
    publish(home, route_table(bundle, spec=EndpointSpec(limits=limits)))
    worker = ready(start(home))
    assert say(worker, ask(name, "fraud", ROWS * 2)).status == 413
    found = [say(worker, ask(name, "fraud", ROWS)) for _ in range(4)]
    refused = [answer for answer in found if answer.status == 429]
    assert refused
    assert all(answer.headers["retry-after"] and SPEAKERS[name].problem(answer) for answer in refused)


@each_dialect
def test_what_is_answered_is_counted(name: str, start: Callable[..., WorkerProcess], home: Home) -> None:
    publish(home, route_table(build_bundle(home.cache, LinearModel())))
    worker = ready(start(home))

    def counted(status: str) -> float:
        text = worker.ask("GET", "/metrics").body.decode()
        return metric(text, "headgate_requests_total", endpoint="fraud", status=status)

    for _ in range(3):
        assert say(worker, ask(name, "fraud", ROWS)).status == 200
    assert say(worker, ask(name, "fraud", [{"age": 1.0}])).status >= 400
    assert counted("200") == 3
    assert counted("422") == 1
    text = worker.ask("GET", "/metrics").body.decode()
    assert metric(text, "headgate_records_total") == 3 or "headgate_records" in text


def test_the_owner_of_an_endpoint_says_what_is_spoken_where_several_are(
    start: Callable[..., WorkerProcess], home: Home
) -> None:
    bundle = build_bundle(home.cache)
    publish(home, route_table(bundle))
    publish(home, route_table(bundle, "other", spec=EndpointSpec(dialect="kserve")))
    worker = ready(start(home))
    assert "model_version_status" in worker.ask("GET", "/v1/models/fraud").json
    assert worker.ask("GET", "/v1/models/other").json == {"name": "other", "ready": True}
    assert "model_version_status" in worker.ask("GET", "/tfs/v1/models/other").json
    body = SPEAKERS["kserve"].ask("other", ROWS).body
    assert worker.ask("POST", "/v1/models/other:predict", body).json.keys() == {"predictions"}


@pytest.fixture(scope="module")
def workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], WorkerProcess]]:
    """A worker per kind of endpoint, which is the only one, so that paths without a name mean it."""
    started: dict[str, WorkerProcess] = {}

    def begin(kind: str) -> WorkerProcess:
        if kind not in started:
            home = Home(tmp_path_factory.mktemp("kind")).create()
            publish_kind(home, KINDS[kind], "fraud")
            started[kind] = ready(WorkerProcess(home, module="tests.serving.fake_worker"))
        return started[kind]

    yield begin
    for process in started.values():
        assert process.stop() == 0, process.logged


@pytest.mark.parametrize("name", OF_ROWS)
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_value(kind: str, name: str, workers: Callable[[str], WorkerProcess]) -> None:
    worker, rows = workers(kind), KINDS[kind].rows
    for asked in (rows, rows[:1]):
        answer = say(worker, ask(name, "fraud", asked))
        assert answer.status == 200, answer.body
        assert SPEAKERS[name].predictions(answer) == native(worker, as_json(asked))
