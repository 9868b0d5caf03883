//! What is in force, as tables and as JSON.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Value, json};
use trapline_sensors::isolate::{
    Dropped, End, InterfaceStatus, Isolation, Policy, Status, Traffic,
};

use crate::table::Table;

/// What has just been put into force.
pub fn started(policy: &Policy, isolation: &Isolation) -> String {
    let covered = isolation.covered();
    let mut text = format!(
        "isolated: {} of {} interfaces covered, {}",
        covered.whole,
        covered.all,
        match policy.rules.len() {
            0 => "nothing allowed".to_owned(),
            1 => "one rule allowed".to_owned(),
            count => format!("{count} rules allowed"),
        }
    );
    let end = match (policy.while_running, policy.duration) {
        (true, None) => "until this program ends".to_owned(),
        (true, Some(time)) => format!("until this program ends, at most {}", words(time)),
        (false, None) => "until it is released: trapline isolate --release".to_owned(),
        (false, Some(time)) => format!(
            "for {}, or until it is released: trapline isolate --release",
            words(time)
        ),
    };
    // Writing to a String cannot fail.
    let _ = write!(text, "; {end}");
    text
}

/// All of it as one object.
pub fn line(status: Option<&Status>) -> String {
    let Some(status) = status else {
        return "{\"in_force\":false}\n".to_owned();
    };
    let interfaces: Vec<Value> = status.interfaces.iter().map(interface).collect();
    let rules = status.rules.iter().map(|rule| {
        json!({
            "rule": rule.rule.to_string(),
            "origin": match rule.rule.origin {
                trapline_sensors::isolate::Origin::Allow => "allow",
                trapline_sensors::isolate::Origin::Dns => "dns",
            },
            "in": traffic(rule.r#in),
            "out": traffic(rule.out),
        })
    });
    let besides = status.passed.iter().map(|passed| {
        json!({"what": passed.what.name(), "in": traffic(passed.r#in), "out": traffic(passed.out)})
    });
    let dropped = status.dropped.iter().map(|dropped| {
        json!({
            "index": dropped.index,
            "interface": dropped.interface,
            "direction": direction(dropped),
            "at": at(dropped),
            "reason": dropped.reason,
            "packets": dropped.traffic.packets,
            "bytes": dropped.traffic.bytes,
        })
    });
    let object = json!({
        "in_force": true,
        "is_whole": status.is_whole(),
        "since_ms": millis(status.since),
        "remaining_ms": status.remaining.map(millis),
        "while_running": status.while_running,
        "pid": status.pid,
        "is_watched": status.is_watched,
        "is_elsewhere": status.is_elsewhere,
        "covers_sockets": status.covers_sockets,
        "interfaces": interfaces,
        "rules": rules.collect::<Vec<_>>(),
        "besides": besides.collect::<Vec<_>>(),
        "dropped": dropped.collect::<Vec<_>>(),
    });
    format!("{object}\n")
}

fn interface(interface: &InterfaceStatus) -> Value {
    let end = |end: Option<End>| end.map(|end| json!({"how": end.how, "before": end.before}));
    json!({
        "index": interface.index,
        "name": interface.name,
        "is_closed": interface.is_closed,
        "xdp": interface.xdp,
        "ingress": end(interface.ingress),
        "egress": end(interface.egress),
    })
}

fn traffic(traffic: Traffic) -> Value {
    json!({"packets": traffic.packets, "bytes": traffic.bytes})
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn direction(dropped: &Dropped) -> &'static str {
    if dropped.is_out { "out" } else { "in" }
}

fn at(dropped: &Dropped) -> &'static str {
    if dropped.at_socket {
        "socket"
    } else {
        "interface"
    }
}

/// All of it as tables.
pub fn text(status: Option<&Status>) -> String {
    let Some(status) = status else {
        return "nothing is in force\n".to_owned();
    };
    let mut text = head(status);
    let mut table = Table::new(&["interface", "in", "out"]);
    table.row([
        "lo".to_owned(),
        "left alone".to_owned(),
        "left alone".to_owned(),
    ]);
    for one in &status.interfaces {
        let mut ingress = end(one, one.ingress);
        if let Some(xdp) = one.xdp {
            ingress.push_str(&format!(", after XDP program {xdp}"));
        }
        table.row([one.name.clone(), ingress, end(one, one.egress)]);
    }
    let sockets = if status.covers_sockets {
        "cgroup"
    } else {
        "NOT COVERED"
    };
    table.row(["sockets".to_owned(), sockets.to_owned(), sockets.to_owned()]);
    text.push('\n');
    text.push_str(&table.text("  "));
    let mut table = Table::new(&["passed", ">in", ">bytes", ">out", ">bytes"]);
    for one in &status.rules {
        table.row(cells(one.rule.to_string(), one.r#in, one.out));
    }
    for one in &status.passed {
        if one.r#in.packets + one.out.packets > 0 {
            table.row(cells(one.what.name().to_owned(), one.r#in, one.out));
        }
    }
    if !table.is_empty() {
        text.push('\n');
        text.push_str(&table.text("  "));
    }
    let mut table = Table::new(&["dropped", "at", "direction", ">packets", ">bytes"]);
    for one in &status.dropped {
        let name = match (&one.interface, one.index) {
            (Some(name), _) => name.clone(),
            (None, 0) => "elsewhere".to_owned(),
            (None, index) => format!("interface {index}"),
        };
        table.row([
            one.reason.to_owned(),
            if one.at_socket {
                format!("socket, {name}")
            } else {
                name
            },
            direction(one).to_owned(),
            one.traffic.packets.to_string(),
            one.traffic.bytes.to_string(),
        ]);
    }
    if !table.is_empty() {
        text.push('\n');
        text.push_str(&table.text("  "));
    }
    text
}

fn head(status: &Status) -> String {
    let end = match (status.remaining, status.while_running) {
        (Some(time), true) => format!("until program {} ends, at most {}", status.pid, words(time)),
        (None, true) => format!("until program {} ends", status.pid),
        (Some(time), false) => format!("for another {}, or until it is released", words(time)),
        (None, false) => "until it is released".to_owned(),
    };
    let mut text = format!("isolated for {}; {end}\n", words(status.since));
    let watch = match status.is_watched {
        true => format!("program {} covers interfaces that come", status.pid),
        false => "no program runs that would cover interfaces that come".to_owned(),
    };
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{watch}");
    if status.is_elsewhere {
        text.push_str("its interfaces are in another network namespace\n");
    }
    text
}

fn end(interface: &InterfaceStatus, end: Option<End>) -> String {
    match end {
        None => "NOT COVERED".to_owned(),
        Some(End { how, before: 0 }) if interface.is_closed => format!("{how}, nothing passes"),
        Some(End { how, before: 0 }) => how.to_owned(),
        Some(End { how, before }) => format!("{how}, BEHIND {before} OTHERS"),
    }
}

fn cells(name: String, r#in: Traffic, out: Traffic) -> [String; 5] {
    [
        name,
        r#in.packets.to_string(),
        r#in.bytes.to_string(),
        out.packets.to_string(),
        out.bytes.to_string(),
    ]
}

/// `1h 2m 3s`, without what is zero.
fn words(time: Duration) -> String {
    let seconds = time.as_secs();
    let parts = [
        (seconds / 86_400, 'd'),
        (seconds / 3600 % 24, 'h'),
        (seconds / 60 % 60, 'm'),
        (seconds % 60, 's'),
    ];
    let parts = parts.iter().filter(|(count, _)| *count > 0);
    let parts: Vec<String> = parts
        .map(|(count, unit)| format!("{count}{unit}"))
        .collect();
    match parts.is_empty() {
        true => "0s".to_owned(),
        false => parts.join(" "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_said_in_words() {
        for (seconds, said) in [
            (0, "0s"),
            (59, "59s"),
            (3660, "1h 1m"),
            (90_061, "1d 1h 1m 1s"),
        ] {
            assert_eq!(words(Duration::from_secs(seconds)), said);
        }
    }

    #[test]
    fn nothing_in_force_is_said_so() {
        assert_eq!(text(None), "nothing is in force\n");
        assert_eq!(line(None), "{\"in_force\":false}\n");
    }
}
