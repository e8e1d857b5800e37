//! Values as Go names and sorts them, where that shows in answers or decides an order.

use crate::object::Value;

/// What Go calls a JSON value's type.
pub(super) fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "%!s(<nil>)",
        Value::Bool(_) => "bool",
        Value::Number(n) if n.is_f64() => "float64",
        Value::Number(_) => "int64",
        Value::String(_) => "string",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    }
}

/// Sorts by text the way Kubernetes' sorters do, which call equal texts "less": up to twelve items, equal ones change places
/// (Go's `sort.Sort` is an insertion sort then), so of two ports with one number the second comes first.
pub(in crate::apply) fn go_sorted<T>(items: Vec<T>, text: impl Fn(&T) -> String) -> Vec<T> {
    let mut sorted: Vec<(String, T)> = items.into_iter().map(|item| (text(&item), item)).collect();
    sorted.reverse();
    sorted.sort_by(|a, b| a.0.cmp(&b.0));
    sorted.into_iter().map(|(_, item)| item).collect()
}

#[cfg(test)]
mod tests {
    use super::go_sorted;

    #[test]
    fn equal_texts_come_out_reversed() {
        assert_eq!(go_sorted(vec![(53, 'a'), (8, 'b'), (53, 'c')], |p| p.0.to_string()), [(53, 'c'), (53, 'a'), (8, 'b')]);
    }
}
