//! Sets of fields: which paths of an object a manager owns. A sorted trie, in the order in which Kubernetes writes it.
//!
//! Follows structured-merge-diff `fieldpath/` (`element.go`, `set.go`). Paths borrow their names from the objects, the managed
//! fields or the schema that they came from.

use super::go_format;
use crate::object::{Number, Value};
use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

/// A value that selects a list item.
#[derive(Clone, Debug)]
pub enum Literal<'a> {
    /// A number; integers and floating point numbers compare as numbers.
    Number(Number),
    /// A string.
    Text(Cow<'a, str>),
    /// A boolean.
    Bool(bool),
    /// A list, a map or null: no good schema leads here.
    Other(Arc<Value>),
}

impl<'a> Literal<'a> {
    /// The value as a literal.
    pub fn of(value: &'a Value) -> Self {
        match value {
            Value::Number(n) => Self::Number(n.clone()),
            Value::String(s) => Self::Text(Cow::Borrowed(s)),
            Value::Bool(b) => Self::Bool(*b),
            other => Self::Other(Arc::new(other.clone())),
        }
    }

    /// Numbers, strings, booleans, then the rest.
    pub fn compare(&self, other: &Literal<'_>) -> Ordering {
        match (self, other) {
            (Self::Number(a), Literal::Number(b)) => compare_numbers(a, b),
            (Self::Text(a), Literal::Text(b)) => a.as_ref().cmp(b.as_ref()),
            (Self::Bool(a), Literal::Bool(b)) => a.cmp(b),
            (Self::Other(a), Literal::Other(b)) => go_format::source(a).cmp(&go_format::source(b)),
            (a, b) => a.rank().cmp(&b.rank()),
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Number(_) => 0,
            Self::Text(_) => 1,
            Self::Bool(_) => 2,
            Self::Other(_) => 3,
        }
    }
}

fn compare_numbers(a: &Number, b: &Number) -> Ordering {
    match (a.as_i64(), b.as_i64()) {
        (Some(a), Some(b)) => a.cmp(&b),
        _ => a.as_f64().partial_cmp(&b.as_f64()).unwrap_or(Ordering::Equal),
    }
}

/// Whether two values are equal as the field manager sees them: 1 and 1.0 are.
pub fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => compare_numbers(a, b) == Ordering::Equal,
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b)),
        (Value::Object(a), Value::Object(b)) => a.len() == b.len() && a.iter().all(|(key, v)| b.get(key).is_some_and(|w| equal(v, w))),
        (a, b) => a == b,
    }
}

impl fmt::Display for Literal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(n) => f.write_str(&go_format::number(n)),
            Self::Text(s) => f.write_str(&go_format::quoted(s)),
            Self::Bool(b) => write!(f, "{b}"),
            Self::Other(v) => match &**v {
                Value::Null => f.write_str("null"),
                other => f.write_str(&go_format::plain(other)),
            },
        }
    }
}

/// The fields that select an item of a keyed list, sorted by name.
pub type Key<'a> = Arc<[(Cow<'a, str>, Literal<'a>)]>;

/// One step of a path.
#[derive(Clone, Debug)]
pub enum PathElement<'a> {
    /// A field of a struct or an entry of a map.
    Field(&'a str),
    /// The list item with these key fields.
    Key(Key<'a>),
    /// The item of a set.
    Value(Literal<'a>),
    /// The item at an index.
    Index(usize),
}

impl PathElement<'_> {
    /// Fields by name, then keys, values and indices.
    pub fn compare(&self, other: &PathElement<'_>) -> Ordering {
        match (self, other) {
            (Self::Field(a), PathElement::Field(b)) => (*a).cmp(*b),
            (Self::Key(a), PathElement::Key(b)) => compare_keys(a, b),
            (Self::Value(a), PathElement::Value(b)) => a.compare(b),
            (Self::Index(a), PathElement::Index(b)) => a.cmp(b),
            (a, b) => a.rank().cmp(&b.rank()),
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Field(_) => 0,
            Self::Key(_) => 1,
            Self::Value(_) => 2,
            Self::Index(_) => 3,
        }
    }
}

fn compare_keys(a: &[(Cow<'_, str>, Literal<'_>)], b: &[(Cow<'_, str>, Literal<'_>)]) -> Ordering {
    for ((an, av), (bn, bv)) in a.iter().zip(b) {
        let order = an.as_ref().cmp(bn.as_ref()).then_with(|| av.compare(bv));
        if order != Ordering::Equal {
            return order;
        }
    }
    a.len().cmp(&b.len())
}

impl PartialEq for PathElement<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.compare(other) == Ordering::Equal
    }
}

