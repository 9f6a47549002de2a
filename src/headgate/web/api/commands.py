"""Mutations: one transaction for the change, its event and the answer, so that a repetition acts once."""

from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Header, Request, Response
from pydantic import BaseModel

from headgate.ledger.idempotency import Answer, Command, command_of, remember, replay
from headgate.storage.database import Tx
from headgate.web.api.guards import API, Who
from headgate.web.api.plane import Plane

JSON = "application/json"
Done = tuple[int, BaseModel | None]
Act = Callable[[Tx], Done]


def whole(done: Done) -> Done:
    """What a repetition gets to see, unless a secret is in it: all of it."""
    return done


class Mutation:
    """One call that changes something: by whom, of what, and under which idempotency key, if any."""

    def __init__(
        self,
        request: Request,
        plane: Plane,
        caller: Who,
        idempotency_key: Annotated[
            str | None,
            Header(alias="Idempotency-Key", description="Repeating a command under its key acts once.", max_length=128),
        ] = None,
    ) -> None:
        self.plane = plane
        self.caller = caller
        self._request = request
        self._key = idempotency_key

    @property
    def actor(self) -> str:
        return self.caller.actor

    def run(
        self, body: BaseModel | bytes | None, act: Act, *, kept: Callable[[Done], Done] = lambda done: done
    ) -> Response:
        """Do it, or answer again what was answered under this key. `kept` is what a repetition gets to see.

        Raises `Conflict` when the key came with another body, and whatever `act` raises: then nothing is kept.
        """
        command = self._command(body)
        with self.plane.database.write() as tx:
            known = replay(tx, command) if command else None
            if known is not None:
                return _response(known.status, known.body, {"Idempotency-Replayed": "true"})
            done = act(tx)
            if command:
                status, kept_body = kept(done)
                remember(tx, command, Answer(status=status, body=_text(kept_body)))
        # keys, grants and tables may have changed: who waits for that looks again
        self.plane.bell.ring()
        return _response(done[0], _text(done[1]), {})

    def _command(self, body: BaseModel | bytes | None) -> Command | None:
        if self._key is None:
            return None
        url = self._request.url
        content = body if isinstance(body, bytes) else _text(body).encode()
        verb = f"{self._request.method} {self._request.scope['route'].path_format.removeprefix(API)}"
        sent = f"{url.path}?{url.query}\n".encode() + content
        return command_of(self.actor, verb, self._key, sent)


def _text(body: BaseModel | None) -> str:
    return "" if body is None else body.model_dump_json(by_alias=True)


def _response(status: int, text: str, headers: dict[str, str]) -> Response:
    return Response(text, status_code=status, media_type=JSON if text else None, headers=headers)


Change = Annotated[Mutation, Depends()]
