//! `trapline watch`: what happens on this machine, as it happens.

use std::io::IsTerminal;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use trapline_loader::{Error, Result};
use trapline_sensors::Sensors;
use trapline_sensors::sensors::{Flavour, Options};

mod cell;
mod clock;
mod defence;
mod exclude;
mod groups;
mod kinds;
mod losses;
mod mounts;
mod orders;
mod output;
pub mod policy;
mod privileges;
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
use privileges::Privileges;
use row::Look;
use settings::{Choice, Settings};
use stream::{Rules, Stream};
use told::{Format, Told};

/// Tells what happens on this machine: processes, files, mounts, sockets.
///
/// One row for each event on the standard output, and everything else on the standard
/// error. An event that is lost is a row as well. Ends with Ctrl-C or SIGTERM: what was
/// recorded until then is told, then a summary.
///
/// Needs root, or CAP_BPF and CAP_PERFMON, to put the sensors in place. After that it is
/// another user, with no capability but CAP_BPF where the kernel asks for that, and has
/// the few system calls left that telling takes: see --user and --keep-privileges.
///
/// Once a second it looks whether what it has in the kernel is as it left it: a link that
/// is gone, or a process, file system or switch that somebody else put into the maps that
/// say what is left out, is a row as well, and what is in maps is put right. Nothing is
/// pinned: killed, it takes the sensors with it and tells no summary.
///
/// Exits with 1 when something could not be written, and with 3 when somebody has tampered
/// with the sensors.
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
    #[command(flatten)]
    privileges: privileges::Wish,
}

/// Of a process that saw somebody tamper with its sensors.
const TAMPERED: u8 = 3;

/// Runs the subcommand, and returns its exit code.
///
/// # Errors
/// What keeps the sensors from being loaded or read; what keeps lines from being
/// written.
pub fn run(arguments: &Arguments) -> Result<ExitCode> {
    let privileges = Privileges::new(&arguments.privileges)?;
    let settings = Settings::read(&arguments.choice)?;
    let options = settings.at_start.options();
    // From before anything is attached: a signal that comes meanwhile is heeded.
    let orders = Orders::new()?;
    let sensors = attach(&options).map_err(privileges::explained)?;
    let rules = Rules::new(settings)?;
    let told = Told::new(std::io::stdout(), format(arguments));
    let stream = Stream::new(sensors, rules, orders, told)?;
    // Nothing is loaded or attached from here on.
    privileges.give_up(stream.sensors())?;
    if let Err(error) = Settings::read(&arguments.choice) {
        say(&format!(
            "warning: SIGHUP will not have the policy read again: {error:#}"
        ));
    }
    let mut stream = stream.with_stats(arguments.stats.map(Duration::from_secs));
    let ending = stream.run(|| Settings::read(&arguments.choice))?;
    say(&summary::summary(&stream, &ending));
    let is_whole = summary::unaccounted(&ending).is_none() && stream.told.malformed_records() == 0;
    if let State::Failed(error) = stream.told.output.state() {
        return Err(Error::io(Path::new("standard output"), error));
    }
    let is_stalled = matches!(stream.told.output.state(), State::Stalled);
    Ok(match stream.told.changes() {
        0 if is_whole && !is_stalled => ExitCode::SUCCESS,
        0 => ExitCode::FAILURE,
        _ => ExitCode::from(TAMPERED),
    })
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
