//! Server-side apply: a configuration laid over the live object, what its manager no longer names pruned, ownership moved.
//!
//! Follows apimachinery `pkg/util/managedfields/internal/` (`fieldmanager.go`, `structuredmerge.go`, `skipnonapplied.go`,
//! `versioncheck.go`, `conflict.go`) and structured-merge-diff `merge/update.go`.

use super::field_manager::{FieldManager, put_managed_fields, take_managed_fields, without_managed_fields};
use super::field_set::{FieldSet, equal, path_text};
use super::last_applied;
use super::managers::{Manager, Managers, Operation, list_of, managed_fields, unowned};
use super::owned::Owned;
use super::typed::{Typed, close_over_fields, empty_object, field_set, merge, remove_items, validate};
use crate::object::{Gvk, Value, text};
use std::borrow::Cow;
use std::fmt;

/// A field that another manager owns with another value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// The owner as Kubernetes shows it: `"kubectl-set" using apps/v1`.
    pub manager: String,
    /// `.spec.replicas`.
    pub path: String,
}

/// Why an apply was refused. `E` is what defaulting refuses with.
#[derive(Debug, PartialEq, Eq)]
pub enum ApplyError<E> {
    /// 400: the configuration is not one for this endpoint.
    BadRequest(String),
    /// 409 with reason `Conflict`, and a cause `FieldManagerConflict` for each.
    Conflicts(Vec<Conflict>),
    /// 500 without a reason: the configuration or the stored object is not of its type.
    Internal(String),
    /// The merged object could not be decoded.
    Default(E),
}

/// The message of a conflict: in one line if it is one, else by owner.
pub fn conflict_message(conflicts: &[Conflict]) -> String {
    if let [only] = conflicts {
        return format!("Apply failed with 1 conflict: conflict with {}: {}", only.manager, only.path);
    }
    let mut lines = Vec::new();
    for (i, conflict) in conflicts.iter().enumerate() {
        if i == 0 || conflicts[i - 1].manager != conflict.manager {
            lines.push(format!("conflicts with {}:", conflict.manager));
        }
        lines.push(format!("- {}", conflict.path));
    }
    format!("Apply failed with {} conflicts: {}", conflicts.len(), lines.join("\n"))
}

impl<E: fmt::Display> fmt::Display for ApplyError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadRequest(text) | Self::Internal(text) => f.write_str(text),
            Self::Conflicts(conflicts) => f.write_str(&conflict_message(conflicts)),
            Self::Default(e) => e.fmt(f),
        }
    }
}

impl<E: fmt::Debug + fmt::Display> std::error::Error for ApplyError<E> {}

/// One apply: what, by whom, and how.
#[derive(Clone, Copy, Debug)]
pub struct Application<'a> {
    /// The configuration as sent, decoded without types.
    pub config: &'a Value,
    /// `fieldManager`.
    pub manager: &'a str,
    /// Whether it takes fields from their owners.
    pub force: bool,
    /// The time of the write, RFC 3339 in whole seconds.
    pub time: &'a str,
}

/// A merge that met no conflict, or took what it wanted.
struct Settled<'a> {
    managers: Managers<'a>,
    /// None if it changes nothing.
    merged: Option<Value>,
}

/// What others own and the merge would change, by owner.
type Claims<'a> = Vec<(Manager<'a>, FieldSet<'a>)>;

/// How a merge ends that was not settled.
enum Unsettled<'a> {
    Claimed(Claims<'a>),
    Failed(String),
}

