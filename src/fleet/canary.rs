//! A canary: a second workload beside an agent's own, with some keys set otherwise.

use super::file::{AgentFile, Amount};
use super::read::{At, FromToml, Reader, table};
use crate::object::Value;
use schemars::JsonSchema;
use toml::Spanned;
use toml::de::DeValue;

table! {
    /// A second workload with some keys set otherwise: another model, image, prompt, skills, rules or sandbox. It gets its share of
    /// what the agent's Service is sent.
    CanaryFile {
        /// Its share of the agent's pods: `"10%"`. One at least; the agent keeps the others.
        "weight" => weight: Amount,
        /// How many pods it has, beside those of the agent.
        "replicas" => replicas: i64,
        /// The keys of the agent that are otherwise.
        "set" => set: AgentKeys,
    }
}

/// Keys of an agent, not read yet: what they mean shows when they are laid over the agent's own.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AgentKeys;

impl JsonSchema for AgentKeys {
    fn inline_schema() -> bool {
        AgentFile::inline_schema()
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        AgentFile::schema_name()
    }

    fn schema_id() -> std::borrow::Cow<'static, str> {
        AgentFile::schema_id()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        AgentFile::json_schema(generator)
    }
}

impl FromToml for AgentKeys {
    const EXPECTED: &'static str = "a table of an agent's keys";

    fn read(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) -> Option<Self> {
        reader.entries(value, Self::EXPECTED).map(|_| Self)
    }
}

/// What a workload is called beside the agent's own.
pub(super) const SUFFIX: &str = "-canary";

/// How many pods the agent keeps, and how many its canary has.
pub(super) fn replicas(canary: &At<CanaryFile>, all: i64, reader: &mut Reader<'_>) -> (i64, i64) {
    let At { value, range } = canary;
    if value.set.is_none() && !reader.refused(range, "set") {
        let wrong = reader.wrong("fleet-missing", range.clone(), "the canary is no different from the agent");
        wrong.hints.push("write what is: `set = { image = { agent = \"…\" } }`".into());
    }
    match (&value.weight, &value.replicas) {
        (Some(weight), None) => weighted(weight, all, reader),
        (None, Some(own)) if own.value < 0 => {
            reader.wrong("fleet-value", own.range.clone(), "`replicas` cannot be negative");
            (all, 1)
        }
        (None, Some(own)) => (all, own.value),
        (None, None) => (all, 1),
        (Some(_), Some(_)) => {
            let wrong = reader.wrong("fleet-value", range.clone(), "a canary has a `weight` or `replicas`, not both");
            wrong.hints.push("a weight takes pods from the agent; replicas come beside its own".into());
            (all, 1)
        }
    }
}

fn weighted(weight: &At<Amount>, all: i64, reader: &mut Reader<'_>) -> (i64, i64) {
    let percent = match &weight.value.0 {
        Value::String(text) => text.strip_suffix('%').and_then(|n| n.trim().parse::<i64>().ok()),
        other => other.as_i64(),
    };
    let Some(percent) = percent.filter(|p| (1..100).contains(p)) else {
        reader.wrong("fleet-value", weight.range.clone(), "this is no share").label = "expected \"1%\" to \"99%\"".into();
        return (all, 1);
    };
    let canary = ((all * percent + 50) / 100).clamp(1, all.max(1));
    if canary >= all {
        let text = format!("{percent}% of {all} leaves the agent no pod");
        let wrong = reader.wrong("fleet-value", weight.range.clone(), text);
        wrong.hints.push("give the agent more replicas, or the canary pods of its own: `replicas = 1`".into());
        return (all, 1);
    }
    (all - canary, canary)
}

#[cfg(test)]
mod tests {
    use super::{CanaryFile, replicas};
    use crate::diagnostic::Source;
    use crate::fleet::file::Amount;
    use crate::fleet::read::{At, Reader};
    use crate::object::Value;
    use std::collections::BTreeMap;
    use std::sync::Arc;

    #[test]
    fn a_weight_is_whole_pods() {
        let (source, none) = (Arc::new(Source::new("f".into(), String::new())), BTreeMap::new());
        let mut reader = Reader::new(&source, &none);
        let mut of = |weight: Value, all: i64| {
            let weight = Some(At { value: Amount(weight), range: 0..0 });
            let set = Some(At::default());
            replicas(&At { value: CanaryFile { weight, set, ..CanaryFile::default() }, range: 0..0 }, all, &mut reader)
        };
        assert_eq!([of("10%".into(), 10), of(25.into(), 4), of("1%".into(), 3), of("50%".into(), 3)], [(9, 1), (3, 1), (2, 1), (1, 2)]);
        of("10%".into(), 1);
        of("100%".into(), 4);
        assert_eq!(reader.problems.len(), 2);
    }
}
