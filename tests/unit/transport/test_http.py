"""HTTP failures: whether the provider cannot have the request, or may have it."""

import asyncio
import socket
import ssl
from collections.abc import Callable

import h2.connection
import pytest
from h2.errors import ErrorCodes
from pyreqwest.http import Url

from notifier.transport.http import BODY_LIMIT, NoAnswer, NotWritten, Reply, Wire, retry_after
from stack.supervision.process import PATIENCE
from tests.support.fakes.tiny_servers import (
    OK,
    Handler,
    Http2Server,
    answering,
    listening,
    ok,
    read_request,
)


async def call(
    port: int,
    *,
    scheme: str = "http",
    http2: bool = False,
    timeout: float = 10.0,
    **options: object,
) -> Reply:
    wire = Wire(f"{scheme}://127.0.0.1:{port}", http2=http2, timeout=timeout, **options)  # type: ignore[arg-type]
    try:
        return await wire.request("POST", "/", headers={}, body=b"{}")
    finally:
        await wire.close()


async def test_a_refused_connection_was_not_written() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        with pytest.raises(NotWritten):
            await call(unused.getsockname()[1])


async def test_an_unknown_host_was_not_written() -> None:
    with pytest.raises(NotWritten):
        await Wire("http://nowhere.invalid", timeout=2.0).request("POST", "/", headers={})


async def test_a_connection_that_is_never_taken_was_not_written() -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        others = [socket.socket() for _ in range(4)]
        for other in others:
            other.setblocking(False)
            other.connect_ex(full.getsockname())
        with pytest.raises(NotWritten):
            await call(full.getsockname()[1], timeout=1.0)
        for other in others:
            other.close()


async def test_a_silent_tls_handshake_was_not_written() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        await asyncio.sleep(2)

    async with listening(silent) as port:
        with pytest.raises(NotWritten):
            await call(port, scheme="https", timeout=1.0)


