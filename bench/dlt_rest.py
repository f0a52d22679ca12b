"""Python dlt's rest_api on a document in JSON, into DuckDB.

usage: dlt_rest.py DOCUMENT.json TABLE

Prints the rows of the table, and the time of `pipeline.run`; the start of Python and the import of
dlt are not counted.
"""

import json
import os
import resource
import sys
import tempfile
import time


def cpu():
    usages = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def main():
    os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
    os.environ["EXTRACT__WORKERS"] = "10"
    os.environ["EXTRACT__MAX_PARALLEL_ITEMS"] = "20"
    import dlt
    from dlt.sources.rest_api import rest_api_source

    with open(sys.argv[1]) as document:
        config = json.load(document)
    with tempfile.TemporaryDirectory(prefix="dlt-rest-") as folder:
        pipeline = dlt.pipeline(
            "bench",
            pipelines_dir=os.path.join(folder, "pipelines"),
            dataset_name="raw",
            destination=dlt.destinations.duckdb(os.path.join(folder, "bench.duckdb")),
        )
        start, used = time.perf_counter(), cpu()
        pipeline.run(rest_api_source(config, name="bench"))
        wall, used = time.perf_counter() - start, cpu() - used
        with pipeline.sql_client() as client:
            rows = client.execute_sql(f"select count(*) from {sys.argv[2]}")[0][0]
    print(json.dumps({"rows": rows, "wall": wall, "cpu": used}))


if __name__ == "__main__":
    main()