impl Eq for PathElement<'_> {}

impl PartialOrd for PathElement<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for PathElement<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.compare(other)
    }
}

/// `.name`, `[name="c"]`, `[="v"]`, `[0]`.
impl fmt::Display for PathElement<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(name) => write!(f, ".{name}"),
            Self::Key(fields) => {
                for (i, (name, value)) in fields.iter().enumerate() {
                    write!(f, "{}{name}={value}", if i == 0 { '[' } else { ',' })?;
                }
                f.write_str("]")
            }
            Self::Value(value) => write!(f, "[={value}]"),
            Self::Index(index) => write!(f, "[{index}]"),
        }
    }
}

/// One element of a set: whether its own path is a member, and which paths below it are.
#[derive(Clone, Debug, PartialEq)]
pub struct Node<'a> {
    /// The step from the parent.
    pub element: PathElement<'a>,
    /// Whether the path itself is in the set.
    pub member: bool,
    /// What is in the set below it.
    pub children: FieldSet<'a>,
}

impl Node<'_> {
    fn is_empty(&self) -> bool {
        !self.member && self.children.is_empty()
    }
}

/// A set of paths. The empty path is in no set.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FieldSet<'a> {
    nodes: Vec<Node<'a>>,
}

impl<'a> FieldSet<'a> {
    /// The empty set.
    pub const EMPTY: Self = Self { nodes: Vec::new() };

    /// From nodes in any order; of those with equal elements the parts are joined, empty ones dropped.
    pub fn from_nodes(mut nodes: Vec<Node<'a>>) -> Self {
        nodes.retain(|n| !n.is_empty());
        if !nodes.is_sorted_by(|a, b| a.element.compare(&b.element) == Ordering::Less) {
            nodes.sort_by(|a, b| a.element.compare(&b.element));
            nodes.dedup_by(|later, first| {
                let same = later.element == first.element;
                if same {
                    first.member |= later.member;
                    first.children.unite(&later.children);
                }
                same
            });
        }
        Self { nodes }
    }

    /// From nodes that are in order, each with something in it.
    pub(super) fn of_sorted(nodes: Vec<Node<'a>>) -> Self {
        debug_assert!(nodes.is_sorted_by(|a, b| a.element < b.element) && !nodes.iter().any(Node::is_empty));
        Self { nodes }
    }