impl FieldManager<'_> {
    /// Gives the object that comes of an apply, with its managed fields; `live` is the stored object, none to create it.
    ///
    /// `default` decodes and defaults the merged object and gives it in the form in which it is encoded. It is not called if the
    /// apply changes nothing: then the live object comes back, with the managers of now.
    pub fn apply<E>(
        &self,
        live: Option<&Value>,
        application: Application<'_>,
        default: impl FnOnce(Value) -> Result<Value, E>,
    ) -> Result<Value, ApplyError<E>> {
        let Application { config, manager, time, .. } = application;
        let gvk = Gvk::of(config);
        if gvk != *self.gvk {
            return Err(ApplyError::BadRequest(format!("invalid object type: {}", gvk_text(&gvk))));
        }
        if managed_fields(config).is_some_and(Value::is_array) {
            return Err(ApplyError::BadRequest("metadata.managedFields must be nil".to_owned()));
        }
        let managers = Managers::decode_as(live.and_then(managed_fields), self.mark())
            .map_err(|e| ApplyError::Internal(format!("failed to decode managed fields: {e}")))?;
        let old = live.map_or_else(|| empty_object(self.typed(), self.gvk), without_managed_fields);
        let empty;
        let managers = if managers.is_empty() && live.is_some() {
            empty = empty_object(self.typed(), self.gvk);
            let before = self.identity("before-first-apply", Operation::Update);
            self.updated(managers, (&empty, &old, None), before, time).map_err(|e| ApplyError::Internal(unmanageable(&old, &e)))?
        } else {
            managers
        };
        let settled = self.settle(&old, application, managers).map_err(|unsettled| match unsettled {
            Unsettled::Claimed(claims) => ApplyError::Conflicts(conflicts(claims)),
            Unsettled::Failed(why) => ApplyError::Internal(why),
        })?;
        let entries = settled.managers.entries(self.mark());
        let mut object = match settled.merged {
            Some(merged) => default(merged).map_err(ApplyError::Default)?,
            None => old,
        };
        take_managed_fields(&mut object);
        let before = live.and_then(managed_fields).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        put_managed_fields(&mut object, list_of(entries, |index| before[index].clone()));
        if manager == last_applied::KUBECTL {
            last_applied::update(&mut object, config);
        }
        Ok(object)
    }

    /// Merges; what kubectl's client-side apply wrote before does not stand in the way of kubectl's server-side apply.
    fn settle<'v>(&self, old: &'v Value, application: Application<'v>, managers: Managers<'v>) -> Result<Settled<'v>, Unsettled<'v>>
    where
        Self: 'v,
    {
        if application.force || application.manager != last_applied::KUBECTL {
            return self.merge_in(old, application, managers);
        }
        let unsettled = match self.merge_in(old, application, managers.clone()) {
            Err(Unsettled::Claimed(claims)) => claims,
            other => return other,
        };
        let forgiven = last_applied::unchanged_since(self.typed(), self.gvk, old);
        let left = |claims: &FieldSet<'v>| forgiven.as_ref().map_or_else(|| claims.clone(), |f| claims.difference(&f.as_set()));
        let claims: Claims<'v> =
            unsettled.into_iter().map(|(m, fields)| (m, left(&fields))).filter(|(_, fields)| !fields.is_empty()).collect();
        if !claims.is_empty() {
            return Err(Unsettled::Claimed(claims));
        }
        self.merge_in(old, Application { force: true, ..application }, managers)
    }

    fn merge_in<'v>(&self, old: &'v Value, application: Application<'v>, mut managers: Managers<'v>) -> Result<Settled<'v>, Unsettled<'v>>
    where
        Self: 'v,
    {
        let Application { config, manager, force, time } = application;
        let typed = self.typed();
        validate(typed, config, false)
            .map_err(|e| Unsettled::Failed(format!("failed to create typed patch object ({}): {e}", described(config))))?;
        validate(typed, old, true)
            .map_err(|e| Unsettled::Failed(format!("failed to create typed live object ({}): {e}", described(old))))?;
        self.bring_up_to_date(&mut managers).map_err(Unsettled::Failed)?;
        let merged = merge(typed, old, config).map_err(|e| Unsettled::Failed(format!("failed to merge config: {e}")))?;
        let identity = self.identity(manager, Operation::Apply);
        let mut fields = field_set(typed, config);
        fields.subtract_recursive(&self.reset());
        let former = managers.remove(&identity);
        // What all was named again cannot fall out, unless it was named as empty.
        let named_again = former.as_ref().is_none_or(|f| f.fields.is_within(&fields)) && !has_empty_parts(config);
        managers.set(Manager {
            identity: identity.clone(),
            api_version: self.gvk.api_version().into(),
            fields: Owned::after(former.as_ref().map(|f| &f.fields), fields),
            time: former.as_ref().and_then(|f| f.time.clone()),
            kept: None,
        });
        let merged = match &former {
            Some(former) if !named_again || former.api_version != self.gvk.api_version() => self.pruned(merged, &managers, former),
            _ => merged,
        };
        let comparison = self.compared(old, &merged, None).map_err(Unsettled::Failed)?;
        let mut changed = comparison.modified.clone();
        changed.unite(&comparison.added);
        let elsewhere = self.elsewhere(&managers, old, &merged);
        let foreign = |m: &Manager<'_>| elsewhere.iter().any(|other| other.api_version == m.api_version);
        if !force {
            let others = managers.iter().filter(|m| m.identity != identity && !foreign(m) && m.fields.meets(&changed));
            let mut claims: Claims<'v> = others
                .map(|m| (m, m.fields.intersection(&changed)))
                .filter(|(_, fields)| !fields.is_empty())
                .map(|(m, fields)| (m.clone(), fields))
                .collect();
            for other in &elsewhere {
                let comparison = other.compared(self.schema).map_err(Unsettled::Failed)?;
                for m in managers.iter().filter(|m| m.identity != identity && m.api_version == other.api_version) {
                    let mut fields = m.fields.intersection(&comparison.modified);
                    fields.unite(&m.fields.intersection(&comparison.added));
                    if !fields.is_empty() {
                        claims.push((m.clone(), fields));
                    }
                }
            }
            if !claims.is_empty() {
                return Err(Unsettled::Claimed(claims));
            }
        }
        self.all_give_up(&mut managers, &comparison, &elsewhere, Some(&identity)).map_err(Unsettled::Failed)?;
        let same = equal(old, &merged);
        if let Some(own) = managers.iter_mut().find(|m| m.identity == identity) {
            own.fields.subtract(unowned());
            if !same {
                own.time = Some(Cow::Borrowed(time));
            }
            let former = former.filter(|f| *f.fields == *own.fields && f.time == own.time && f.api_version == own.api_version);
            own.kept = former.and_then(|f| f.kept);
        }
        managers.retain(|m| !m.fields.is_empty());
        Ok(Settled { managers, merged: (!same).then_some(merged) })
    }

    /// Prunes in the version in which the applier named its fields the last time, and looks in every other version at what its managers
    /// own there. What another version shows all the same (a default of the conversion) is taken back as it was, even if it is not
    /// what the merged object has (`merge/update.go`: `prune`, `addBackOwnedItems`, `addBackDanglingItems`).
    fn pruned(&self, merged: Value, managers: &Managers<'_>, former: &Manager<'_>) -> Value {
        let own = self.gvk.api_version();
        let within = |object: &Value, version: &str| self.converts.and_then(|convert| convert(object, version));
        let elsewhere = managers.iter().map(|m| &*m.api_version).find(|version| *version != former.api_version);
        let elsewhere = elsewhere.and_then(|version| match version == own {
            true => Some((version, merged.clone(), self.ty.clone())),
            false => within(&merged, version).map(|(object, ty)| (version, object, ty)),
        });
        let there = within(&merged, &former.api_version);
        let Some((version, object, its_type)) = elsewhere.filter(|_| self.converts.is_some()) else {
            return self.prune(merged, managers, &former.fields);
        };
        let (other, ty) = there.unwrap_or_else(|| (merged.clone(), self.ty.clone()));
        let typed = Typed { ty: &ty, ..self.typed() };
        let last = close_over_fields(typed, FieldSet::clone(&former.fields));
        let mut bare = other.clone();
        remove_items(typed, &mut bare, &last);
        let kept = keep_claimed(typed, &other, &bare, managers.iter().filter(|m| m.api_version == former.api_version));
        let Some((kept, _)) = within(&kept, version) else { return merged };
        let its = Typed { ty: &its_type, ..self.typed() };
        let kept = keep_claimed(its, &object, &kept, managers.iter().filter(|m| m.api_version == version));
        let Some((kept, _)) = within(&kept, &former.api_version) else { return merged };
        let all = close_over_fields(typed, field_set(typed, &other));
        let gone = all.difference(&close_over_fields(typed, field_set(typed, &kept))).intersection(&last);
        let mut out = other.clone();
        remove_items(typed, &mut out, &gone);
        if former.api_version == own { out } else { within(&out, &own).map_or(merged, |(out, _)| out) }
    }

    /// Removes what the applier named the last time and names no more, unless someone else owns it.
    ///
    /// Three steps, each from the merged object: without all that it named; without what nobody owns of that; with what fell out
    /// although the applier never named it.
    fn prune(&self, merged: Value, managers: &Managers<'_>, last: &FieldSet<'_>) -> Value {
        let typed = self.typed();
        let last = close_over_fields(typed, last.clone());
        let mut pruned = merged.clone();
        remove_items(typed, &mut pruned, &last);
        let all = close_over_fields(typed, field_set(typed, &merged));
        let mut unclaimed = all.difference(&close_over_fields(typed, field_set(typed, &pruned)));
        let mut owned = FieldSet::default();
        for manager in managers.iter() {
            owned.unite(&manager.fields);
        }
        unclaimed.subtract(&close_over_fields(typed, owned));
        let mut pruned = merged.clone();
        remove_items(typed, &mut pruned, &unclaimed);
        let gone = all.difference(&close_over_fields(typed, field_set(typed, &pruned))).intersection(&last);
        let mut out = merged.clone();
        remove_items(typed, &mut out, &gone);
        out
    }
}

