"""Python dlt merges a file of JSON lines into a dataset that is there, by its quickest settings.

usage: dlt_merge.py duckdb|postgres CREDENTIALS FILE.jsonl STRATEGY FOLDER

A resource yields pages of 1,000 items, parsed by orjson, and two workers normalise. Prints the time of
`pipeline.run`; the start of Python and the import of dlt are not counted.
"""

import itertools
import json
import os
import resource
import sys
import time

PAGE = 1000


def cpu():
    """Processor seconds of this process and of the workers that are done."""
    usages = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def main():
    kind, credentials, file, strategy, folder = sys.argv[1:]
    # dlt reads its configuration when it is imported
    os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
    os.environ["NORMALIZE__WORKERS"] = "2"
    # one file is the work of one worker
    os.environ["DATA_WRITER__FILE_MAX_ITEMS"] = "50000"
    import dlt
    import orjson

    @dlt.resource(
        name="accounts", primary_key="id", write_disposition={"disposition": "merge", "strategy": strategy}
    )
    def items():
        with open(file, "rb") as lines:
            while page := [orjson.loads(line) for line in itertools.islice(lines, PAGE)]:
                yield page

    pipeline = dlt.pipeline(
        "bench",
        pipelines_dir=os.path.join(folder, "dlt"),
        dataset_name="raw",
        destination=getattr(dlt.destinations, kind)(credentials),
    )
    wall, used = time.perf_counter(), cpu()
    pipeline.run(items(), loader_file_format="parquet" if kind == "duckdb" else "csv")
    wall, used = time.perf_counter() - wall, cpu() - used
    print(json.dumps({"wall": wall, "cpu": used}))


# workers import this file
if __name__ == "__main__":
    main()
