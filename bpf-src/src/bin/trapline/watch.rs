//! `trapline watch`: what happens on this machine, as it happens.

use std::io::IsTerminal;
use std::path::Path;
use std::time::{Duration, Instant};

use trapline_loader::{Error, Result};
use trapline_sensors::Sensors;
use trapline_sensors::sensors::{Flavour, Options};

mod cell;
mod clock;
mod exclude;
mod groups;
mod kinds;
mod losses;
mod mounts;
mod orders;
mod output;
pub mod policy;
mod proc;
mod row;
mod select;
mod settings;
mod stats;
mod stream;
mod summary;
#[cfg(test)]
mod testing;
mod told;
mod tree;
mod what;

use orders::Orders;
use output::{State, say};
use row::Look;
use settings::{Choice, Settings};
use stream::{Rules, Stream};
use told::{Format, Told};

/// Tells what happens on this machine: processes, files, mounts, sockets.
///
/// One row for each event on the standard output, and everything else on the standard
/// error. An event that is lost is a row as well. Ends with Ctrl-C or SIGTERM: what was
/// recorded until then is told, then a summary. Needs root.
///
/// Exits with 1 when something could not be written.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// One JSON object per line, as the library's events.schema.json describes it.
    #[arg(long, conflicts_with = "ecs")]
    json: bool,
    /// The same with the names of the Elastic Common Schema.
    #[arg(long)]
    ecs: bool,
    /// Say on the standard error how it goes, this often, and at the end what it took.
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "10",
          value_parser = clap::value_parser!(u64).range(1..=86_400))]
    stats: Option<u64>,
    #[command(flatten)]
    choice: Choice,
}

/// Runs the subcommand; false where something could not be written.
///
/// # Errors
/// What keeps the sensors from being loaded or read; what keeps lines from being
/// written.
pub fn run(arguments: &Arguments) -> Result<bool> {
    let settings = Settings::read(&arguments.choice)?;
    let options = settings.at_start.options();
    // From before anything is attached: a signal that comes meanwhile is heeded.
    let orders = Orders::new()?;
    let sensors = attach(&options)?;
    let rules = Rules::new(settings)?;
    // Nothing is loaded or attached from here on.
    let told = Told::new(std::io::stdout(), format(arguments));
    let stream = Stream::new(sensors, rules, orders, told);
    let mut stream = stream.with_stats(arguments.stats.map(Duration::from_secs));
    let ending = stream.run(|| Settings::read(&arguments.choice))?;
    say(&summary::summary(&stream, &ending));
    let is_whole = summary::unaccounted(&ending).is_none() && stream.told.malformed_records() == 0;
    match stream.told.output.state() {
        State::Open | State::Gone => Ok(is_whole),
        State::Stalled => Ok(false),
        State::Failed(error) => Err(Error::io(Path::new("standard output"), error)),
    }
}

/// The sensors, in place.
fn attach(options: &Options) -> Result<Sensors> {
    let began = Instant::now();
    let sensors = Sensors::load(Flavour::default(), options)?;
    let programs = sensors.programs()?.len();
    let took = what::time(began.elapsed());
    say(&format!(
        "watching with {programs} programs, in place in {took}"
    ));
    Ok(sensors)
}

fn format(arguments: &Arguments) -> Format {
    if arguments.json {
        return Format::Json;
    }
    if arguments.ecs {
        return Format::Ecs;
    }
    let out = std::io::stdout();
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let is_dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
    let is_terminal = out.is_terminal();
    let columns = rustix::termios::tcgetwinsize(&out).ok();
    Format::Rows(Look {
        coloured: is_terminal && !is_dumb && !is_set("NO_COLOR"),
        columns: columns
            .map(|size| usize::from(size.ws_col))
            .filter(|columns| is_terminal && *columns > 0),
    })
}
