"""Why bytes are no request, in the words of whoever has to send others: the parser's own are for its authors."""

from headgate.errors import Malformed

TLS, PREFACE = b"\x16\x03", b"PRI * HTTP/2"
SPEAKS_TLS = "Expected HTTP/1.1, got the beginning of a TLS connection. Ask http:// here, or serve with a --tls-cert."
SPEAKS_HTTP_2 = "Expected HTTP/1.1, got HTTP/2. Have the client speak 1.1, as curl --http1.1 does."
# a part of what the parser says → what we say; the first that fits
FAULTS = (
    ("method", "Expected a method in capitals, such as GET or POST, got another word or other bytes. Send HTTP/1.1."),
    ("url", "Expected a path of visible ASCII that begins with a slash, got another target. Write other bytes as %XX."),
    ("present with", "Expected Content-Length or Transfer-Encoding, got both. Send one of them."),
    ("Content-Length", "Expected one Content-Length in digits, got another value or several. Send the size once."),
    ("Transfer-Encoding", "Expected Transfer-Encoding: chunked once, got another coding. Send a Content-Length."),
    ("hunk", "Expected chunks, each a size in hex, CRLF, its bytes, CRLF, got others. Send a Content-Length instead."),
    ("version", "Expected a first line that ends in HTTP/1.1 and CRLF, got another end. Send the request as HTTP/1.1."),
    ("after `Connection: close`", "Expected no more after Connection: close, got another request. Leave it out."),
    ("eader", "Expected headers, each as Name: value and CRLF, got another line. Send only bytes that headers take."),
    ("space after start line", "Expected headers, got a line that begins with a space. Begin each with its name."),
)
OTHERS = "Expected a request of HTTP/1.1, got bytes that are none. Send it by an HTTP client or library."


def unreadable(said: Exception, data: bytes) -> Malformed:
    """What is said to bytes that the parser refused with these words."""
    if data.startswith(TLS):
        return Malformed(SPEAKS_TLS)
    words = str(said)
    if data.startswith(PREFACE) or "PRI" in words:
        return Malformed(SPEAKS_HTTP_2)
    return Malformed(next((ours for theirs, ours in FAULTS if theirs in words), OTHERS))
