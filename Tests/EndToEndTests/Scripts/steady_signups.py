"""Sends events of many people, a few a second, through restarts of the server, until SIGTERM.

usage: steady_signups.py PORT TOKEN ACKNOWLEDGED RATE PEOPLE

Event n is of person n % PEOPLE, in a session of their own, and has the plan "n". Once the server
has answered 204 its number is written to the file ACKNOWLEDGED. While the server is away, or
answers with anything else, the same number is not sent again: the next one is.
"""

import http.client
import json
import os
import signal
import sys
import time

stopping = False


def stop(*_):
    global stopping
    stopping = True


def event(number, people):
    person = number % people
    return json.dumps({
        "strmMeta": {"eventContractRef": "shop/signup/1.0.0", "consentLevels": [1, 2]},
        "session": f"steady-{person}", "email": f"steady{person}@example.com",
        "plan": str(number)})


def main():
    port, token, path, rate, people = sys.argv[1:6]
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    signal.signal(signal.SIGTERM, stop)
    connection = None
    number = 0
    parent = os.getppid()
    with open(path, "a", encoding="ascii") as acknowledged:
        # Not longer than the test that started it.
        while not stopping and os.getppid() == parent:
            try:
                if connection is None:
                    connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=5)
                connection.request("POST", "/event", event(number, int(people)), headers)
                answer = connection.getresponse()
                answer.read()
                if answer.status == 204:
                    acknowledged.write(f"{number}\n")
                    acknowledged.flush()
            except (OSError, http.client.HTTPException):
                if connection:
                    connection.close()
                connection = None
            number += 1
            time.sleep(1 / float(rate))


if __name__ == "__main__":
    main()
