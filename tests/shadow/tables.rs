//! The tables that a real server made of its objects: the shadow makes the same of them, column by column and cell by cell.

use super::http::{Connection, Server};
use crate::answers::difference;
use crate::replay::{of_each_version, read};
use rollcast::object::{Value, items, map_at, text};
use rollcast::schema::Version;
use rollcast::simulate::Cluster;
use rollcast::simulate::clock::Clock;
use std::sync::Arc;

const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io";

/// A server that holds all recorded objects, at a second.
fn server(recorded: &Value, now: &str) -> Server {
    let (version, _) = Version::nearest(text(recorded, &["kubernetes"])).unwrap();
    let mut cluster = Cluster::new(version, Clock::new(now.parse().unwrap()));
    let lists = || recorded["lists"].as_array().unwrap().iter().filter(|l| l["stored"] == true);
    let is_definitions = |list: &&Value| text(list, &["path"]).ends_with("/customresourcedefinitions");
    for list in lists().filter(is_definitions).chain(lists().filter(|l| !is_definitions(l))) {
        for row in items(list, &["table", "rows"]) {
            cluster.load(Arc::new(row["object"].clone()));
        }
    }
    Server::start(cluster)
}

/// The revision of a list is that of the server.
fn without_revision(mut table: Value) -> Value {
    map_at(&mut table, &["metadata"]).shift_remove("resourceVersion");
    table
}

/// Columns are described here as 1.36 does; other versions say the same in other words.
fn undescribed(file: &str, mut table: Value) -> Value {
    if file != "tables.json.gz" {
        let columns = table.get_mut("columnDefinitions").and_then(Value::as_array_mut);
        columns.into_iter().flatten().for_each(|column| drop(map_at(column, &[]).shift_remove("description")));
    }
    table
}

fn ask(connection: &mut Connection, path: &str, accept: &str) -> (u16, Value) {
    let answer = connection.send("GET", path, &[("Accept", accept)], b"");
    (answer.code, if answer.header("content-type").starts_with("text/plain") { Value::Null } else { answer.json() })
}

/// Each row of a table that differs, and its columns if they do.
fn differences(path: &str, expected: &Value, actual: &Value) -> (usize, Vec<String>) {
    let mut wrong = Vec::new();
    let (columns, rows) = (&expected["columnDefinitions"], items(expected, &["rows"]));
    if *columns != actual["columnDefinitions"] {
        wrong.push(format!("{path}: {}", difference(columns, &actual["columnDefinitions"], "columns".into())));
    }
    let actual = items(actual, &["rows"]);
    if rows.len() != actual.len() {
        wrong.push(format!("{path}: {} rows instead of {}", actual.len(), rows.len()));
    }
    for (row, actual) in rows.iter().zip(actual) {
        if row["cells"] != actual["cells"] || row.get("conditions") != actual.get("conditions") {
            wrong
                .push(format!("{path}: {} {}\n  instead of {} {}", actual["cells"], actual["conditions"], row["cells"], row["conditions"]));
        } else if row["object"] != actual["object"] && !row["object"].is_null() {
            wrong.push(format!("{path}: {}", difference(&row["object"], &actual["object"], "object".into())));
        }
    }
    (rows.len(), wrong)
}

#[test]
fn tables_have_the_columns_and_cells_of_the_real_server() {
    of_each_version("tables.json.gz").iter().for_each(|file| columns_and_cells(file));
}

fn columns_and_cells(file: &str) {
    let recorded = read(file);
    let (mut lists, mut rows, mut wrong, mut unserved) = (0, 0, Vec::new(), Vec::new());
    for list in recorded["lists"].as_array().unwrap() {
        let path = text(list, &["path"]);
        if file == "tables-1.37.json.gz" && path.ends_with("/customresourcedefinitions") {
            // 1.37 shows more of a definition than its name and age: not done yet.
            continue;
        }
        let server = server(&recorded, text(list, &["now"]));
        // Another version of what is stored is compared without the objects.
        let include = if list["stored"] == true { "Object" } else { "None" };
        let (code, answer) = ask(&mut server.connect(), &format!("{path}?includeObject={include}"), TABLE);
        if code == 404 {
            unserved.push(path);
            continue;
        }
        assert_eq!(code, 200, "{path}: {answer}");
        let mut expected = list["table"].clone();
        if include == "None" {
            for row in expected["rows"].as_array_mut().unwrap() {
                row["object"] = Value::Null;
            }
        }
        let (expected, answer) = (undescribed(file, expected), undescribed(file, answer));
        let (count, found) = differences(path, &expected, &answer);
        (lists, rows) = (lists + 1, rows + count);
        wrong.extend(found);
    }
    println!("{file}: {lists} lists with {rows} rows, {} differ; not served: {unserved:?}", wrong.len());
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong[..wrong.len().min(40)].join("\n"));
    assert!(rows > 400, "{rows} rows");
}

#[test]
fn the_forms_of_a_table_are_those_of_the_real_server() {
    of_each_version("tables.json.gz").iter().for_each(|file| forms(file));
}

fn forms(file: &str) {
    let recorded = read(file);
    let mut wrong = Vec::new();
    let shapes = recorded["shapes"].as_array().unwrap();
    for shape in shapes {
        let (path, accept) = (text(shape, &["path"]), text(shape, &["accept"]));
        let server = server(&recorded, text(shape, &["now"]));
        let (code, answer) = ask(&mut server.connect(), path, accept);
        let (expected, answer) = (without_revision(shape["answer"].clone()), without_revision(answer));
        let (expected, answer) = (undescribed(file, expected), undescribed(file, answer));
        if shape["code"] != u64::from(code) || expected != answer {
            wrong.push(format!("{path} {accept}: {code} {}", difference(&expected, &answer, String::new())));
        }
    }
    println!("{file}: {} of {} forms are the same", shapes.len() - wrong.len(), shapes.len());
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong[..wrong.len().min(20)].join("\n"));
}
