"""Python dlt on a file of JSON lines, into DuckDB, as its documentation advises for speed.

usage: dlt_baseline.py TABLE FILE.jsonl [--parquet] [--workers N]

A resource yields pages of 1,000 items, parsed by orjson. Prints rows, and the time of
`pipeline.run`; the start of Python and the import of dlt are not counted.
"""

import argparse
import itertools
import json
import os
import resource
import tempfile
import time

PAGE = 1000


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("table")
    parser.add_argument("file")
    parser.add_argument("--parquet", action="store_true")
    parser.add_argument("--workers", type=int, default=1)
    return parser.parse_args()


def cpu():
    """Processor seconds of this process and of the workers that are done."""
    usages = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def main():
    args = arguments()
    # dlt reads its configuration when it is imported
    os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
    os.environ["NORMALIZE__WORKERS"] = str(args.workers)
    if args.workers > 1:
        # one file is the work of one worker
        os.environ["DATA_WRITER__FILE_MAX_ITEMS"] = "100000"
    import dlt
    import orjson

    rows = 0

    @dlt.resource(name=args.table, write_disposition="append")
    def items():
        nonlocal rows
        with open(args.file, "rb") as lines:
            while page := [orjson.loads(line) for line in itertools.islice(lines, PAGE)]:
                rows += len(page)
                yield page

    with tempfile.TemporaryDirectory(prefix="dlt-baseline-") as folder:
        pipeline = dlt.pipeline(
            "bench",
            pipelines_dir=os.path.join(folder, "pipelines"),
            dataset_name="raw",
            destination=dlt.destinations.duckdb(os.path.join(folder, "bench.duckdb")),
        )
        wall, used = time.perf_counter(), cpu()
        pipeline.run(items(), loader_file_format="parquet" if args.parquet else None)
        wall, used = time.perf_counter() - wall, cpu() - used
    print(json.dumps({"rows": rows, "wall": wall, "cpu": used}))


# workers import this file
if __name__ == "__main__":
    main()
