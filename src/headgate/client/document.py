"""An answer of the API: the JSON object, whose fields can also be read as attributes."""

import json
from typing import Any


class Document(dict[str, Any]):
    """A JSON object as a dict: `rollout["state"]` and `rollout.state` are the same."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"the answer has no field {name!r}; it has {', '.join(self) or 'none'}") from None


def as_document(content: bytes) -> Any:
    """JSON text with every object in it as a `Document`."""
    return json.loads(content, object_hook=Document)


# classes with a method `list` cannot name the type
Documents = list[Document]