async def test_a_certificate_nobody_vouches_for_was_not_written(tmp_path) -> None:
    from sandbox.credentials import Credentials

    context = Credentials(tmp_path).server_context()
    server = await asyncio.start_server(lambda r, w: None, "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(NotWritten):
        await call(port, scheme="https")
    server.close()


async def test_the_own_ca_file_is_trusted(tmp_path) -> None:
    from sandbox.credentials import Credentials

    credentials = Credentials(tmp_path)
    context = credentials.server_context()
    context.set_alpn_protocols(["http/1.1"])
    server = await asyncio.start_server(answering(OK), "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    reply = await call(port, scheme="https", ca_file=str(tmp_path / "ca.pem"))
    assert reply.ok
    server.close()


async def test_the_client_certificate_is_shown(tmp_path) -> None:
    from sandbox.credentials import Credentials

    shown = []

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        shown.append(writer.get_extra_info("peercert"))
        await answering(OK)(reader, writer)

    context = Credentials(tmp_path).server_context(ask_for_client_certificate=True)
    context.set_alpn_protocols(["http/1.1"])
    assert context.verify_mode == ssl.CERT_OPTIONAL
    server = await asyncio.start_server(handler, "127.0.0.1", 0, ssl=context)
    await call(
        server.sockets[0].getsockname()[1],
        scheme="https",
        ca_file=str(tmp_path / "ca.pem"),
        identity=(tmp_path / "apns-client.pem").read_bytes(),
    )
    assert shown[0]
    server.close()


async def test_no_answer_in_time_may_have_been_written() -> None:
    async with listening(answering(b"", stay=True)) as port:
        with pytest.raises(NoAnswer) as caught:
            await call(port, timeout=1.0)
    assert caught.value.timed_out


@pytest.mark.parametrize("http2", [False, True])
async def test_a_connection_lost_after_the_request_may_have_been_written(http2: bool) -> None:
    """The library calls this a ConnectError, as it calls a refused connection."""
    handler: Handler = Http2Server(lambda *_: True) if http2 else answering(b"")
    async with listening(handler) as port:
        with pytest.raises(NoAnswer) as caught:
            await call(port, http2=http2)
    assert not caught.value.timed_out


async def test_an_answer_that_is_not_http_may_have_been_written() -> None:
    async with listening(answering(b"220 mail.example ESMTP\r\n")) as port:
        with pytest.raises(NoAnswer):
            await call(port)


Answer = Callable[[h2.connection.H2Connection, int, int], bool | None]


def go_away(code: ErrorCodes, last: int | None) -> Answer:
    def answer(connection: h2.connection.H2Connection, stream: int, _: int) -> bool:
        connection.close_connection(code, last_stream_id=stream if last is None else last)
        return True

    return answer


def reset(code: ErrorCodes) -> Answer:
    return lambda connection, stream, _: connection.reset_stream(stream, code)


@pytest.mark.parametrize(
    ("answer", "meaning"),
    [
        (reset(ErrorCodes.REFUSED_STREAM), NotWritten),
        (reset(ErrorCodes.CANCEL), NoAnswer),
        (reset(ErrorCodes.INTERNAL_ERROR), NoAnswer),
        (go_away(ErrorCodes.NO_ERROR, 0), NotWritten),
        (go_away(ErrorCodes.ENHANCE_YOUR_CALM, 0), NotWritten),
        (go_away(ErrorCodes.NO_ERROR, None), NoAnswer),
        (go_away(ErrorCodes.ENHANCE_YOUR_CALM, None), NoAnswer),
        (go_away(ErrorCodes.INTERNAL_ERROR, None), NoAnswer),
    ],
)
async def test_http2_says_itself_whether_a_request_was_processed(
    answer: Answer, meaning: type[Exception]
) -> None:
    async with listening(Http2Server(answer)) as port:
        with pytest.raises(meaning):
            await call(port, http2=True)


async def test_a_request_left_out_by_goaway_is_sent_on_a_new_connection() -> None:
    def answer(connection: h2.connection.H2Connection, stream: int, nth: int) -> bool | None:
        if nth == 1:
            return go_away(ErrorCodes.NO_ERROR, 0)(connection, stream, nth)
        return ok(connection, stream)

    async with listening(Http2Server(answer)) as port:
        assert (await call(port, http2=True)).ok


async def test_a_huge_answer_is_cut() -> None:
    written = 0

    async def huge(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal written
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100000000\r\n\r\n")
        while written < 100_000_000:
            writer.write(b"x" * 100_000)
            written += 100_000
            await writer.drain()

    async with listening(huge) as port:
        reply = await call(port)
    assert reply.ok
    assert len(reply.body) == BODY_LIMIT
    assert written < 50_000_000


@pytest.mark.parametrize("stay", [True, False])
async def test_the_status_counts_though_the_body_never_comes(stay: bool) -> None:
    head = b"HTTP/1.1 429 Slow\r\nretry-after: 7\r\ncontent-length: 50\r\n\r\nabc"
    async with listening(answering(head, stay=stay)) as port:
        reply = await asyncio.wait_for(call(port, timeout=1.0), PATIENCE)
    assert (reply.status, reply.retry_after) == (429, 7.0)


async def test_redirects_are_not_followed() -> None:
    followed = []

    async def target(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        followed.append(1)

    async with listening(target) as elsewhere:
        head = f"HTTP/1.1 307 Go\r\nlocation: http://127.0.0.1:{elsewhere}/\r\n"
        async with listening(answering(f"{head}content-length: 0\r\n\r\n".encode())) as port:
            assert (await call(port)).status == 307
    assert not followed


async def test_cookies_are_not_kept() -> None:
    heads = []

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(2):
            heads.append((await read_request(reader))[0])
            writer.write(b"HTTP/1.1 200 OK\r\nset-cookie: a=b\r\ncontent-length: 0\r\n\r\n")

    async with listening(handler) as port:
        wire = Wire(f"http://127.0.0.1:{port}")
        for _ in range(2):
            await wire.request("POST", "/", headers={}, body=b"x")
        await wire.close()
    assert len(heads) == 2
    assert "cookie" not in heads[1]


async def test_a_proxy_from_the_environment_is_not_used(monkeypatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    async with listening(answering(OK)) as port:
        assert (await call(port)).ok


@pytest.mark.parametrize("host", ["pinned.invalid", "pinned.invalid.", "PINNED.invalid", "a_b"])
async def test_the_connection_goes_to_the_address_given_and_not_to_the_name(host: str) -> None:
    async with listening(answering(OK)) as port:
        url = Url(f"http://{host}:{port}")  # as a webhook's URL is read
        wire = Wire(url.origin_ascii, address=(url.host_str or "", "127.0.0.1"))
        assert (await wire.request("GET", "/", headers={})).ok
        await wire.close()


async def test_requests_are_spread_over_the_connections() -> None:
    opened = 0

    async def counting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal opened
        opened += 1
        await Http2Server(ok)(reader, writer)

    async with listening(counting) as port:
        wire = Wire(f"http://127.0.0.1:{port}", http2=True, connections=3)
        calls = (wire.request("POST", "/", headers={}, body=b"x") for _ in range(60))
        assert all(reply.ok for reply in await asyncio.gather(*calls))
        await wire.close()
    assert opened == 3


async def test_a_header_that_http_cannot_carry_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="header"):
        await Wire("http://127.0.0.1:1").request("GET", "/", headers={"a": "b\r\nc: d"})


async def test_an_error_does_not_name_the_url() -> None:
    with pytest.raises(NotWritten) as caught:
        await Wire("http://127.0.0.1:1").request("GET", "/secret", headers={})
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("", None),
        ("120", 120.0),
        (" 0 ", 0.0),
        ("1.5", 1.5),
        ("99999999999", 99999999999.0),
        ("-5", None),
        ("soon", None),
        ("nan", None),
        ("1e400", None),
        ("9" * 5000, None),
        ("Sun, 06 Nov 1994 08:49:37 GMT", 0.0),
        ("Thu, 01 Jan 1970 00:20:00 GMT", 200.0),
        ("Thursday, 01-Jan-70 00:20:00 GMT", 200.0),
        ("Thu Jan  1 00:20:00 1970", 200.0),
        ("Thu, 01 Jan 99999999999 00:00:00 GMT", None),
    ],
)
def test_retry_after_is_read_in_every_form_and_nothing_else(
    value: str | None, seconds: float | None
) -> None:
    assert retry_after(value, now=784111777.0 if value and "1994" in value else 1000.0) == seconds
