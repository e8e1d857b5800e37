//! What OpenAPI documents say in words: descriptions of types, fields, operations, parameters and answers, put where they belong.

use crate::object::{Map, Value, map_at, text};
use crate::schema::Version;
use crate::shadow::served;

/// The words of one version.
#[derive(Clone, Copy)]
pub(super) struct Words {
    texts: &'static Value,
    own: &'static Value,
}

impl Words {
    pub(super) fn of(version: Version) -> Self {
        let all = served::descriptions();
        Self { texts: &all["texts"], own: &all[version.to_string().as_str()] }
    }

    fn text(self, number: Option<&Value>) -> Option<Value> {
        let number = usize::try_from(number?.as_u64()?).ok()?;
        self.texts.get(number).cloned()
    }

    /// What is said of a field of a type, or of the type itself.
    pub(super) fn field(self, schema: &str, field: &str) -> Option<Value> {
        self.text(self.own["schemas"].get(schema)?.get(field))
    }

    /// A type with its words.
    pub(super) fn schema(self, name: &str, schema: &Value) -> Value {
        let mut out = schema.clone();
        if !out.is_object() {
            return out;
        }
        if let Some(fields) = out.get_mut("properties").and_then(Value::as_object_mut) {
            for (field, property) in fields.iter_mut().filter(|(_, p)| p.is_object()) {
                if let Some(words) = self.field(name, field) {
                    map_at(property, &[]).insert("description".into(), words);
                }
            }
        }
        if let Some(words) = self.field(name, "") {
            map_at(&mut out, &[]).insert("description".into(), words);
        }
        out
    }

    /// A path with the words of its operations.
    pub(super) fn path(self, path: &str, item: &Value) -> Value {
        let mut out = item.clone();
        for (method, operation) in out.as_object_mut().into_iter().flat_map(Map::iter_mut) {
            if method == "parameters" {
                self.parameters(path, operation);
            } else if operation.is_object() {
                self.operation(operation);
            }
        }
        out
    }

    fn operation(self, operation: &mut Value) {
        let id = text(operation, &["operationId"]).to_owned();
        if let Some(words) = self.text(self.own["operations"].get(id.as_str())) {
            map_at(operation, &[]).insert("description".into(), words);
        }
        if let Some(parameters) = operation.get_mut("parameters") {
            self.parameters(&id, parameters);
        }
        for (code, response) in operation.get_mut("responses").and_then(Value::as_object_mut).into_iter().flat_map(Map::iter_mut) {
            let words = match code.as_str() {
                "200" => "OK",
                "201" => "Created",
                "202" => "Accepted",
                "401" => "Unauthorized",
                _ => continue,
            };
            map_at(response, &[]).insert("description".into(), words.into());
        }
    }

    /// The parameters of a path or of an operation.
    fn parameters(self, owner: &str, list: &mut Value) {
        for parameter in list.as_array_mut().into_iter().flatten() {
            let key = format!("{} {}", text(parameter, &["in"]), text(parameter, &["name"]));
            let special = self.own["at"].get(owner).and_then(|own| own.get(key.as_str()));
            if let Some(words) = self.text(special.or_else(|| self.own["parameters"].get(key.as_str()))) {
                map_at(parameter, &[]).insert("description".into(), words);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Words;
    use crate::object::json;
    use crate::schema::Version;

    #[test]
    fn words_stand_where_the_server_says_them() {
        let words = Words::of(Version::V1_36);
        let list = words.schema("io.k8s.api.core.v1.ServiceList", &json!({"properties": {"items": {}}}));
        assert_eq!(list["properties"]["items"]["description"], "List of services");
        let operation = json!({"get": {"operationId": "listCoreV1NamespacedPod", "parameters": [{"in": "query", "name": "fieldSelector"}], "responses": {"200": {}}}});
        let path = words.path("/api/v1/namespaces/{namespace}/pods", &operation);
        assert_eq!(path["get"]["description"], "list or watch objects of kind Pod");
        assert_eq!(path["get"]["responses"]["200"]["description"], "OK");
        assert!(path["get"]["parameters"][0]["description"].as_str().unwrap().contains("list of returned objects"));
        let path = words.path("/api/v1/namespaces/{namespace}/pods/{name}", &json!({"parameters": [{"in": "path", "name": "name"}]}));
        assert_eq!(path["parameters"][0]["description"], "name of the Pod");
    }
}