    /// The set of some paths.
    pub fn of_paths(paths: &[&[PathElement<'a>]]) -> Self {
        let mut set = Self::default();
        for path in paths {
            set.insert(path);
        }
        set
    }

    /// The set of some paths of field names.
    pub fn of_fields(paths: &[&[&'a str]]) -> Self {
        let mut set = Self::default();
        for path in paths {
            set.insert(&path.iter().copied().map(PathElement::Field).collect::<Vec<_>>());
        }
        set
    }

    /// Its nodes, sorted.
    pub fn nodes(&self) -> &[Node<'a>] {
        &self.nodes
    }

    /// Whether no path is in it.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    fn find(&self, element: &PathElement<'_>) -> Result<usize, usize> {
        self.nodes.binary_search_by(|n| n.element.compare(element))
    }

    /// The node of an element.
    pub fn get(&self, element: &PathElement<'_>) -> Option<&Node<'a>> {
        self.find(element).ok().map(|i| &self.nodes[i])
    }

    /// Puts a path in; its parents do not come in with it.
    pub fn insert(&mut self, path: &[PathElement<'a>]) {
        let Some((first, rest)) = path.split_first() else { return };
        let i = self.find(first).unwrap_or_else(|i| {
            self.nodes.insert(i, Node { element: first.clone(), member: false, children: Self::default() });
            i
        });
        if rest.is_empty() {
            self.nodes[i].member = true;
        } else {
            self.nodes[i].children.insert(rest);
        }
    }

    /// Whether a path is in it.
    pub fn has(&self, path: &[PathElement<'_>]) -> bool {
        match path {
            [] => false,
            [last] => self.get(last).is_some_and(|n| n.member),
            [first, rest @ ..] => self.get(first).is_some_and(|n| n.children.has(rest)),
        }
    }

    /// Whether a path of field names is in it.
    pub fn has_fields(&self, path: &[&str]) -> bool {
        match path {
            [] => false,
            [last] => self.get(&PathElement::Field(last)).is_some_and(|n| n.member),
            [first, rest @ ..] => self.get(&PathElement::Field(first)).is_some_and(|n| n.children.has_fields(rest)),
        }
    }

    /// Adds what is in the other.
    pub fn unite(&mut self, other: &FieldSet<'a>) {
        if self.nodes.is_empty() {
            self.nodes.clone_from(&other.nodes);
            return;
        }
        let mut at = 0;
        for theirs in &other.nodes {
            while at < self.nodes.len() && self.nodes[at].element.compare(&theirs.element) == Ordering::Less {
                at += 1;
            }
            match self.nodes.get_mut(at) {
                Some(own) if own.element == theirs.element => {
                    own.member |= theirs.member;
                    own.children.unite(&theirs.children);
                }
                _ => self.nodes.insert(at, theirs.clone()),
            }
            at += 1;
        }
    }

    /// What is in either.
    #[must_use]
    pub fn union(&self, other: &FieldSet<'a>) -> Self {
        let mut out = self.clone();
        out.unite(other);
        out
    }

    /// What is in both.
    #[must_use]
    pub fn intersection(&self, other: &FieldSet<'_>) -> Self {
        let (mut nodes, mut at) = (Vec::new(), 0);
        for own in &self.nodes {
            while at < other.nodes.len() && other.nodes[at].element.compare(&own.element) == Ordering::Less {
                at += 1;
            }
            let Some(theirs) = other.nodes.get(at).filter(|n| n.element.compare(&own.element) == Ordering::Equal) else { continue };
            let both = Node {
                element: own.element.clone(),
                member: own.member && theirs.member,
                children: own.children.intersection(&theirs.children),
            };
            if !both.is_empty() {
                nodes.push(both);
            }
        }
        Self { nodes }
    }

    /// Whether some path is in both.
    pub fn meets(&self, other: &FieldSet<'_>) -> bool {
        let mut at = 0;
        self.nodes.iter().any(|own| {
            while at < other.nodes.len() && other.nodes[at].element.compare(&own.element) == Ordering::Less {
                at += 1;
            }
            let theirs = other.nodes.get(at).filter(|n| n.element.compare(&own.element) == Ordering::Equal);
            theirs.is_some_and(|theirs| own.member && theirs.member || own.children.meets(&theirs.children))
        })
    }

    /// Takes out the very paths that are in the other; what lies below them stays. Tells whether there were any.
    pub fn subtract(&mut self, other: &FieldSet<'_>) -> bool {
        self.take(other, false)
    }

    /// Takes out the paths that are in the other and all that lies below them. Tells whether there were any.
    pub fn subtract_recursive(&mut self, other: &FieldSet<'_>) -> bool {
        self.take(other, true)
    }

    fn take(&mut self, other: &FieldSet<'_>, below: bool) -> bool {
        if other.is_empty() {
            return false;
        }
        let (mut at, mut changed) = (0, false);
        self.nodes.retain_mut(|own| {
            while at < other.nodes.len() && other.nodes[at].element.compare(&own.element) == Ordering::Less {
                at += 1;
            }
            let Some(theirs) = other.nodes.get(at).filter(|n| n.element.compare(&own.element) == Ordering::Equal) else { return true };
            if theirs.member {
                changed |= own.member || (below && !own.children.is_empty());
                own.member = false;
                if below {
                    own.children.nodes.clear();
                }
            }
            changed |= own.children.take(&theirs.children, below);
            !own.is_empty()
        });
        changed
    }

    /// Whether all that is in this set is in the other.
    pub fn is_within(&self, other: &FieldSet<'_>) -> bool {
        let mut rest = other.nodes.iter();
        self.nodes.iter().all(|own| {
            rest.find(|n| n.element.compare(&own.element) != Ordering::Less)
                .filter(|n| n.element.compare(&own.element) == Ordering::Equal)
                .is_some_and(|n| (n.member || !own.member) && own.children.is_within(&n.children))
        })
    }

    /// What is in this set and not in the other.
    #[must_use]
    pub fn difference(&self, other: &FieldSet<'_>) -> Self {
        let mut out = self.clone();
        out.subtract(other);
        out
    }

    /// The paths below which no other is in the set.
    #[must_use]
    pub fn leaves(&self) -> Self {
        let leaf =
            |n: &Node<'a>| Node { element: n.element.clone(), member: n.member && n.children.is_empty(), children: n.children.leaves() };
        Self { nodes: self.nodes.iter().map(leaf).collect() }
    }

    /// Calls `f` for every path, in Kubernetes' order: first the members of a level, then what lies below each.
    pub fn each_path<'s>(&'s self, f: &mut impl FnMut(&[&'s PathElement<'a>])) {
        self.each_below(&mut Vec::new(), f);
    }

    fn each_below<'s>(&'s self, path: &mut Vec<&'s PathElement<'a>>, f: &mut impl FnMut(&[&'s PathElement<'a>])) {
        for node in self.nodes.iter().filter(|n| n.member) {
            path.push(&node.element);
            f(path);
            path.pop();
        }
        for node in &self.nodes {
            path.push(&node.element);
            node.children.each_below(path, f);
            path.pop();
        }
    }

    /// Lets a walk change the nodes in place; those left empty go.
    pub(super) fn retain_nodes(&mut self, mut f: impl FnMut(&mut Node<'a>)) {
        self.nodes.retain_mut(|n| {
            f(n);
            !n.is_empty()
        });
    }
}

/// The paths, one a line.
impl fmt::Display for FieldSet<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines = Vec::new();
        self.each_path(&mut |path| lines.push(path_text(path)));
        f.write_str(&lines.join("\n"))
    }
}

/// A path as Kubernetes shows it: `.spec.containers[name="c"].image`.
pub fn path_text(path: &[&PathElement<'_>]) -> String {
    path.iter().map(ToString::to_string).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set<'a>(paths: &[&[&'a str]]) -> FieldSet<'a> {
        FieldSet::of_fields(paths)
    }

