"""Projects, models, versions and aliases in the database."""

from concurrent.futures import ThreadPoolExecutor

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headgate.bundle.manifest import Environment, Manifest, canonical_bytes, digest_of
from headgate.errors import Conflict, InvalidName, Malformed, NotFound, PreconditionFailed, Refused
from headgate.ledger.chain import verify_ledger
from headgate.ledger.events import list_events
from headgate.records import Column, Signature
from headgate.registry.aliases import remove_alias, set_alias
from headgate.registry.approval import Decision, State, decide
from headgate.registry.models import amend_model, get_model, list_models
from headgate.registry.projects import (
    create_project,
    get_environment,
    get_project,
    list_environments,
    list_projects,
)
from headgate.registry.references import Reference, parse_reference
from headgate.registry.versions import (
    VersionRecord,
    approve,
    count_versions,
    get_version,
    get_version_by_digest,
    list_versions,
    register,
    reject,
    retire,
)
from headgate.storage.database import Database, Tx
from headgate.storage.stores import StoredArtifact

ARTIFACT = StoredArtifact(digest="a" * 64, size=7)


def manifest(name: str = "fraud", serial: int = 0) -> Manifest:
    """A small manifest; another serial is another bundle."""
    return Manifest(
        name=name,
        framework="python",
        task="other",
        signature=Signature(inputs=(Column(name="é \U0001f600", dtype="float64", minimum=0.1),)),
        forms={},
        serves="native",
        metrics={"serial": float(serial)},
        environment=Environment(python="3.11"),
        files={},
    )


def add(tx: Tx, name: str = "fraud", serial: int = 0, **options: str) -> VersionRecord:
    made = manifest(name, serial)
    return register(tx, digest_of(made), made, ARTIFACT, actor="ann", **options)


def test_registering_makes_model_and_version(database: Database) -> None:
    with database.write() as tx:
        version = add(tx, signed_by="key-1")
        assert (version.version, version.state, version.known) == ("fraud:1", "pending", False)
        assert (version.registered_by, version.signed_by, version.size) == ("ann", "key-1", 7)
        assert version.manifest == manifest()
        assert canonical_bytes(version.manifest) == canonical_bytes(manifest())
        assert add(tx, serial=1).version == "fraud:2"
        model = get_model(tx, "fraud")
    assert (model.owner, model.project, model.last_number) == ("ann", "default", 2)
    assert verify_ledger(database).ok


def test_the_same_bundle_stays_the_version_that_it_is(database: Database) -> None:
    with database.write() as tx:
        first = add(tx)
        events = len(list_events(tx).items)
        again = add(tx)
        assert again == msgspec.structs.replace(first, known=True)
        assert len(list_events(tx).items) == events
        assert count_versions(tx) == 1
        assert add(tx, alias="champion").aliases == ("champion",)


def test_many_at_once_register_one_version(database: Database) -> None:
    def work(_: int) -> tuple[str, bool]:
        with database.write() as tx:
            version = add(tx)
            return version.version, version.known

    with ThreadPoolExecutor(6) as pool:
        done = list(pool.map(work, range(12)))
    assert {version for version, _ in done} == {"fraud:1"}
    assert [known for _, known in done].count(False) == 1


def test_many_bundles_at_once_get_contiguous_numbers(database: Database) -> None:
    def work(serial: int) -> int:
        with database.write() as tx:
            return add(tx, serial=serial).number

    with ThreadPoolExecutor(6) as pool:
        assert sorted(pool.map(work, range(15))) == list(range(1, 16))
    assert verify_ledger(database).ok


def test_what_cannot_be_registered(database: Database) -> None:
    with database.write() as tx:
        with pytest.raises(Malformed, match="digest"):
            register(tx, "b" * 64, manifest(), ARTIFACT, actor="ann")
        with pytest.raises(InvalidName):
            add(tx, "../evil")
        with pytest.raises(NotFound, match="nowhere"):
            add(tx, project="nowhere")
        add(tx)
        create_project(tx, "risk", "ann")
        with pytest.raises(Conflict, match="differs only in case"):
            add(tx, "Fraud", 1)
        with pytest.raises(Conflict, match="belongs to the project"):
            add(tx, "fraud", 1, project="risk")
        assert add(tx, "other", 1, project="RISK").version == "other:1"
        assert get_model(tx, "other").project == "risk"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("fraud:3", Reference(model="fraud", number=3)),
        ("fraud@champion", Reference(model="fraud", alias="champion")),
        ("a.b-c_d:0", Reference(model="a.b-c_d", number=0)),
    ],
)
def test_references(text: str, expected: Reference) -> None:
    assert parse_reference(text) == expected


