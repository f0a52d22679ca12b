//! The examples do what they say.

#[path = "../../../runtime/examples/annotate.rs"]
mod annotate;
#[path = "../../../runtime/examples/batches.rs"]
mod batches;
#[path = "../../../runtime/examples/fan_out.rs"]
mod fan_out;
#[path = "../../../runtime/examples/incremental.rs"]
mod incremental;
#[path = "../../../runtime/examples/read_back.rs"]
mod read_back;

use tempfile::tempdir;

#[test]
fn a_struct_and_a_function() {
    let report = annotate::run(tempdir().unwrap().path()).unwrap();
    assert_eq!((report.rows("readings"), report.rows("readings__tags")), (1000, 1000));
}

#[test]
fn only_what_is_new() {
    let folder = tempdir().unwrap();
    let rows = |days| incremental::run(folder.path(), &incremental::Shop { days }).unwrap().rows("orders");
    assert_eq!((rows(3), rows(5)), (3, 2));
}

#[test]
fn items_of_items() {
    let report = fan_out::run(tempdir().unwrap().path()).unwrap();
    assert_eq!((report.rows("repo"), report.rows("commit")), (2, 6));
}

#[test]
fn batches_of_arrow() {
    let report = batches::run(tempdir().unwrap().path()).unwrap();
    assert_eq!(report.rows("prices"), 200);
}

#[test]
fn rows_that_come_back() {
    // a third of the orders has a line, another third two
    assert_eq!(read_back::run(tempdir().unwrap().path()).unwrap(), (1000 * 250 + 1000 * 750, 1500));
}
