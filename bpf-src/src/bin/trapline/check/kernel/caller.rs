//! Who asks: what may not be seen depends on it.

use serde::Serialize;

/// What of this process's rights matters here.
#[derive(Debug, Default, Serialize)]
pub struct Caller {
    /// Effective user id; none without /proc.
    pub uid: Option<u32>,
    /// Those of [`CAPABILITIES`] that are in effect.
    pub capabilities: Vec<&'static str>,
}

/// Number and name.
///
/// Source: include/uapi/linux/capability.h
const CAPABILITIES: [(u32, &str); 4] = [
    (12, "CAP_NET_ADMIN"),
    (21, "CAP_SYS_ADMIN"),
    (38, "CAP_PERFMON"),
    (39, "CAP_BPF"),
];

impl Caller {
    pub fn look() -> Self {
        let status = std::fs::read_to_string("/proc/self/status");
        Self::of_status(&status.unwrap_or_default())
    }

    fn of_status(status: &str) -> Self {
        let value = |name: &str| {
            let mut values = status.lines().filter_map(|line| line.strip_prefix(name));
            values.next()
        };
        let uid = value("Uid:").and_then(|ids| ids.split_whitespace().nth(1)?.parse().ok());
        let effective = value("CapEff:").map(str::trim);
        let effective = effective.and_then(|set| u64::from_str_radix(set, 16).ok());
        let effective = effective.unwrap_or(0);
        let held = CAPABILITIES
            .iter()
            .filter(|(number, _)| effective >> number & 1 == 1);
        Self {
            uid,
            capabilities: held.map(|(_, name)| *name).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_effective_ones_count() {
        let status = "Name:\tx\nUid:\t1000\t0\t0\t0\nCapPrm:\tffff\nCapEff:\t000000c000000000\n";
        let caller = Caller::of_status(status);
        assert_eq!(caller.uid, Some(0));
        assert_eq!(caller.capabilities, ["CAP_PERFMON", "CAP_BPF"]);
        let nobody = Caller::of_status("");
        assert_eq!((nobody.uid, nobody.capabilities.len()), (None, 0));
    }
}
