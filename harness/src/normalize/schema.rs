//! Every event as its lines of JSON, held to the schemas that the sensors publish.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::OnceLock;

use jsonschema::Validator;
use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use trapline_sensors::{Item, ecs, json};

use super::Entry;

/// How many lines are named that are not as the schema says; the first explains the others.
const NAMED: usize = 5;

/// Checks every event of a stream; each line names the event by its place.
pub fn all_events(entries: &[Entry]) -> Vec<String> {
    let items = entries.iter().enumerate().filter_map(|(place, entry)| {
        let item = match entry {
            Entry::Event(event) => Item::Event(event.clone()),
            Entry::Lost { records, cpu, lane } => Item::Lost {
                cpu: *cpu,
                lane: Some(*lane),
                records: *records,
            },
            Entry::Broken(_) => return None,
        };
        Some((place, item))
    });
    let wrong = items.filter_map(|(place, item)| {
        let problem = both_lines(&item).err()?;
        Some(format!("record {place}: {problem}"))
    });
    wrong.take(NAMED).collect()
}

fn both_lines(item: &Item) -> Result<(), String> {
    line(&json::line(item))?;
    ecs_line(&ecs::line(item, ecs::Clock::default()))
}

/// Checks one line of [`json::line`].
///
/// # Errors
/// What is not as the schema says, and where in the line.
pub fn line(line: &str) -> Result<(), String> {
    static EVENTS: OnceLock<Validator> = OnceLock::new();
    check(
        line,
        EVENTS.get_or_init(|| validator(json::SCHEMA)),
        "events",
    )
}

/// Checks one line of [`ecs::line`].
///
/// # Errors
/// What is not as the schema says, and where in the line.
pub fn ecs_line(line: &str) -> Result<(), String> {
    static ECS: OnceLock<Validator> = OnceLock::new();
    check(line, ECS.get_or_init(|| validator(ecs::SCHEMA)), "ECS")
}

/// Checks one line, whichever of the two it is.
///
/// # Errors
/// What is not as the schema says, and where in the line.
pub fn either(text: &str) -> Result<(), String> {
    match text.contains("\"ecs.version\"") {
        true => ecs_line(text),
        false => line(text),
    }
}

fn check(line: &str, validator: &Validator, name: &str) -> Result<(), String> {
    let wrong = |error: serde_json::Error| format!("{error}: {line}");
    let Unique = serde_json::from_str(line).map_err(wrong)?;
    let value: Value = serde_json::from_str(line).map_err(wrong)?;
    let errors = validator.iter_errors(&value);
    let errors: Vec<String> = errors
        .map(|error| format!("{error} at `{}`", error.instance_path()))
        .collect();
    match errors.is_empty() {
        true => Ok(()),
        false => Err(format!(
            "the schema of {name} forbids it: {}: {line}",
            errors.join("; ")
        )),
    }
}

/// JSON none of whose objects has two members of a name: a [`Value`] would keep the
/// last one, and say nothing.
struct Unique;

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Self)
    }
}

impl<'de> Visitor<'de> for Unique {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON whose members are unique")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self, A::Error> {
        let mut names = BTreeSet::new();
        while let Some((name, Self)) = members.next_entry::<String, Self>()? {
            if let Some(twice) = names.replace(name) {
                return Err(de::Error::custom(format!("member `{twice}` comes twice")));
            }
        }
        Ok(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self, A::Error> {
        while let Some(Self) = list.next_element()? {}
        Ok(self)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self, E> {
        Ok(self)
    }

    fn visit_unit<E>(self) -> Result<Self, E> {
        Ok(self)
    }
}

fn validator(schema: &str) -> Validator {
    let schema = serde_json::from_str(schema).expect("a schema is JSON");
    let options = jsonschema::draft202012::options();
    let options = options.should_validate_formats(true);
    options.build(&schema).expect("a schema is one")
}

#[cfg(test)]
mod tests {
    use super::*;

    use trapline_sensors::event::{FileHow, FileOperation, SocketOperation};

    fn schema() -> Value {
        serde_json::from_str(json::SCHEMA).unwrap()
    }

    fn names(list: &Value) -> BTreeSet<&str> {
        let list = list.as_array().unwrap().iter();
        list.map(|name| name.as_str().unwrap()).collect()
    }

    #[test]
    fn the_schema_has_every_kind_and_way() {
        let schema = schema();
        let files = FileOperation::ALL.iter().map(|kind| kind.name());
        let sockets = SocketOperation::ALL.iter().map(|kind| kind.name());
        let others = ["fork", "exec", "exit", "lost", "tampered"].into_iter();
        let kinds: BTreeSet<&str> = files.chain(sockets).chain(others).collect();
        assert_eq!(names(&schema["properties"]["kind"]["enum"]), kinds);
        let each = schema["allOf"].as_array().unwrap().iter();
        let each = each.flat_map(|rule| names(&rule["if"]["properties"]["kind"]["enum"]));
        assert_eq!(each.collect::<BTreeSet<_>>(), kinds);
        let ways: BTreeSet<&str> = FileHow::ALL.iter().map(|how| how.name()).collect();
        let how = &schema["$defs"]["file"]["properties"]["how"]["enum"];
        assert_eq!(names(how), ways);
    }

    #[test]
    fn the_schema_is_of_the_version_that_lines_have() {
        let version = &schema()["properties"]["schema"]["const"];
        assert_eq!(version.as_u64(), Some(u64::from(json::SCHEMA_VERSION)));
    }

    #[test]
    fn a_line_with_a_member_too_many_or_too_few_is_wrong() {
        let good = json::line(&Item::Lost {
            cpu: 1,
            lane: None,
            records: 7,
        });
        assert_eq!(line(&good), Ok(()));
        let more = good.replace("\"cpu\"", "\"cup\":1,\"cpu\"");
        assert!(line(&more).unwrap_err().contains("'cup'"), "{more}");
        assert!(good.contains("\"lane\":null"), "{good}");
        let less = good.replace(",\"records\":7", "");
        assert!(line(&less).unwrap_err().contains("records"), "{less}");
        assert!(line(&good.replace("lost", "lots")).is_err());
        let twice = good.replace("\"lane\"", "\"cpu\":2,\"lane\"");
        let error = line(&twice).unwrap_err();
        assert!(error.starts_with("member `cpu` comes twice"), "{error}");
        let ecs = r#"{"@timestamp":"1970-01-01T00:00:00.000000000Z","ecs.version":"8.17.0","event.action":"x","event.kind":"event","event.module":"trapline"}"#;
        assert_eq!(ecs_line(ecs), Ok(()));
        let odd = ecs.replace(
            "event.action\":\"x\"",
            "event.action\":\"x\",\"source.ip\":\"x\"",
        );
        assert!(ecs_line(&odd).is_err(), "{odd}");
    }
}
