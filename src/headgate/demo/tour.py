"""The tour: train, package, register, approve, deploy, predict, replace under load, be refused, look back."""

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from headgate.bundle.bundle import Bundle
from headgate.client.client import Client
from headgate.client.document import Document
from headgate.demo.load import Expected, Load, Question, Tally
from headgate.demo.narrator import Narrator
from headgate.demo.training import Data, accuracy, load_data, train_forest, train_regression
from headgate.errors import HeadgateError, Refused, SignatureMismatch
from headgate.packaging.package import package

NAME = "tumour"
CONNECTIONS = 4
QUESTIONS = 40
# seconds of load before and after the swap, and between two questions of a connection
AROUND = 1.0
PAUSE = 0.002


class BrokenPromise(HeadgateError):
    """A step of the demo did not go as promised."""

    code = "BROKEN_PROMISE"


@dataclass(frozen=True, slots=True)
class Summary:
    """What the tour has seen."""

    model: str
    endpoint: str
    before: str
    after: str
    sent: int
    failed: int
    wrong: int
    answered: dict[str, int]
    events: int
    seconds: float

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Trained:
    """A model, and the bundle made of it."""

    model: Any
    bundle: Bundle


class Tour:
    """One walk through one instance. Every step raises when something is not as promised."""

    def __init__(self, client: Client, narrator: Narrator, folder: Path) -> None:
        self._client = client
        self._tell = narrator
        self._folder = folder
        self.name = _free_name(client)

    def walk(self) -> Summary:
        """Take every step; raises `BrokenPromise` or what a step met."""
        begun = time.monotonic()
        data = load_data()
        forest, regression = self._package(data)
        before, after = self._register(forest, regression)
        self._deploy_first(before)
        self._predict(data)
        self.refuse(data, after)
        tally = self._replace(data, {before: forest, after: regression}, before, after)
        events = self._look_back()
        return Summary(
            model=self.name,
            endpoint=self.name,
            before=before,
            after=after,
            sent=tally.sent,
            failed=tally.failed,
            wrong=tally.wrong,
            answered=dict(tally.by_version),
            events=events,
            seconds=round(time.monotonic() - begun, 1),
        )

    def _package(self, data: Data) -> tuple[Trained, Trained]:
        self._tell.step("Train two models and package them")
        self._tell.remark(f"breast cancer data: {len(data.train)} rows to learn from, {len(data.held)} held out")
        forest = self._packaged("forest", train_forest(data), data)
        return forest, self._packaged("regression", train_regression(data), data)

    def _packaged(self, kind: str, model: Any, data: Data) -> Trained:
        with self._tell.busy(f"packaging the {kind}"):
            bundle = package(
                model,
                name=self.name,
                data=data.train,
                target=data.train_outcome,
                holdout=(data.held, data.held_outcome),
                output=self._folder / kind,
            )
        manifest = bundle.manifest
        because = f": {manifest.serves_because}" if manifest.serves_because else ""
        self._tell.result(f"{kind}: accuracy {accuracy(model, data):.3f}, serves as {manifest.serves}{because}")
        return Trained(model, bundle)

    def _register(self, forest: Trained, regression: Trained) -> tuple[str, str]:
        self._tell.step("Register both, approve the first")
        before = self._client.register(forest.bundle, alias="champion").version
        after = self._client.register(regression.bundle).version
        self._tell.result(f"{before} and {after} are registered, immutable, by the digest of their files")
        approved = self._client.approve(before, "reviewed on the holdout")
        _promise(approved.state == "approved", f"{before} to be approved, it is {approved.state}")
        self._tell.result(f"{before} is approved, with a reason in the ledger; {after} is not")
        return str(before), str(after)

    def _deploy_first(self, version: str) -> None:
        self._tell.step(f"Deploy {version} to an endpoint in production")
        with self._tell.busy("loading, warming, checking its golden requests"):
            rollout = self._deploy(version)
        self._tell.result(f"{version} is live: {rollout.state}")

    def _predict(self, data: Data) -> None:
        self._tell.step("Ask it")
        rows = data.rows(3)
        answer = self._client.predict(self.name, rows)
        _promise(len(answer.predictions) == len(rows), f"{len(rows)} predictions, got {len(answer.predictions)}")
        outcomes = [("malignant", "benign")[int(label)] for label in answer.predictions]
        shown = list(rows[0])[:2]
        cells = [
            [*(f"{row[name]:.4g}" for name in shown), "…", outcome, f"{max(chances):.3f}"]
            for row, outcome, chances in zip(rows, outcomes, answer.probabilities, strict=True)
        ]
        self._tell.table([*shown, "", "prediction", "probability"], cells)
        self._tell.result(f"answered by {answer.model}")

    def refuse(self, data: Data, unapproved: str) -> None:
        """Ask with text in a numeric column, deploy what nobody approved: both have to be refused."""
        self._tell.step("Try what should not work")
        rows: list[dict[str, Any]] = [*data.rows(2)]
        rows[1]["mean radius"] = "large"
        try:
            self._client.predict(self.name, rows)
        except SignatureMismatch as error:
            self._tell.refusal(f"422 {error.message}")
            places = [(item.get("row"), item.get("column")) for item in error.detail]
            _promise((1, "mean radius") in places, f"row 1, column mean radius to be named, got {places}")
        else:
            raise BrokenPromise("Expected text in a numeric column to be refused, it was answered.")
        try:
            self._deploy(unapproved)
        except Refused as error:
            self._tell.refusal(f"409 {error.message}")
        else:
            raise BrokenPromise(f"Expected {unapproved} to be refused in production, it was deployed.")

    def _replace(self, data: Data, trained: dict[str, Trained], before: str, after: str) -> Tally:
        self._tell.step(f"Replace {before} by {after} while {CONNECTIONS} connections keep asking")
        self._client.approve(after, "more accurate on the holdout")
        questions = questions_of(data, {version: each.model for version, each in trained.items()})
        url = str(self._client.status().data["url"])
        with (
            self._tell.busy("the swap"),
            Load(url, self.name, questions, connections=CONNECTIONS, pause=PAUSE) as load,
        ):
            time.sleep(AROUND)
            self._deploy(after)
            time.sleep(AROUND)
        tally = load.tally
        for version, count in tally.by_version.items():
            self._tell.remark(f"{count:>6,} right answers by {version}")
        for fault in tally.faults:
            self._tell.remark(fault)
        _promise(tally.failed == 0, f"no failed request, {tally.failed} of {tally.sent} failed: {tally.faults}")
        _promise(tally.wrong == 0, f"no wrong answer, {tally.wrong} of {tally.sent} were: {tally.faults}")
        _promise({before, after} <= tally.by_version.keys(), f"both versions to answer, got {tally.by_version}")
        self._tell.result(f"{tally.sent:,} sent, {tally.failed} failed, {tally.wrong} wrong")
        return tally

    def _look_back(self) -> int:
        self._tell.step("Look back")
        events = self._client.audit.list()
        told = [event for event in reversed(events) if event.reason and event.actor != "controller"]
        self._tell.table(
            ["number", "who", "what", "of", "why"],
            [[event.number, event.actor, event.verb, event.object, _short(event.reason)] for event in told],
        )
        report = self._client.audit.verify()
        _promise(report.ok, f"a whole ledger, got {report.fault}")
        self._tell.result(f"the ledger is whole: {report.checked} events, each chained to the one before, signed")
        return int(report.checked)

    def _deploy(self, version: str) -> Document:
        return self._client.deploy(version, self.name, environment="production", reason=f"demo: {version} goes live")


def questions_of(data: Data, models: dict[str, Any], count: int = QUESTIONS) -> list[Question]:
    """One-row questions out of the holdout, with what each version's own model answers."""
    rows = data.rows(count)
    labels = {version: model.predict(data.held[:count]).tolist() for version, model in models.items()}
    chances = {version: model.predict_proba(data.held[:count]).tolist() for version, model in models.items()}
    return [
        Question(
            json.dumps({"rows": [row]}).encode(),
            {version: Expected([labels[version][place]], [chances[version][place]]) for version in models},
        )
        for place, row in enumerate(rows)
    ]


def _free_name(client: Client) -> str:
    """A name that neither a model nor an endpoint has: the tour can be taken again in a home that is kept."""
    taken = {str(each.name).lower() for each in (*client.models.list(), *client.endpoints.list())}
    numbered = [NAME, *(f"{NAME}-{number}" for number in range(2, len(taken) + 3))]
    return next(name for name in numbered if name not in taken)


def _promise(kept: bool, expected: str) -> None:
    if not kept:
        raise BrokenPromise(f"Expected {expected}.")


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:39]}…"