/// An object without what is not in a pruned form of it and nobody of these managers owns.
fn keep_claimed<'m, 'a: 'm>(typed: Typed<'_>, merged: &Value, pruned: &Value, managers: impl Iterator<Item = &'m Manager<'a>>) -> Value {
    let mut unclaimed = close_over_fields(typed, field_set(typed, merged));
    unclaimed.subtract(&close_over_fields(typed, field_set(typed, pruned)));
    for manager in managers {
        unclaimed.subtract(&close_over_fields(typed, FieldSet::clone(&manager.fields)));
    }
    let mut kept = merged.clone();
    remove_items(typed, &mut kept, &unclaimed);
    kept
}

/// Whether null, an empty map or an empty list stands in it.
fn has_empty_parts(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(list) => list.is_empty() || list.iter().any(has_empty_parts),
        Value::Object(map) => map.is_empty() || map.values().any(has_empty_parts),
        _ => false,
    }
}

/// By owner in the order of their identities, then by path.
fn conflicts(mut claims: Claims<'_>) -> Vec<Conflict> {
    claims.sort_by_cached_key(|(manager, _)| manager.identity.text());
    let mut out = Vec::new();
    for (manager, fields) in &claims {
        fields.each_path(&mut |path| out.push(Conflict { manager: manager.shown(), path: path_text(path) }));
    }
    out
}

