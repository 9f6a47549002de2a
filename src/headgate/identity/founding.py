"""The actors that an instance begins with: its owner on this machine, and its node."""

from headgate.errors import NotFound
from headgate.identity.actors import create_actor, get_actor
from headgate.identity.caller import Grant
from headgate.identity.keys import IssuedKey, issue_key
from headgate.storage.database import Tx

LOCAL, NODE = "local", "node"


def found_actors(tx: Tx) -> tuple[IssuedKey, IssuedKey]:
    """A new key of the admin `local` and one of the agent `node`, both made when absent: for `credentials`."""
    for name, role in ((LOCAL, "admin"), (NODE, "node")):
        try:
            get_actor(tx, name)
        except NotFound:
            create_actor(tx, name, "service", by="headgate", granted=(Grant(role=role),), internal=True)
    return issue_key(tx, LOCAL, by="headgate", note="this machine"), issue_key(tx, NODE, by="headgate", note="agent")
