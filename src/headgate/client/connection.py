"""One way to talk to an instance: keys, idempotency, retries, and errors that come back as what they were."""

import json
import secrets
import ssl
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO
from urllib.parse import quote, urlsplit

import httpx2

from headgate import __version__
from headgate.client.document import Document, as_document
from headgate.clock import Clock, SystemClock
from headgate.errors import DeadlineExceeded, HeadgateError, Malformed, Unavailable, Unreachable, all_errors

ATTEMPTS = 3
PAUSE = 0.1  # seconds before the second attempt; doubles
LONGEST_PAUSE = 5.0
CHUNK = 1 << 20
# the connection broke before there was an answer
LOST = (httpx2.NetworkError, httpx2.RemoteProtocolError)
PAGE = 500  # items asked for at once

Verify = Callable[[], ssl.SSLContext]  # asked for https only
Progress = Callable[[int, int], None]  # bytes done, bytes in all (0 where unknown)
Content = bytes | Callable[[], Iterable[bytes]] | None  # a callable can be sent again


@dataclass(frozen=True, slots=True)
class Question:
    """One request, as often as it has to be sent."""

    method: str
    url: str
    content: Content
    headers: Mapping[str, str]
    query: Mapping[str, Any]  # what is None is left out
    timeout: float | None  # seconds; None: the connection's own


class Connection:
    """HTTP to one base address. Connections are kept and shared; threads may use it together."""

    def __init__(
        self,
        url: str,
        key: str = "",
        *,
        prefix: str = "",
        timeout: float = 30.0,
        transport: httpx2.BaseTransport | None = None,
        clock: Clock | None = None,
        verify: Verify | None = None,
    ) -> None:
        self.url = url
        self._prefix = prefix
        self._clock = clock or SystemClock()
        headers = {"User-Agent": f"headgate/{__version__}"}
        if key:
            headers["Authorization"] = f"Bearer {key}"
        self._http = _open(url, headers, timeout, transport, verify)

    def get(self, path: str, **query: Any) -> Any:
        """The JSON at `path`; query parameters that are None are left out."""
        return as_document(self._ask("GET", path, query=query).content)

    def text(self, path: str, **query: Any) -> str:
        return self._ask("GET", path, query=query).text

    def tagged(self, path: str, **query: Any) -> tuple[Any, str]:
        """The JSON at `path` and its ETag."""
        answer = self._ask("GET", path, query=query)
        return as_document(answer.content), answer.headers.get("ETag", "")

    def pages(self, path: str, limit: int | None = None, **query: Any) -> Iterator[Document]:
        """Every item of a list, page after page, at most `limit`."""
        cursor, left = None, limit
        while True:
            page = self.get(path, cursor=cursor, limit=PAGE if left is None else min(left, PAGE), **query)
            for item in page["items"]:
                yield item
                left = None if left is None else left - 1
                if left == 0:
                    return
            cursor = page.get("next")
            if cursor is None:
                return

    def change(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, *, match: str = "", **query: Any
    ) -> Any:
        """A mutation: carries an Idempotency-Key, so that a repetition after a broken connection acts once."""
        headers = {"Idempotency-Key": secrets.token_hex(16)}
        if match:
            headers["If-Match"] = match
        content = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            content = json.dumps(dict(body)).encode()
        answer = self._ask(method, path, content=content, headers=headers, query=query)
        return as_document(answer.content) if answer.content else Document()

    def send(
        self, method: str, path: str, content: Content, headers: Mapping[str, str], *, timeout: float | None = None
    ) -> httpx2.Response:
        """A body as it is; the caller vouches that repeating it is harmless."""
        return self._ask(method, path, content=content, headers=headers, timeout=timeout)

    def upload(self, path: str, content: Content, content_type: str, **query: Any) -> Any:
        """A large body, sent in pieces."""
        headers = {"Content-Type": content_type, "Idempotency-Key": secrets.token_hex(16)}
        return as_document(self._ask("POST", path, content=content, headers=headers, query=query, timeout=600).content)

    def download(self, method: str, path: str, target: BinaryIO, progress: Progress | None = None) -> int:
        """Write the answer's body to `target`; the number of bytes written."""
        done = 0
        try:
            with self._http.stream(method, self._address(path), timeout=600) as answer:
                if answer.is_error:
                    answer.read()
                    raise error_of(answer)
                total = int(answer.headers.get("Content-Length", 0))
                for chunk in answer.iter_bytes(CHUNK):
                    target.write(chunk)
                    done += len(chunk)
                    if progress:
                        progress(done, total)
        except httpx2.HTTPError as error:
            raise self._translated(error) from error
        return done

    def lines(self, path: str, content: bytes, headers: Mapping[str, str]) -> Iterator[str]:
        """The lines of an answer as they come; never asked for again, for some of it may have come already."""
        try:
            with self._http.stream("POST", self._address(path), content=content, headers=dict(headers)) as answer:
                if answer.is_error:
                    answer.read()
                    raise error_of(answer)
                yield from answer.iter_lines()
        except httpx2.HTTPError as error:
            raise self._translated(error) from error

    def close(self) -> None:
        self._http.close()

    def _address(self, path: str) -> str:
        return f"{self.url}{self._prefix}{path}"

    def _ask(
        self,
        method: str,
        path: str,
        *,
        content: Content = None,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, Any] | None = None,
        timeout: float | None = None,
    ) -> httpx2.Response:
        question = Question(method, self._address(path), content, headers or {}, query or {}, timeout)
        for pause in (PAUSE * 2**attempt for attempt in range(ATTEMPTS - 1)):
            try:
                return self._attempt(question)
            except LOST:
                self._clock.sleep(pause)
            except Unavailable as busy:
                if busy.retry_after is None or busy.retry_after > LONGEST_PAUSE:
                    raise
                self._clock.sleep(busy.retry_after)
        try:
            return self._attempt(question)
        except LOST as error:
            raise self._translated(error) from error

    def _attempt(self, question: Question) -> httpx2.Response:
        """One exchange; raises what the server meant, or one of `LOST` when it may be worth another."""
        content, timeout = question.content, question.timeout
        try:
            answer = self._http.request(
                question.method,
                question.url,
                params={name: value for name, value in question.query.items() if value is not None} or None,
                headers=dict(question.headers),
                content=content() if callable(content) else content,
                timeout=httpx2.USE_CLIENT_DEFAULT if timeout is None else timeout,
            )
        except LOST:
            raise
        except httpx2.HTTPError as error:
            raise self._translated(error) from error
        if answer.is_error:
            raise error_of(answer)
        return answer

    def _translated(self, error: Exception) -> HeadgateError:
        if isinstance(error, httpx2.ReadTimeout | httpx2.WriteTimeout | httpx2.PoolTimeout):
            return DeadlineExceeded(f"{self.url} did not answer in time. Ask again, or with a longer timeout.")
        return Unreachable(
            f"Expected an instance at {self.url}, nothing answers there ({error}). "
            "Start it with `headgate up`, or name another with --url or HEADGATE_URL."
        )


