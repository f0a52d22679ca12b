//! How cursor values are compared: as Python compares what JSON can hold.

use std::cmp::Ordering;

use serde_json::Value as Json;

/// The order of two values, or `None` if they are of kinds that have no common order.
pub(crate) fn compare(a: &Json, b: &Json) -> Option<Ordering> {
    match (a, b) {
        // UTF-8 sorts like code points
        (Json::String(a), Json::String(b)) => Some(a.as_bytes().cmp(b.as_bytes())),
        (Json::Array(a), Json::Array(b)) => {
            for (a, b) in a.iter().zip(b) {
                match compare(a, b)? {
                    Ordering::Equal => {}
                    order => return Some(order),
                }
            }
            Some(a.len().cmp(&b.len()))
        }
        _ => compare_numbers(number(a)?, number(b)?),
    }
}

#[derive(Clone, Copy)]
enum Number {
    Whole(i128),
    Float(f64),
}

fn number(value: &Json) -> Option<Number> {
    match value {
        Json::Bool(value) => Some(Number::Whole((*value).into())),
        Json::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
            (Some(int), _, _) => Some(Number::Whole(int.into())),
            (_, Some(int), _) => Some(Number::Whole(int.into())),
            (_, _, float) => float.map(Number::Float),
        },
        _ => None,
    }
}

fn compare_numbers(a: Number, b: Number) -> Option<Ordering> {
    match (a, b) {
        (Number::Whole(a), Number::Whole(b)) => Some(a.cmp(&b)),
        (Number::Float(a), Number::Float(b)) => a.partial_cmp(&b),
        (Number::Whole(a), Number::Float(b)) => whole_and_float(a, b),
        (Number::Float(a), Number::Whole(b)) => whole_and_float(b, a).map(Ordering::reverse),
    }
}

/// Exact, also where the float has fewer digits than the whole number.
fn whole_and_float(whole: i128, float: f64) -> Option<Ordering> {
    if float.is_nan() {
        return None;
    }
    if float.abs() >= 1e30 {
        return Some(if float > 0.0 { Ordering::Less } else { Ordering::Greater });
    }
    let floor = float.floor();
    let order = whole.cmp(&(floor as i128));
    let has_fraction = float > floor;
    Some(if order == Ordering::Equal && has_fraction { Ordering::Less } else { order })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_of_all_kinds_have_one_order() {
        for (a, b, order) in [
            (json!(1), json!(1.0), Ordering::Equal),
            (json!(true), json!(1), Ordering::Equal),
            (json!(9_007_199_254_740_993_i64), json!(9_007_199_254_740_992.0), Ordering::Greater),
            (json!(-1), json!(-0.5), Ordering::Less),
            (json!(2), json!(2.5), Ordering::Less),
            (json!(u64::MAX), json!(1e300), Ordering::Less),
            (json!("b"), json!("ä"), Ordering::Less),
            (json!([1, "a"]), json!([1, "b"]), Ordering::Less),
        ] {
            assert_eq!(compare(&a, &b), Some(order), "{a} {b}");
            assert_eq!(compare(&b, &a), Some(order.reverse()));
        }
        for (a, b) in [(json!(1), json!("1")), (json!(null), json!(1)), (json!({}), json!({}))] {
            assert_eq!(compare(&a, &b), None);
        }
    }
}