@pytest.mark.parametrize(
    "text",
    ["", "fraud", "fraud:", "fraud:x", "fraud:-1", "fraud:1.0", "fraud:٣", "fraud:9999999999", ":3", "@a", "fraud@",
     "a@b@c", "../x:1", "fraud@../x", "fraud:1\n", "a:b:1", "' OR 1=1:1"],
)  # fmt: skip
def test_what_is_no_reference(text: str) -> None:
    with pytest.raises(Malformed):
        parse_reference(text)


def test_versions_are_found_by_number_alias_and_digest(database: Database) -> None:
    with database.write() as tx:
        first, second = add(tx), add(tx, serial=1, alias="Champion")
        assert get_version(tx, "FRAUD:1").digest == first.digest
        assert get_version(tx, "fraud@champion").digest == second.digest
        assert get_version_by_digest(tx, first.digest).version == "fraud:1"
        for missing in ("fraud:3", "fraud:0", "fraud@loser", "other:1"):
            with pytest.raises(NotFound):
                get_version(tx, missing)
        with pytest.raises(NotFound):
            get_version_by_digest(tx, "f" * 64)


def test_aliases_move(database: Database) -> None:
    with database.write() as tx:
        add(tx)
        add(tx, serial=1)
        assert set_alias(tx, "fraud", "champion", 1, "ann").aliases == {"champion": 1}
        assert set_alias(tx, "fraud", "CHAMPION", 2, "ann").aliases == {"CHAMPION": 2}
        revision = get_model(tx, "fraud").revision
        assert set_alias(tx, "fraud", "champion", 2, "ann").revision == revision
        with pytest.raises(NotFound):
            set_alias(tx, "fraud", "champion", 9, "ann")
        with pytest.raises(InvalidName):
            set_alias(tx, "fraud", "a/b", 1, "ann")
        assert remove_alias(tx, "fraud", "Champion", "ann").aliases == {}
        with pytest.raises(NotFound):
            remove_alias(tx, "fraud", "champion", "ann")
        moves = [event.after for event in list_events(tx, object="model:fraud").items if "alias" in event.verb]
    assert moves[0] == {"alias": "Champion", "version": None}


def test_decisions_are_written_with_actor_and_reason(database: Database) -> None:
    with database.write() as tx:
        add(tx)
        assert approve(tx, "fraud:1", "bob", "looks good").state == "approved"
        event = list_events(tx, limit=1).items[0]
        assert (event.actor, event.verb, event.object) == ("bob", "version.approve", "version:fraud:1")
        assert (event.reason, event.before, event.after) == ("looks good", {"state": "pending"}, {"state": "approved"})
        with pytest.raises(Refused, match="approved"):
            approve(tx, "fraud:1", "bob", "again")
        assert reject(tx, "fraud:1", "bob", "leaks the target").state == "rejected"
        for reason in ("", "  \n"):
            with pytest.raises(Malformed, match="reason"):
                approve(tx, "fraud:1", "bob", reason)


def test_what_an_alias_points_at_is_not_retired(database: Database) -> None:
    with database.write() as tx:
        add(tx, alias="champion")
        with pytest.raises(Refused, match="champion"):
            retire(tx, "fraud:1", "bob", "old")
        remove_alias(tx, "fraud", "champion", "bob")
        assert retire(tx, "fraud:1", "bob", "old").state == "retired"
        with pytest.raises(Refused, match="retired"):
            set_alias(tx, "fraud", "champion", 1, "bob")
        with pytest.raises(Refused, match="final"):
            approve(tx, "fraud:1", "bob", "back")


ACTS = {"approve": approve, "reject": reject, "retire": retire}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=15)
@given(st.lists(st.sampled_from(sorted(ACTS)), max_size=6), st.integers(2, 10**9))
def test_the_database_follows_the_table(database: Database, decisions: list[Decision], serial: int) -> None:
    with database.write() as tx:
        version = add(tx, serial=serial)
        reference, state = version.version, version.state
        for decision in decisions:
            before = len(list_events(tx, limit=1000, object=f"version:{reference}").items)
            try:
                expected: State = decide(state, decision)
            except Refused:
                with pytest.raises(Refused):
                    ACTS[decision](tx, reference, "bob", "why")
                expected, written = state, 0
            else:
                assert ACTS[decision](tx, reference, "bob", "why").state == expected
                written = 1
            state = get_version(tx, reference).state
            assert state == expected
            assert len(list_events(tx, limit=1000, object=f"version:{reference}").items) == before + written


def test_models_are_listed_in_pages(database: Database) -> None:
    with database.write() as tx:
        create_project(tx, "risk", "ann")
        for name in ("b", "A", "c"):
            add(tx, name)
        add(tx, "d", project="risk")
        first = list_models(tx, limit=3)
        assert [model.name for model in first.items] == ["A", "b", "c"]
        second = list_models(tx, limit=3, cursor=first.next)
        assert ([model.name for model in second.items], second.next) == (["d"], None)
        assert [model.name for model in list_models(tx, project="Risk").items] == ["d"]
        with pytest.raises(Malformed):
            list_models(tx, limit=0)


