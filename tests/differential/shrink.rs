//! A sequence that shows a disagreement becomes the smallest one that we find which shows it too.

use rollcast::object::Value;

/// How many smaller sequences are tried.
const TRIES: usize = 160;

/// Drops steps and then parts of bodies as long as the rest still `shows` the disagreement.
pub fn shrink(mut steps: Vec<Value>, shows: &mut dyn FnMut(&[Value]) -> bool) -> Vec<Value> {
    let mut tries = 0;
    let mut attempt = |candidate: &[Value]| {
        tries += 1;
        tries <= TRIES && shows(candidate)
    };
    for at in (0..steps.len().saturating_sub(1)).rev() {
        let mut fewer = steps.clone();
        fewer.remove(at);
        if attempt(&fewer) {
            steps = fewer;
        }
    }
    for at in (0..steps.len()).rev() {
        let mut skipped = 0;
        while let Some(place) = places(&steps[at]["body"]).get(skipped).cloned() {
            let mut fewer = steps.clone();
            remove(&mut fewer[at]["body"], &place);
            if attempt(&fewer) {
                steps = fewer;
            } else {
                skipped += 1;
            }
        }
    }
    steps
}

/// Every part that could be left out, as JSON pointers, the large ones first.
fn places(body: &Value) -> Vec<String> {
    let mut level = vec![(String::new(), body)];
    let mut all = Vec::new();
    while !level.is_empty() {
        let mut next = Vec::new();
        for (path, value) in level {
            match value {
                Value::Object(map) => {
                    next.extend(map.iter().map(|(k, v)| (format!("{path}/{}", k.replace('~', "~0").replace('/', "~1")), v)));
                }
                Value::Array(items) => next.extend(items.iter().enumerate().map(|(i, v)| (format!("{path}/{i}"), v))),
                _ => {}
            }
        }
        all.extend(
            next.iter()
                .map(|(path, _)| path.clone())
                .filter(|p| !["/apiVersion", "/kind", "/metadata", "/metadata/name"].contains(&p.as_str())),
        );
        level = next;
    }
    all
}

fn remove(body: &mut Value, place: &str) {
    let (parent, last) = place.rsplit_once('/').unwrap();
    match body.pointer_mut(parent) {
        Some(Value::Object(map)) => {
            map.shift_remove(&last.replace("~1", "/").replace("~0", "~"));
        }
        Some(Value::Array(items)) => {
            items.remove(last.parse().unwrap());
        }
        _ => {}
    }
}
