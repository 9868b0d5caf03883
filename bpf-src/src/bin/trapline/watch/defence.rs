//! Whether somebody has laid hands on the sensors or on us.
//!
//! Who kills us ends the sensors with us, for nothing of them is pinned: that is seen
//! by whoever started us, by how we ended and by a stream without a summary. Who stops
//! us makes us lose what finds no room, and that is told. All else is looked for here.

use std::time::{Duration, Instant};

use trapline_loader::Result;
use trapline_sensors::Sensors;
use trapline_sensors::change::{Change, Part};

use super::proc;

/// How late a change may be told. One look takes some hundred system calls.
const LOOK: Duration = Duration::from_secs(1);

/// What was seen so far.
#[derive(Debug)]
pub struct Defence {
    looked: Instant,
    /// 0: nobody.
    tracer: u32,
}

impl Defence {
    /// Notes how everything is now.
    ///
    /// # Errors
    /// What the kernel says when it is asked.
    pub fn new(sensors: &mut Sensors) -> Result<Self> {
        sensors.changes()?;
        Ok(Self {
            looked: Instant::now(),
            tracer: 0,
        })
    }

    /// What has changed, if it is time to look.
    ///
    /// # Errors
    /// What the kernel says when it is asked.
    pub fn look_if_due(&mut self, sensors: &mut Sensors) -> Result<Vec<Change>> {
        match self.looked.elapsed() >= LOOK {
            true => self.look(sensors),
            false => Ok(Vec::new()),
        }
    }

    /// What has changed.
    ///
    /// # Errors
    /// What the kernel says when it is asked.
    pub fn look(&mut self, sensors: &mut Sensors) -> Result<Vec<Change>> {
        self.looked = Instant::now();
        let mut changes = sensors.changes()?;
        changes.extend(self.tracer_is(proc::tracer()));
        Ok(changes)
    }

    /// Somebody new holds us, and can have us do anything.
    fn tracer_is(&mut self, pid: u32) -> Option<Change> {
        let before = std::mem::replace(&mut self.tracer, pid);
        let is_new = pid != 0 && pid != before;
        is_new.then(|| {
            let how = format!("is traced by process {pid}");
            Change::new(Part::Reader, std::process::id().to_string(), how)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::clock;
    use super::*;
    use trapline_sensors::{ecs, json};

    #[test]
    fn a_change_is_a_line_as_the_schemas_have_it() {
        let change = Change::new(Part::Map, "excluded", "left out process 7");
        for (line, schema) in [
            (json::change_line(&change), json::SCHEMA),
            (ecs::change_line(&change, clock::now()), ecs::SCHEMA),
        ] {
            let schema = serde_json::from_str(schema).unwrap();
            let schema = jsonschema::validator_for(&schema).unwrap();
            let line = serde_json::from_str(&line).unwrap();
            assert!(schema.is_valid(&line), "{line}");
        }
    }

    #[test]
    fn whoever_traces_us_is_told_once() {
        let mut defence = Defence {
            looked: Instant::now(),
            tracer: 0,
        };
        assert_eq!(defence.tracer_is(0), None);
        let told = defence.tracer_is(7).unwrap().told();
        let own = std::process::id();
        assert_eq!(told, format!("reader {own} is traced by process 7"));
        assert_eq!(defence.tracer_is(7), None);
        assert_eq!(defence.tracer_is(0), None);
        assert!(defence.tracer_is(7).is_some());
    }
}
