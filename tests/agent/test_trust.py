"""A node loads no bundle that its table of signers forbids; what it serves already goes on."""

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from headgate.agent.trust import Trust, signers_path
from headgate.bundle.signing import public_text, sign_folder
from headgate.records import SignerTable
from headgate.testing.node.node import Node, host_pids, until
from headgate.testing.node.plane import table

KEY, OTHER = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()


def signed(node: Node, name: str, key: Ed25519PrivateKey | None) -> str:
    """The digest of a bundle that runs code, handed out with this signature."""
    digest = node.plane.bundle(name, node.plane.folder / "made")
    if key is not None:
        sign_folder(node.plane.folder / "made" / digest, key)
    node.plane.offer(node.plane.folder / "made" / digest)
    return digest


def said(number: int, trusted: tuple[str, ...] = (), revoked: tuple[str, ...] = ()) -> SignerTable:
    return SignerTable(epoch=1, number=number, trusted=trusted, revoked=revoked)


def test_a_node_loads_what_trusted_keys_have_signed(node: Node) -> None:
    good, strange, bare = signed(node, "good", KEY), signed(node, "strange", OTHER), signed(node, "bare", None)
    node.plane.say(signers=said(1, trusted=(public_text(KEY),)))
    node.start()
    node.plane.publish(*(table(name, 1, digest, placement="host") for name, digest in
                         (("good", good), ("strange", strange), ("bare", bare))))  # fmt: skip
    until(lambda: node.has("good", 1), "what is signed")
    failures = until(lambda: len(node.report.failures) == 2 and node.report.failures, "two refusals")
    assert "not trusted here" in failures["strange"].reason
    assert f"headgate key trust {public_text(OTHER)}" in failures["strange"].reason
    assert "not signed" in failures["bare"].reason
    assert not host_pids(node.home, strange) and not host_pids(node.home, bare)


def test_a_revocation_keeps_from_loading_and_takes_nothing_away(node: Node) -> None:
    serving, later = signed(node, "serving", KEY), signed(node, "later", KEY)
    node.plane.say(signers=said(1, trusted=(public_text(KEY),)))
    node.start()
    node.plane.publish(table("first", 1, serving, placement="host"))
    until(lambda: node.has("first", 1), "the version")
    node.plane.say(signers=said(2, revoked=(public_text(KEY),)))
    until(lambda: b"revoked" in signers_path(node.home).read_bytes() and Trust(node.home).refusal(serving), "news")
    node.plane.publish(table("second", 1, later, placement="host"))
    assert "was revoked here" in until(lambda: node.report.failures["second"].reason, "a refusal")
    # behind the same endpoint, also after the agent was killed
    node.kill()
    node.start()
    node.plane.publish(table("first", 2, serving, placement="host"))
    until(lambda: node.has("first", 2), "the version that answers already")
    # an older table changes nothing
    node.plane.say(signers=said(1, trusted=(public_text(KEY),)))
    node.plane.publish(table("third", 1, later, placement="host"))
    assert "was revoked here" in until(lambda: node.report.failures["third"].reason, "a refusal")


def test_a_table_that_cannot_be_read_trusts_nobody(node: Node) -> None:
    digest = signed(node, "good", KEY)
    good = node.plane.folder / "made" / digest
    good.rename(node.home.cache / digest)
    signers_path(node.home).write_bytes(b"{")
    trust = Trust(node.home)
    assert "not trusted here" in str(trust.refusal(digest))
    trust.take(said(0, trusted=(public_text(KEY),)))
    assert trust.refusal(digest) is None
    assert Trust(node.home).refusal(digest) is None
    assert msgspec.json.decode(signers_path(node.home).read_bytes())["number"] == 0