    #[test]
    fn difference_takes_the_very_paths_and_recursive_difference_all_below() {
        let s = set(&[&["a"], &["a", "b", "c"], &["d"]]);
        assert_eq!(s.difference(&set(&[&["a", "b"], &["d"]])), set(&[&["a"], &["a", "b", "c"]]));
        let mut r = s.clone();
        r.subtract_recursive(&set(&[&["a", "b"]]));
        assert_eq!(r, set(&[&["a"], &["d"]]));
    }

    #[test]
    fn union_and_intersection() {
        let (a, b) = (set(&[&["a"], &["b", "c"]]), set(&[&["b"], &["b", "c"], &["z"]]));
        assert_eq!(a.union(&b), set(&[&["a"], &["b"], &["b", "c"], &["z"]]));
        assert_eq!(a.intersection(&b), set(&[&["b", "c"]]));
        assert_eq!(a.union(&b).leaves().to_string(), ".a\n.z\n.b.c");
    }

    #[test]
    fn paths_show_as_kubernetes_shows_them() {
        let key: Key = Arc::from([
            (Cow::Borrowed("containerPort"), Literal::Number(53.into())),
            (Cow::Borrowed("protocol"), Literal::Text("TCP".into())),
        ]);
        let path = [PathElement::Field("ports"), PathElement::Key(key), PathElement::Field("name")];
        assert_eq!(path_text(&path.iter().collect::<Vec<_>>()), r#".ports[containerPort=53,protocol="TCP"].name"#);
    }
}
