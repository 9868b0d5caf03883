//! `trapline isolate`: the host off the network, but for an allow list.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use trapline_loader::{Error, Result};
use trapline_sensors::isolate::{
    self, Isolation, Place, Policy, Rule, Tended, duration, release, resolvers,
};

use crate::files;
use crate::watch::policy;

mod report;
mod way_back;

/// How long it may take until a signal, or that it was released, is noticed.
const WAIT: Duration = Duration::from_millis(500);

/// Cuts this host off the network, but for an allow list.
///
/// Drops every packet, of flows that are established as well, on every interface
/// but the loopback one, and at the sockets of all control groups, unless a rule
/// allows it. Interfaces that come later are covered while the program runs;
/// isolation itself stays when the program ends, until `trapline isolate
/// --release`, or until its time (--for) is over, whichever is first; it does not
/// outlast a reboot. Run again, it puts the new rules in the place of the old ones
/// without a gap.
///
/// Besides the rules pass: ARP, IPv6 neighbour discovery, DHCP on the link, and
/// what keeps the link itself up. Needs root.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Arguments {
    #[command(subcommand)]
    asked: Option<Asked>,
    /// Who may talk to this host. Without a port: by TCP, UDP and ICMP. With one,
    /// such as 10.0.0.5:22/tcp or [2001:db8::/32]:443/tcp: to this port, on
    /// whichever side the service is, and back. May be given again.
    #[arg(long, value_name = "CIDR[:PORT/PROTO]")]
    allow: Vec<Rule>,
    /// Allow DNS to the resolvers that /etc/resolv.conf names now, and to no other.
    #[arg(long)]
    dns: bool,
    /// A policy file whose [isolate] says who else may talk to this host, as of now.
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Let everything pass again after this time, such as 90s, 15m, 1h30m or 2d,
    /// also when the program was killed.
    #[arg(long = "for", value_name = "DURATION", value_parser = duration)]
    duration: Option<Duration>,
    /// End with this program, however it ends.
    #[arg(long)]
    while_running: bool,
    /// Start also where there is no way back: no rule and no duration.
    #[arg(long)]
    force: bool,
    /// End what is in force.
    #[arg(long, conflicts_with_all = ["allow", "dns", "policy", "duration", "while_running", "force"])]
    release: bool,
}

#[derive(Debug, clap::Subcommand)]
enum Asked {
    /// Says what is in force: rules, interfaces, what passed and what did not.
    ///
    /// Exits with 1 when nothing is in force, or some interface is not covered.
    Status {
        /// A JSON object instead of tables.
        #[arg(long)]
        json: bool,
    },
}

/// Runs the subcommand; false where what was asked about is not so.
///
/// # Errors
/// What keeps the host from being isolated, released or looked at.
pub fn run(arguments: &Arguments) -> Result<bool> {
    let place = Place::default();
    if let Some(Asked::Status { json }) = arguments.asked {
        let status = isolate::status(&place)?;
        files::print(&match json {
            true => report::line(status.as_ref()),
            false => report::text(status.as_ref()),
        })?;
        return Ok(status.is_some_and(|status| status.is_whole()));
    }
    if arguments.release {
        let released = release(&place)?;
        say(match released.in_force {
            0 => "nothing was in force",
            _ => "released",
        });
        return Ok(true);
    }
    start(arguments, place)
}

fn start(arguments: &Arguments, place: Place) -> Result<bool> {
    let mut rules = arguments.allow.clone();
    let mut dns = arguments.dns;
    if let Some(path) = &arguments.policy {
        let policy = policy::Policy::read(path)?;
        rules.extend(policy.allow);
        dns |= policy.dns;
    }
    if !arguments.force {
        way_back::check(
            &rules,
            arguments.duration,
            std::env::var("SSH_CONNECTION").ok(),
        )?;
    }
    if dns {
        rules.extend(resolvers(Path::new("/"))?);
    }
    let policy = Policy {
        rules,
        duration: arguments.duration,
        while_running: arguments.while_running,
        place,
    };
    // From before anything is attached: what is bound to us has to end with us.
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])
        .map_err(|error| Error::io(Path::new("signals"), &error))?;
    let mut isolation = Isolation::start(&policy)?;
    say(&report::started(&policy, &isolation));
    if let Some(error) = isolation.no_sockets() {
        say(&format!("warning: sockets are not covered: {error:#}"));
    }
    let mut told = String::new();
    loop {
        for error in isolation.failures() {
            say(&format!("error: {error:#}"));
        }
        if signals.pending().any(|signal| ends(signal, &policy)) {
            return end(&policy, &mut isolation);
        }
        match isolation.tend(WAIT) {
            Ok(Tended::InForce) => {}
            Ok(Tended::Released) => {
                say("released, or replaced, by another");
                return Ok(true);
            }
            Ok(Tended::Expired) => {
                say("its time is over: released");
                return Ok(true);
            }
            // Whatever goes wrong once, there is nobody else to watch.
            Err(error) => {
                let text = format!("error: {error:#}");
                if text != told {
                    say(&text);
                    told = text;
                }
                std::thread::sleep(WAIT);
            }
        }
    }
}

/// Whoever started it may lose the way to it: that is what isolation is for, and no
/// reason to stop watching.
fn ends(signal: i32, policy: &Policy) -> bool {
    signal != SIGHUP || policy.while_running
}

fn end(policy: &Policy, isolation: &mut Isolation) -> Result<bool> {
    if policy.while_running {
        isolation.release()?;
        say("released");
    } else {
        say("it stays in force; interfaces that come now are not covered");
    }
    Ok(true)
}

/// Says something to whoever may be there: a terminal that is gone must not end
/// the watch.
fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
