//! `rollcast images list`: every image reference, where it stands, whether it is pinned.

use super::args::{ClusterFrom, List};
use super::sources::Cluster;
use super::{output, sources};
use crate::cli::args::FleetFile;
use crate::cli::console::{Console, Failure};
use crate::cli::{CLEAN, inputs, manifests};
use crate::cluster::{self, Scope};
use crate::fleet::Fleet;
use crate::fleet::images::TagRules;
use crate::images::{self, CustomImages, Place};
use crate::object::{Gvk, ObjectId, Value, json};
use crate::schema::{Schema, Version};
use std::path::Path;
use std::sync::Arc;

pub(super) fn run(options: &List, console: &mut Console) -> Result<u8, Failure> {
    let fleet = sources::fleet(&options.fleet, console)?;
    let custom = CustomImages::new(fleet.as_ref().map_or(&[], |f| &f.image_settings.paths));
    let rules = fleet.as_ref().map(|f| f.image_settings.tags.clone()).unwrap_or_default();
    let objects = objects(options, fleet.as_ref(), console)?;
    let found: Vec<Value> = objects
        .iter()
        .flat_map(|object| {
            let id = ObjectId::of(object);
            images::places(object, &custom).into_iter().map(move |place| (id.clone(), place))
        })
        .map(|(id, place)| entry(&id, &place, &rules))
        .collect();
    if output::print(&options.output, || json!({ "items": found }), console)? {
        return Ok(CLEAN);
    }
    let mut rows = vec![["OBJECT", "PATH", "IMAGE", "PINNED"].map(str::to_owned).to_vec()];
    let cell = |entry: &Value, key: &str| entry[key].as_str().unwrap_or_default().to_owned();
    for entry in &found {
        let pinned = if entry["pinned"] == true { "yes".to_owned() } else { format!("no: {}", cell(entry, "why")) };
        rows.push(vec![cell(entry, "object"), cell(entry, "path"), cell(entry, "image"), pinned]);
    }
    console.print(&output::table(&rows))?;
    let loose = found.iter().filter(|e| e["pinned"] != true).count();
    console.remark(&format!("{} image references, {loose} not pinned", found.len()));
    Ok(CLEAN)
}

fn objects(options: &List, fleet: Option<&Fleet>, console: &mut Console) -> Result<Vec<Arc<Value>>, Failure> {
    if !options.files.is_empty() {
        return Ok(manifests::read(&options.files)?.into_iter().map(Arc::new).collect());
    }
    if options.context.is_some() || options.from.is_some() {
        let from = ClusterFrom { context: options.context.clone(), from: options.from.clone() };
        let state = match sources::cluster(&from, fleet, Path::new(""))? {
            Cluster::Snapshot(state) => *state,
            Cluster::Live(connection) => {
                let scope = Scope { kinds: kinds(fleet), ..Scope::default() };
                cluster::read_live(&connection, &scope)?
            }
        };
        for refused in &state.unreadable {
            console.remark(&format!("not read: {refused}"));
        }
        return Ok(state.objects);
    }
    let file = sources::fleet_file(&options.fleet).unwrap_or_else(|| "fleet.toml".into());
    let options = FleetFile { fleet: file, environment: None, locked: false };
    let pinned = inputs::fleet(&options, console)?;
    Ok(inputs::rendered(&pinned, &options)?.into_iter().map(|m| Arc::new(m.value)).collect())
}

/// What is to be read beside the kinds that every reading has: those that have pods, and those whose images the fleet names.
fn kinds(fleet: Option<&Fleet>) -> std::collections::BTreeSet<Gvk> {
    let own = fleet.map_or(&[][..], |f| &f.image_settings.paths);
    let custom =
        own.iter().filter_map(|p| Some(Gvk { group: p.group.as_ref()?.as_str().into(), version: "".into(), kind: p.kind.as_str().into() }));
    let built_in = Schema::of(Version::default()).resources().iter().map(|r| Gvk::new(&format!("{}/{}", r.group, r.version), &r.kind));
    let built_in = built_in.map(|gvk| Gvk { group: gvk.group.trim_start_matches('/').into(), ..gvk });
    custom.chain(built_in.filter(|gvk| images::pod_spec_path(gvk).is_some())).collect()
}

fn entry(id: &ObjectId, place: &Place<'_>, rules: &TagRules) -> Value {
    let mut entry = json!({
        "object": id.to_string(), "group": id.group, "kind": id.kind, "namespace": id.namespace, "name": id.name,
        "path": place.path, "list": place.list, "container": place.container, "image": place.image,
    });
    let more = match images::parse(place.image) {
        Ok(reference) => {
            let why = images::mutable_by(&reference, rules).map(|why| why.to_string());
            json!({
                "registry": reference.host(), "repository": reference.path(), "tag": reference.tag, "digest": reference.digest,
                "pinned": why.is_none(), "why": why,
            })
        }
        Err(why) => json!({ "pinned": false, "why": format!("no image reference: {why}") }),
    };
    if let (Value::Object(entry), Value::Object(more)) = (&mut entry, more) {
        entry.extend(more.iter().map(|(k, v)| (k.clone(), v.clone())));
    }
    entry
}
