"""h2load, the load generator of nghttp2: as fast as it goes."""

import re

from .processes import fail, run


def h2load(server, url, body_file, requests, clients, streams, token=None, headers=()):
    """One run over HTTP/2, by GET if there is no body; fails unless each request got 2xx.

    Returns the rate, and what a request cost the server and h2load in microseconds of processor.
    """
    arguments = ["h2load", "-n", str(requests), "-c", str(clients), "-m", str(streams),
                 *(["-d", body_file] if body_file else [])]
    for header in [*([f"authorization: Bearer {token}"] if token else []), *headers]:
        arguments += ["-H", header]
    before = server.cpu_seconds()
    output, own_cpu = run([*arguments, url])
    cpu = server.cpu_seconds() - before
    rate = re.search(r"finished in .*?, ([\d.]+) req/s", output)
    good = re.search(r"status codes: (\d+) 2xx", output)
    if not rate or not good or int(good.group(1)) != requests:
        fail(f"h2load: not each of {requests} requests succeeded:\n{output[-1500:]}")
    return {"rate": float(rate.group(1)), "cpuMicroseconds": cpu / requests * 1e6,
            "loadCpuMicroseconds": own_cpu / requests * 1e6}
