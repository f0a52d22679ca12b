"""An API of this machine: issues page by page, parents with a child each, one large page, many small ones.

usage: rest_server.py FILE.jsonl PARENTS MILLISECONDS

Answers take the milliseconds, besides the time to write them. Prints its port, and ends with its
standard input.
"""

import asyncio
import json
import sys
from urllib.parse import parse_qs, urlsplit

SIZE = 100
LARGE = 64 << 20
SMALL = 100_000


class Api:
    def __init__(self, file, parents, delay):
        with open(file, "rb") as lines:
            issues = [line.strip() for line in lines]
        self.pages = [b"[" + b",".join(issues[at : at + SIZE]) + b"]" for at in range(0, len(issues), SIZE)]
        rows = [b'{"id":%d,"name":"parent %d"}' % (n, n) for n in range(1, parents + 1)]
        self.parents = [b"[" + b",".join(rows[at : at + SIZE]) + b"]" for at in range(0, len(rows), SIZE)]
        self.delay = delay / 1000
        self.rows = issues
        self.large = None

    def large_page(self):
        if self.large is None:
            rows = iter(self.rows * (LARGE // sum(map(len, self.rows)) + 1))
            chosen, size = [], 0
            while size < LARGE:
                chosen.append(next(rows))
                size += len(chosen[-1]) + 1
            self.large = b"[" + b",".join(chosen) + b"]"
        return self.large

    def answer(self, target, host):
        url = urlsplit(target)
        if url.path.endswith("/child"):
            number = int(url.path.split("/")[2])
            return b'[{"id":%d,"text":"child of %d"}]' % (number * 10, number), b""
        if url.path == "/large":
            return self.large_page(), b""
        page = int(parse_qs(url.query).get("page", ["1"])[0])
        if url.path == "/small":
            body, count = b'[{"id":%d,"name":"row %d"}]' % (page, page), SMALL
        else:
            pages = self.pages if url.path == "/issues" else self.parents
            body, count = pages[page - 1], len(pages)
        link = b""
        if page < count:
            link = f'link: <http://{host}{url.path}?page={page + 1}>; rel="next"\r\n'.encode()
        return body, link

    async def talk(self, reader, writer):
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
                host = next(line[5:].strip() for line in head if line.lower().startswith("host:"))
                body, link = self.answer(head[0].split(" ")[1], host)
                if self.delay:
                    await asyncio.sleep(self.delay)
                writer.write(
                    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n%s\r\n"
                    % (len(body), link)
                )
                writer.write(body)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


async def main():
    api = Api(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
    server = await asyncio.start_server(api.talk, "127.0.0.1", 0, limit=1 << 16)
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


asyncio.run(main())
