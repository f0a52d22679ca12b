use super::*;
use crate::incremental::LastValue;

/// Runs items through a cursor; returns what passed and the state afterwards.
fn run(incremental: &Incremental, state: Option<&Json>, items: &[&str]) -> (Vec<String>, Json) {
    let cursor = Cursor::new(incremental, None, state, Vec::new()).unwrap();
    let mut all = cursor.boundary();
    let mut passed = Vec::new();
    for item in items {
        let mut page = Boundary::default();
        let verdict = cursor.look(&mut Scanner::new(item.as_bytes(), 0), &mut page).unwrap();
        if verdict.keep {
            passed.push((*item).to_owned());
        }
        cursor.merge(&mut all, page).unwrap();
    }
    (passed, cursor.new_state(state, &all, "").unwrap().unwrap_or_default().0)
}

#[test]
fn items_at_the_boundary_are_told_apart_by_their_hash() {
    let incremental = Incremental::new("t").unwrap();
    let first = [r#"{"id":1,"t":4}"#, r#"{"id":1,"t":5}"#, r#"{"id":2,"t":5}"#];
    let (passed, state) = run(&incremental, None, &first);
    assert_eq!(passed.len(), 3);
    assert_eq!(state["last_value"], json!(5));
    assert_eq!(state["start_value"], json!(null));
    assert_eq!(state["unique_hashes"].as_array().unwrap().len(), 2);
    let second = [r#"{"id":1,"t":5}"#, r#"{"id":3,"t":5}"#, r#"{"id":9,"t":4}"#];
    let (passed, state) = run(&incremental, Some(&state), &second);
    assert_eq!(passed, [r#"{"id":3,"t":5}"#]);
    assert_eq!(state["start_value"], json!(5));
    assert_eq!(state["unique_hashes"].as_array().unwrap().len(), 3);
    let (_, state) = run(&incremental, Some(&state), &[r#"{"id":4,"t":6}"#]);
    assert_eq!(state["unique_hashes"].as_array().unwrap().len(), 1);
}

#[test]
fn ranges_lags_and_directions() {
    let items = [r#"{"t":1}"#, r#"{"t":3}"#, r#"{"t":5}"#];
    let ranged = Incremental::new("t").unwrap().initial_value(2).end_value(5);
    assert_eq!(run(&ranged, None, &items), (vec![items[1].to_owned()], json!(null)));
    let state = json!({"initial_value": 0, "last_value": 4, "unique_hashes": [], "start_value": 0});
    let lagging = Incremental::new("t").unwrap().lag(2.0);
    let (passed, after) = run(&lagging, Some(&state), &items[..2]);
    assert_eq!((passed.len(), &after["last_value"]), (1, &json!(4)));
    let falling = Incremental::new("t").unwrap().last_value(LastValue::Min);
    let (passed, after) = run(&falling, Some(&state), &items);
    assert_eq!((passed.len(), &after["last_value"]), (2, &json!(1)));
}

#[test]
fn a_function_can_tell_the_order() {
    let by_length = LastValue::By(|a, b| Some(a.as_str()?.len().cmp(&b.as_str()?.len())));
    let incremental = Incremental::new("t").unwrap().last_value(by_length);
    let (passed, state) = run(&incremental, None, &[r#"{"t":"zz"}"#, r#"{"t":"aaa"}"#, r#"{"t":"z"}"#]);
    assert_eq!((passed.len(), &state["last_value"]), (3, &json!("aaa")));
    let (passed, _) =
        run(&incremental, Some(&state), &[r#"{"t":"zz"}"#, r#"{"t":"bbb"}"#, r#"{"t":"cccc"}"#]);
    assert_eq!(passed, [r#"{"t":"bbb"}"#, r#"{"t":"cccc"}"#], "as late as the last one, but another item");
}

#[test]
fn a_crowd_at_the_last_value_goes_to_a_table() {
    let incremental = Incremental::new("t").unwrap();
    // items that are looked at: first and last identifier, cursor
    let run = |state: Option<&Json>, stored: &[String], items: &[(usize, usize, u64)], name: &str| {
        let cursor = Cursor::new(&incremental, None, state, stored.to_vec()).unwrap();
        let (mut all, mut kept) = (cursor.boundary(), 0);
        let ids = items.iter().flat_map(|(first, last, t)| (*first..*last).map(move |id| (id, t)));
        for (id, t) in ids {
            let item = format!("{{\"id\":{id},\"t\":{t}}}");
            let mut page = Boundary::default();
            let verdict = cursor.look(&mut Scanner::new(item.as_bytes(), 0), &mut page).unwrap();
            kept += usize::from(verdict.keep);
            cursor.merge(&mut all, page).unwrap();
        }
        let (state, crowd) = cursor.new_state(state, &all, name).unwrap().unwrap();
        (kept, state, crowd)
    };
    let (_, state, crowd) = run(None, &[], &[(0, MANY_HASHES, 1)], "a");
    assert_eq!(crowd, Crowd::default());
    assert_eq!(state["unique_hashes"].as_array().unwrap().len(), MANY_HASHES);
    let (kept, state, crowd) = run(Some(&state), &[], &[(0, MANY_HASHES + 5, 1)], "a");
    assert_eq!((kept, crowd.boundary.as_str(), crowd.hashes.len()), (5, "a", MANY_HASHES + 5));
    assert_eq!((&state["unique_hashes"], stored_boundary(Some(&state))), (&json!([]), Some("a")));

    let stored = crowd.hashes;
    let (kept, same, crowd) = run(Some(&state), &stored, &[(0, MANY_HASHES + 7, 1)], "b");
    assert_eq!(
        (kept, crowd.boundary.as_str(), crowd.hashes.len(), crowd.count),
        (2, "a", 2, MANY_HASHES + 7)
    );
    assert_eq!(same[BOUNDARY], state[BOUNDARY]);
    let (kept, later, crowd) = run(Some(&state), &stored, &[(0, 3, 1), (7, 9, 2)], "b");
    assert_eq!((kept, crowd.obsolete.as_deref(), stored_boundary(Some(&later))), (2, Some("a"), None));
    assert_eq!(later["unique_hashes"].as_array().unwrap().len(), 2);

    let mut moved = state.clone();
    moved["last_value"] = json!(0);
    assert_eq!(stored_boundary(Some(&moved)), None);
}

#[test]
fn wrong_cursors_are_errors() {
    let look = |incremental: Incremental, item: &str| {
        let cursor = Cursor::new(&incremental, None, None, Vec::new()).unwrap();
        match cursor.look(&mut Scanner::new(item.as_bytes(), 0), &mut Boundary::default()) {
            Err(Look::Failed(error)) => error.kind(),
            other => panic!("{other:?}"),
        }
    };
    let plain = || Incremental::new("t").unwrap();
    assert_eq!(look(plain(), "{}"), ErrorKind::CursorMissing);
    assert_eq!(look(plain(), r#"{"t":null}"#), ErrorKind::CursorNull);
    assert_eq!(look(plain().initial_value(1), r#"{"t":"a"}"#), ErrorKind::CursorType);
}
