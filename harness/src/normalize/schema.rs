//! Every event as its line of JSON, held to the schema that the sensors publish.

use std::sync::OnceLock;

use jsonschema::Validator;
use serde_json::Value;
use trapline_sensors::{Item, json};

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
                lane: *lane,
                records: *records,
            },
            Entry::Broken(_) => return None,
        };
        Some((place, item))
    });
    let wrong = items.filter_map(|(place, item)| {
        let problem = line(&json::line(&item)).err()?;
        Some(format!("record {place}: {problem}"))
    });
    wrong.take(NAMED).collect()
}

/// Checks one line.
///
/// # Errors
/// What is not as the schema says, and where in the line.
pub fn line(line: &str) -> Result<(), String> {
    let value: Value = serde_json::from_str(line).map_err(|error| format!("{error}: {line}"))?;
    let errors: Vec<String> = validator()
        .iter_errors(&value)
        .map(|error| format!("{error} at `{}`", error.instance_path()))
        .collect();
    match errors.is_empty() {
        true => Ok(()),
        false => Err(format!(
            "the schema of events forbids it: {}: {line}",
            errors.join("; ")
        )),
    }
}

fn validator() -> &'static Validator {
    static VALIDATOR: OnceLock<Validator> = OnceLock::new();
    VALIDATOR.get_or_init(|| {
        let schema = serde_json::from_str(json::SCHEMA).expect("the schema is JSON");
        jsonschema::draft202012::new(&schema).expect("the schema is one")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

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
        let others = ["fork", "exec", "exit", "lost"].into_iter();
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
            lane: 0,
            records: 7,
        });
        assert_eq!(line(&good), Ok(()));
        let more = good.replace("\"cpu\"", "\"cup\":1,\"cpu\"");
        assert!(line(&more).unwrap_err().contains("'cup'"), "{more}");
        let less = good.replace(",\"records\":7", "");
        assert!(line(&less).unwrap_err().contains("records"), "{less}");
        assert!(line(&good.replace("lost", "lots")).is_err());
    }
}
