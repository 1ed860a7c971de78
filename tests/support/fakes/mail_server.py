"""A scripted mail server."""

import asyncio

from tests.support.fakes.tiny_servers import Handler


def mail_server(replies: dict[str, str], seen: list[str]) -> Handler:
    """Reply to commands by their first word, and 250 to all others; "" closes the connection.

    ``.`` is the end of a message. ``seen`` gets the first word of every command.
    """

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append("connect")
        writer.write(b"220 mail.example ESMTP\r\n")
        while line := await reader.readline():
            word = line.decode().split()[0].upper()
            seen.append(word)
            reply = replies.get(word, "250 ok")
            if not reply:
                return
            writer.write(f"{reply}\r\n".encode())
            if word == "DATA" and reply.startswith("354"):
                while (await reader.readline()) != b".\r\n":
                    pass
                writer.write(f"{replies.get('.', '250 2.0.0 queued')}\r\n".encode())

    return handler


#: Replies that take every message.
TAKING = {"DATA": "354 go on"}
