"""Clients that are not ours, against a running server: HTTP/2 by httpx, WebSocket by websockets.

usage: follow.py PORT SENDER_TOKEN READER_TOKEN EVENT_JSON
Prints one JSON object with what it saw; exits non-zero if a client failed.
"""
import asyncio
import json
import sys

import httpx
import websockets


async def main(port: int, sender: str, reader: str, event: str) -> None:
    seen = {}
    base = f"http://127.0.0.1:{port}"
    async with httpx.AsyncClient(http1=False, http2=True, base_url=base) as client:
        headers = {"authorization": f"Bearer {sender}", "content-type": "application/json"}
        answers = await asyncio.gather(
            *[client.post("/event", headers=headers, content=event) for _ in range(50)]
        )
        seen["statuses"] = sorted({answer.status_code for answer in answers})
        seen["version"] = answers[0].http_version
        url = f"ws://127.0.0.1:{port}/ws?asJson=true"
        async with websockets.connect(
            url, additional_headers={"authorization": f"Bearer {reader}"}
        ) as socket:
            frames = [json.loads(await socket.recv()) for _ in range(50)]
            await client.post("/event", headers=headers, content=event)
            frames.append(json.loads(await socket.recv()))
        seen["frames"] = len(frames)
        seen["emails"] = sorted({frame["email"] for frame in frames})
        seen["offsets"] = len({frame["strmMeta"]["nonce"] for frame in frames})
        refused = []
        for token, query in [("x", ""), (sender, "?access_token=" + reader), (reader, "?limit=0")]:
            try:
                async with websockets.connect(
                    f"ws://127.0.0.1:{port}/ws{query}",
                    additional_headers={"authorization": f"Bearer {token}"},
                ):
                    refused.append(101)
            except websockets.InvalidStatus as error:
                refused.append(error.response.status_code)
        try:
            async with websockets.connect(f"ws://127.0.0.1:{port}/ws?access_token={reader}"):
                refused.append(101)
        except websockets.InvalidStatus as error:
            refused.append(error.response.status_code)
        seen["refused"] = refused
    print(json.dumps(seen))


async def revoked(port: int, reader: str) -> None:
    async with websockets.connect(
        f"ws://127.0.0.1:{port}/ws", additional_headers={"authorization": f"Bearer {reader}"}
    ) as socket:
        print("open", flush=True)
        try:
            await socket.recv()
        except websockets.ConnectionClosed as closed:
            print(json.dumps({"code": closed.rcvd.code}))


if sys.argv[1] == "revoked":
    asyncio.run(revoked(int(sys.argv[2]), sys.argv[3]))
else:
    asyncio.run(main(int(sys.argv[1]), *sys.argv[2:5]))
