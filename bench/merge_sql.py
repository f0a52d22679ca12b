"""SQL over rows that floe staged, in a copy of the database from before the merge.

usage: merge_sql.py DATABASE.duckdb STAGED.duckdb SQL

Takes the staged rows over from the second database, then runs the statements in one transaction.
Prints the time of these, commit included.
"""

import json
import resource
import sys
import time

import duckdb


def cpu():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def main():
    database, staged, sql = sys.argv[1:]
    connection = duckdb.connect(database)
    connection.execute(f"ATTACH '{staged}' AS other (READ_ONLY)")
    connection.execute("CREATE SCHEMA IF NOT EXISTS raw_staging")
    tables = connection.execute(
        "SELECT table_name FROM information_schema.tables "
        "WHERE table_catalog = 'other' AND table_schema = 'raw_staging' AND table_name LIKE 'accounts%'"
    ).fetchall()
    for (table,) in tables:
        connection.execute(f"CREATE OR REPLACE TABLE raw_staging.{table} AS FROM other.raw_staging.{table}")
    connection.execute("DETACH other")
    connection.execute("CHECKPOINT")
    wall, used = time.perf_counter(), cpu()
    connection.execute("BEGIN TRANSACTION")
    connection.execute(sql)
    connection.execute("COMMIT")
    wall, used = time.perf_counter() - wall, cpu() - used
    print(json.dumps({"wall": wall, "cpu": used}))


main()
