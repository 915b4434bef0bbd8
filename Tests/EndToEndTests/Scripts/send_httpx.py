"""Sends COUNT events with httpx over HTTP/2, one request each.

usage: send_httpx.py URL TOKEN COUNT     (prints JSON: statuses, and the HTTP versions seen)
"""

import asyncio
import collections
import json
import sys

import httpx

from acknowledged_load import event


async def main(url, token, count):
    statuses, versions = collections.Counter(), set()
    limit = asyncio.Semaphore(50)
    async with httpx.AsyncClient(http1=False, http2=True, timeout=30) as client:
        async def send(number):
            async with limit:
                reply = await client.post(
                    f"{url}/event", content=event(f"httpx-{number}", number % 20),
                    headers={"authorization": f"Bearer {token}",
                             "strm-serialization-type": "application/json"})
                statuses[str(reply.status_code)] += 1
                versions.add(reply.http_version)

        await asyncio.gather(*(send(number) for number in range(count)))
    print(json.dumps({"statuses": statuses, "versions": sorted(versions)}))


asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
