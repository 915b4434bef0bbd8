"""Lets libfaketime be loaded into a Swift program.

The library makes shared memory and puts its name into the environment of the process that it is
loaded into, which moves the environment; Swift finds the program's arguments next to where the
environment was, and would find none. So the memory is made here, by the `faketime` program, and its
name is handed out in one line of JSON. It goes when standard input closes.
"""

import json
import subprocess
import sys

holder = subprocess.Popen(
    ["faketime", "-f", "+0", "sh", "-c", 'echo "$FAKETIME_SHARED"; exec cat'],
    stdin=subprocess.PIPE,
    stdout=subprocess.PIPE,
    text=True,
)
print(json.dumps({"shared": holder.stdout.readline().strip()}), flush=True)
for _ in sys.stdin:
    pass
holder.stdin.close()
holder.wait()