def segment(name: object) -> str:
    """One segment of a path, whatever is in it."""
    return quote(str(name), safe="")


def error_of(answer: httpx2.Response) -> HeadgateError:
    """The error that the server meant, as the class that it raised."""
    try:
        body = json.loads(answer.content)
    except ValueError:
        body = None
    if not isinstance(body, dict) or "code" not in body:
        return _foreign(answer)
    raised = all_errors().get(str(body["code"])) or _class_for(answer.status_code)
    detail = [item for item in body.get("detail") or () if isinstance(item, dict)]
    return raised(str(body.get("error", "")), detail=detail, retry_after=_retry_after(answer))


def _foreign(answer: httpx2.Response) -> HeadgateError:
    text = " ".join(answer.text.split())[:200]
    return _class_for(answer.status_code)(
        f"Expected JSON of Headgate, got status {answer.status_code} with {text!r} from {answer.url}. "
        "Is this address an instance of Headgate?",
        retry_after=_retry_after(answer),
    )


def _class_for(status: int) -> type[HeadgateError]:
    same = [error for error in all_errors().values() if error.status == status]
    return same[0] if same else HeadgateError


def _retry_after(answer: httpx2.Response) -> float | None:
    text = answer.headers.get("Retry-After", "")
    return float(text) if text.replace(".", "", 1).isdigit() else None


def _open(
    url: str,
    headers: Mapping[str, str],
    timeout: float,
    transport: httpx2.BaseTransport | None,
    verify: Verify | None,
) -> httpx2.Client:
    scheme, host = _parts(url)
    return httpx2.Client(
        headers=dict(headers),
        # the read timeout of a long poll or a slow model is the caller's; connecting is quick or not at all
        timeout=httpx2.Timeout(timeout, connect=5.0),
        # a context for TLS takes 0.1 s to make and is of no use to plain http
        verify=scheme == "https" and (True if verify is None else verify()),
        # a proxy for the world is of no use to a loopback address
        trust_env=host not in ("127.0.0.1", "localhost", "::1"),
        transport=transport,
    )


def _parts(url: str) -> tuple[str, str]:
    """Scheme and host of an address; raises `Malformed`."""
    try:
        parts = urlsplit(url)
        httpx2.URL(url)
    except (ValueError, httpx2.InvalidURL) as error:
        raise Malformed(f"Expected an address like http://127.0.0.1:8090, got {url!r}: {error}.") from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Malformed(f"Expected an address like http://127.0.0.1:8090, got {url!r}.")
    return parts.scheme, parts.hostname
