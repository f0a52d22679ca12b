"""The practical limit: DuckDB's own JSON reader builds the tables that a load would leave.

usage: duckdb_limit.py SHAPE FILE.jsonl

Objects become columns, and every list becomes a table with the key of its row, the key of the parent
and the place in the list. Prints rows, and the time from opening the database to its checkpoint; the
start of Python is not counted.
"""

import json
import os
import sys
import tempfile
import time

import duckdb


def child(parent, field, value="item.*"):
    """A table for a list: `parent` has the columns row_key and the list `field`."""
    numbered = (
        f"select row_key parent_key, generate_subscripts({field}, 1) - 1 list_idx, unnest({field}) item from {parent}"
    )
    return f"select hash(parent_key, list_idx) row_key, parent_key, list_idx, {value} from ({numbered})"


ISSUES = """
    select row_key, id, number, node_id, title, body, state, locked, score, comments,
        "user".login user__login, "user".id user__id, "user"."type" user__type,
        "user".site_admin user__site_admin, "user".url user__url,
        milestone.id milestone__id, milestone.title milestone__title,
        milestone.due_on::timestamptz milestone__due_on,
        reactions.total_count reactions__total_count, reactions."+1" reactions__x1,
        reactions.heart reactions__heart, created_at::timestamptz created_at,
        updated_at::timestamptz updated_at, closed_at::timestamptz closed_at
    from raw"""

EVENTS = """
    select row_key, event_id, session, user_id, kind, path, amount, quantity, mobile, country, latency_ms,
        referrer, "at"::timestamptz "at"
    from raw"""

ORDERS = """
    select row_key, order_id, placed_at::timestamptz placed_at, currency, customer.id customer__id,
        customer.name customer__name, customer.address.street customer__address__street,
        customer.address.city customer__address__city, customer.address.zip customer__address__zip,
        customer.address.geo.lat customer__address__geo__lat,
        customer.address.geo.lon customer__address__geo__lon
    from raw"""

LINES = child("raw", "lines", "item")

# the statements of each shape: (table, query), the root table first
TABLES = {
    "issues": [
        ("issues", ISSUES),
        ("issues__labels", child("raw", "labels")),
        ("issues__assignees", child("raw", "assignees")),
        ("issues__topics", child("raw", "topics", "item as value")),
    ],
    "events": [("events", EVENTS)],
    "orders": [
        ("orders", ORDERS),
        (
            "orders__lines",
            f"select row_key, parent_key, list_idx, item.sku sku, item.qty qty, item.price price from ({LINES})",
        ),
        (
            "orders__lines__discounts",
            child(f"(select row_key, item.discounts discounts from ({LINES}))", "discounts"),
        ),
        ("orders__payments", child("raw", "payments")),
    ],
}


def main():
    shape, file = sys.argv[1:]
    with tempfile.TemporaryDirectory(prefix="duckdb-limit-") as folder:
        wall, cpu = time.perf_counter(), time.process_time()
        database = duckdb.connect(os.path.join(folder, "limit.duckdb"))
        database.execute(
            "create temp table raw as select hash(row_number() over ()) row_key, * "
            "from read_json($file, format = 'newline_delimited')",
            {"file": file},
        )
        for table, query in TABLES[shape]:
            database.execute(f"create table {table} as {query}")
        database.execute("checkpoint")
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        rows = database.execute(f"select count(*) from {shape}").fetchone()[0]
        database.close()
    print(json.dumps({"rows": rows, "wall": wall, "cpu": cpu}))


main()