def test_versions_are_listed_newest_first(database: Database) -> None:
    with database.write() as tx:
        for serial in range(5):
            add(tx, serial=serial)
        page = list_versions(tx, "fraud", limit=2)
        assert [version.number for version in page.items] == [5, 4]
        assert [version.number for version in list_versions(tx, "fraud", cursor=page.next).items] == [3, 2, 1]
        with pytest.raises(Malformed):
            list_versions(tx, "fraud", cursor="x'")
        with pytest.raises(NotFound):
            list_versions(tx, "other")


def test_amending_a_model(database: Database) -> None:
    with database.write() as tx:
        add(tx)
        before = get_model(tx, "fraud")
        after = amend_model(
            tx, "fraud", owner="team-risk", description="finds fraud", tags={"tier": "1"}, actor="ann",
            revision=before.revision,
        )  # fmt: skip
        assert (after.owner, after.description, after.tags) == ("team-risk", "finds fraud", {"tier": "1"})
        with pytest.raises(PreconditionFailed):
            amend_model(tx, "fraud", owner="eve", actor="ann", revision=before.revision)
        assert amend_model(tx, "fraud", owner="team-risk", actor="ann") == after
        assert amend_model(tx, "fraud", tags={}, actor="ann").tags == {}
        assert amend_model(tx, "fraud", owner="bob", actor="ann").owner == "bob"
        event = list_events(tx, limit=1).items[0]
        assert (event.before, event.after) == ({"owner": "team-risk"}, {"owner": "bob"})


@pytest.mark.parametrize(
    "change",
    [{"owner": "a\x00"}, {"description": "x" * 5000}, {"tags": {"a b": "x"}}, {"tags": {"a": "\ud800"}},
     {"tags": {f"t{number}": "" for number in range(51)}}],
)  # fmt: skip
def test_amendments_are_checked(database: Database, change: dict[str, object]) -> None:
    with database.write() as tx:
        add(tx)
        with pytest.raises(Malformed):
            amend_model(tx, "fraud", actor="ann", **change)  # type: ignore[arg-type]  # fields by name


def test_the_revision_grows_with_every_change(database: Database) -> None:
    revisions = []
    with database.write() as tx:
        for change in (
            lambda: add(tx),
            lambda: add(tx, serial=1),
            lambda: set_alias(tx, "fraud", "a", 1, "ann"),
            lambda: remove_alias(tx, "fraud", "a", "ann"),
            lambda: approve(tx, "fraud:1", "ann", "x"),
            lambda: amend_model(tx, "fraud", owner="bob", actor="ann"),
        ):
            change()
            revisions.append(get_model(tx, "fraud").revision)
    assert revisions == sorted(set(revisions))


def test_projects_and_environments(database: Database) -> None:
    with database.write() as tx:
        made = create_project(tx, "Risk", "ann")
        assert get_project(tx, "rISK") == made
        assert [project.name for project in list_projects(tx)] == ["default", "Risk"]
        with pytest.raises(Conflict):
            create_project(tx, "DEFAULT", "ann")
        with pytest.raises(InvalidName):
            create_project(tx, "a/b", "ann")
        with pytest.raises(NotFound):
            get_project(tx, "none")
        assert [(one.name, one.needs_approval) for one in list_environments(tx)] == [
            ("production", True),
            ("staging", False),
        ]
        assert get_environment(tx, "Production").needs_approval
        with pytest.raises(NotFound, match="production, staging"):
            get_environment(tx, "none")


@pytest.mark.parametrize("text", ["'; DROP TABLE models;--", "..", "a\\", '"', "a%", "_", "a\x00", "\ud800", "%2e%2e"])
def test_hostile_names_are_refused_before_they_are_looked_up(database: Database, text: str) -> None:
    with database.write() as tx:
        add(tx)
        for call in (
            lambda: get_model(tx, text),
            lambda: list_models(tx, cursor=text),
            lambda: list_models(tx, project=text),
            lambda: list_versions(tx, text),
            lambda: get_version(tx, f"{text}:1"),
            lambda: get_version(tx, f"fraud@{text}"),
            lambda: get_project(tx, text),
            lambda: get_environment(tx, text),
            lambda: set_alias(tx, "fraud", text, 1, "ann"),
            lambda: remove_alias(tx, "fraud", text, "ann"),
            lambda: amend_model(tx, text, owner="eve", actor="ann"),
        ):
            with pytest.raises(InvalidName):
                call()
        with pytest.raises(Malformed):
            get_version_by_digest(tx, text)
        assert get_model(tx, "fraud").owner == "ann"
