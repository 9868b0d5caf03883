//! What is to be done with file systems, as the policy says, for those that are mounted.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use trapline_loader::{Error, Result};
use trapline_sensors::Sensors;
use trapline_sensors::sensors::MountState;

use super::policy::{Mount, Which};

const MOUNTS: &str = "/proc/self/mountinfo";

/// A device: major and minor number.
type Device = (u32, u32);

/// What the kernel was told.
#[derive(Debug, Default)]
pub struct Mounts {
    told: BTreeMap<Device, MountState>,
}

impl Mounts {
    /// Tells the kernel what is different from what it was told.
    ///
    /// # Errors
    /// /proc that cannot be read; what the kernel says.
    pub fn tell(&mut self, sensors: &Sensors, wanted: &[Mount]) -> Result<()> {
        if wanted.is_empty() && self.told.is_empty() {
            return Ok(());
        }
        let text = fs::read_to_string(MOUNTS);
        let text = text.map_err(|error| Error::io(Path::new(MOUNTS), &error))?;
        let states = states(&text, wanted);
        for device in self
            .told
            .keys()
            .filter(|device| !states.contains_key(device))
        {
            sensors.set_mount(device.0, device.1, MountState::Local)?;
        }
        for (device, state) in &states {
            if self.told.get(device) != Some(state) {
                sensors.set_mount(device.0, device.1, *state)?;
            }
        }
        self.told = states;
        Ok(())
    }
}

/// What is to be done with each device; of what is said of one, the last counts.
fn states(mountinfo: &str, wanted: &[Mount]) -> BTreeMap<Device, MountState> {
    let mut states = BTreeMap::new();
    for mount in wanted {
        for (device, at, kind) in mountinfo.lines().filter_map(parts) {
            let is_meant = match &mount.which {
                Which::At(place) => *place == at,
                Which::Type(name) => name == kind,
            };
            if is_meant {
                states.insert(device, mount.state);
            }
        }
    }
    states
}

/// Device, place and type in a line such as
/// `36 35 98:0 /root /place rw,noatime master:1 - ext3 /dev/root rw`.
fn parts(line: &str) -> Option<(Device, String, &str)> {
    let (before, after) = line.split_once(" - ")?;
    let mut words = before.split(' ');
    let (major, minor) = words.nth(2)?.split_once(':')?;
    let place = unescaped(words.nth(1)?);
    let device = (major.parse().ok()?, minor.parse().ok()?);
    Some((device, place, after.split(' ').next()?))
}

/// Spaces, tabs, line breaks and backslashes are in octal.
fn unescaped(place: &str) -> String {
    let codes = [
        ("\\040", " "),
        ("\\011", "\t"),
        ("\\012", "\n"),
        ("\\134", "\\"),
    ];
    let replace = |text: String, (code, character): &(&str, &str)| text.replace(code, character);
    codes.iter().fold(place.to_owned(), replace)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_says_more_than_a_type() {
        let mountinfo = "36 35 98:0 / /srv/a\\040b rw master:1 - nfs4 host:/x rw\n\
                         37 35 0:50 / /srv/c rw - nfs4 host:/y rw\n\
                         38 35 8:1 / / rw - ext4 /dev/sda1 rw\n";
        let wanted = [
            Mount {
                which: Which::Type("nfs4".to_owned()),
                state: MountState::NotScannable,
            },
            Mount {
                which: Which::At("/srv/a b".to_owned()),
                state: MountState::NotMonitored,
            },
        ];
        let expected = [
            ((98, 0), MountState::NotMonitored),
            ((0, 50), MountState::NotScannable),
        ];
        assert_eq!(states(mountinfo, &wanted), BTreeMap::from(expected));
        assert_eq!(parts("36 35 98:0"), None);
    }
}
