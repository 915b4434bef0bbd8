"""Prints COUNT events of the token's stream, read from a WebSocket from the beginning.

usage: read_websocket.py URL TOKEN COUNT
"""

import asyncio
import sys

import websockets


async def main(url, token, count):
    target = url.replace("http", "ws", 1) + "/ws?asJson=true&from=0"
    async with websockets.connect(
        target, additional_headers={"authorization": f"Bearer {token}"}, max_size=8 << 20
    ) as socket:
        for _ in range(count):
            print(await asyncio.wait_for(socket.recv(), 30))


asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
