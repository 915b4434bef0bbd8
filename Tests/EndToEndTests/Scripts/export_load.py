"""Sends small batches of events to several streams in turn, until the server goes away.

usage: export_load.py PORT DIRECTORY PREFIX STREAM TOKEN [STREAM TOKEN]...

Each event has an id of its own as its url. Once the server has answered for a batch that all of
it is stored, its ids are written to the file DIRECTORY/STREAM at once: whatever stands there was
acknowledged. A batch without an answer is not sent again. Ends with 0 when the connection breaks or
after SIGTERM; the last line of the output is JSON: how many events were sent and acknowledged.
"""

import http.client
import json
import os
import random
import signal
import sys
import time

EVENTS_MAX = 6
PAUSE_SECONDS = 0.02


def event(url, number):
    return json.dumps({
        "strmMeta": {"eventContractRef": "example/clickstream/1.0.0", "consentLevels": [0, 1]},
        "producerSessionId": f"visit-{number % 40}", "url": url, "eventType": "page_view",
        "referrer": "", "userAgent": "x", "conversion": 0,
        "customer": {"email": f"visitor{number % 40}@example.com", "country": "NL"},
        "abTests": [],
    }, separators=(",", ":"))


class Load:
    def __init__(self, port, directory, prefix, tokens):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.directory, self.prefix, self.tokens = directory, prefix, tokens
        self.sent = self.acknowledged = 0
        self.is_stopping = False

    def stop(self, *_):
        self.is_stopping = True

    def send(self, stream, token):
        urls = []
        for _ in range(random.randint(1, EVENTS_MAX)):
            urls.append(f"https://shop.example.com/{self.prefix}-{stream}-{self.sent}")
            self.sent += 1
        body = "\n".join(event(url, number) for number, url in enumerate(urls, self.sent))
        self.connection.request("POST", "/events", body.encode(), {
            "authorization": f"Bearer {token}", "content-type": "application/x-ndjson"})
        answer = self.connection.getresponse()
        text = answer.read()
        if answer.status == 200 and json.loads(text)["accepted"] == len(urls):
            with open(os.path.join(self.directory, stream), "a", encoding="utf-8") as file:
                file.write("\n".join(urls) + "\n")
            self.acknowledged += len(urls)
        elif answer.status != 503:
            raise RuntimeError(f"status {answer.status}: {text[:500]!r}")

    def run(self):
        try:
            while not self.is_stopping:
                for stream, token in self.tokens.items():
                    self.send(stream, token)
                time.sleep(PAUSE_SECONDS)
        except (OSError, http.client.HTTPException) as error:
            print(f"ended by {type(error).__name__}", file=sys.stderr)
        print(json.dumps({"sent": self.sent, "acknowledged": self.acknowledged}))


if __name__ == "__main__":
    port, directory, prefix = sys.argv[1:4]
    load = Load(int(port), directory, prefix, dict(zip(sys.argv[4::2], sys.argv[5::2])))
    signal.signal(signal.SIGTERM, load.stop)
    load.run()