/// The text of the 500 with which an apply is refused whose merged object cannot be decoded, for what the decoder says.
pub fn undecodable(config: &Value, why: &str) -> String {
    let gvk = gvk_text(&Gvk::of(config));
    format!("failed to convert new object ({}) to proper version: unable to convert unstructured object to {gvk}: {why}", described(config))
}

/// The text of the 500 for an object without owners that is not of its type.
fn unmanageable(live: &Value, why: &str) -> String {
    format!("failed to create manager for existing fields: failed to convert new object ({}) to smd typed: {why}", described(live))
}

/// The same for an object that is of its kind, but not of the form that the server works with.
pub fn unconvertible(config: &Value, why: &str) -> String {
    format!("failed to convert to unversioned ({}): {why}", described(config))
}

/// `namespace/name; apps/v1, Kind=Deployment`, with what the object itself says.
fn described(object: &Value) -> String {
    let (namespace, name) = (text(object, &["metadata", "namespace"]), text(object, &["metadata", "name"]));
    format!("{namespace}/{name}; {}", gvk_text(&Gvk::of(object)))
}

/// As Go prints it: the core group is an empty text before the slash.
fn gvk_text(gvk: &Gvk) -> String {
    format!("{}/{}, Kind={}", gvk.group, gvk.version, gvk.kind)
}
