"""What an event costs stage by stage, as `strm bench stages` measures it in one process."""

import json

from .compiler import shared_library
from .processes import clean_environment, fail, run
from .report import table

TITLE = "what one event costs, stage by stage"


def measure(bench):
    if "stages" not in run([bench.strm, "bench", "--help"])[0]:
        return {"skipped": "this strm has no bench stages"}
    library = shared_library(bench, "count_allocations")
    bench.say("stages")
    output, _ = run(
        [bench.strm, "bench", "stages", "--json", "--data-directory", bench.directory],
        clean_environment(LD_PRELOAD=library) if library else None)
    try:
        stages = json.loads(output)
        for stage in stages:
            float(stage["nanosecondsPerEvent"])
    except (ValueError, KeyError, TypeError) as error:
        fail(f"strm bench stages --json said something else ({error!r}): {output[:500]}")
    return {"stages": stages, "countsAllocations": library is not None}


def show(result):
    if "skipped" in result:
        return f"skipped: {result['skipped']}"
    rows = []
    for stage in result["stages"]:
        allocations = stage.get("allocationsPerEvent")
        rows.append([stage["stage"], f"{stage['nanosecondsPerEvent']:,.0f}",
                     "-" if allocations is None else f"{allocations:.2f}"])
    notes = [] if result["countsAllocations"] else ["Allocations: no C compiler to count them."]
    return table(["stage", "ns an event", "allocations an event"], rows, notes)
