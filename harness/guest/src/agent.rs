//! The guest agent: answers what the host's library asks over its virtio port.
//!
//! It is the part of QEMU's agent that vmtest needs, in this binary. QEMU's own
//! would bring libraries and a shell into the image, and with each question
//! that it leaves open, vmtest sleeps for a fifth of a second and more. Here all
//! of vmtest's set-up is over when it is asked for: it wants folders of the host
//! mounted over 9p, which no cloud kernel has, and nothing reads them.
//!
//! Source: qga/qapi-schema.json of QEMU.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::process::{Child, Command, ExitCode};
use std::time::Duration;

use serde_json::{Value, json};

use crate::frames::wait_for_port;
use crate::init;

/// The port on which the host's library talks to the agent.
const PORT: &str = "org.qemu.guest_agent.0";
/// Ports appear a moment after their driver; a busy host stretches the moment.
const PORT_PATIENCE: Duration = Duration::from_secs(20);
/// How long to wait where nobody is at the other end: a read returns at once then.
const PAUSE: Duration = Duration::from_millis(10);
/// A question that is longer is none; vmtest's are as long as the environment.
const QUESTION_BYTES: usize = 4 << 20;

/// What the host has run, as the end of its shell script.
const LAUNCH: &str = "exec /trapline-guest launch";
/// The set-up around it, which has nothing to do in this guest.
const SET_UP: [&str; 3] = ["mkdir", "mount", "sync"];
/// The process id that stands for a step of the set-up: over, with success.
const NOTHING_RAN: u64 = 1;

/// The subcommand `agent`: answers until the machine is switched off.
#[must_use]
pub fn main() -> ExitCode {
    let said = open().and_then(|port| converse(port, &mut Agent::default()));
    if let Err(error) = said {
        init::say(&format!("init failed: the guest agent: {error}"));
    }
    ExitCode::FAILURE
}

fn open() -> io::Result<File> {
    let port = wait_for_port(PORT, PORT_PATIENCE)?;
    OpenOptions::new().read(true).write(true).open(port)
}

/// Answers line by line.
fn converse(mut port: File, agent: &mut Agent) -> io::Result<()> {
    let mut asked = Vec::new();
    let mut piece = vec![0; 64 << 10];
    loop {
        match port.read(&mut piece)? {
            0 => std::thread::sleep(PAUSE),
            count => asked.extend_from_slice(piece.get(..count).unwrap_or_default()),
        }
        while let Some(end) = asked.iter().position(|byte| *byte == b'\n') {
            let question: Vec<u8> = asked.drain(..=end).collect();
            let mut answer = agent.answer(&question).to_string();
            answer.push('\n');
            port.write_all(answer.as_bytes())?;
        }
        if asked.len() > QUESTION_BYTES {
            let what = format!("a question has more than {QUESTION_BYTES} bytes");
            return Err(io::Error::new(io::ErrorKind::InvalidData, what));
        }
    }
}

/// What the agent remembers between questions.
#[derive(Debug, Default)]
struct Agent {
    launched: Option<Child>,
}

impl Agent {
    /// The answer to one question, or an error that the host reports.
    fn answer(&mut self, question: &[u8]) -> Value {
        let answered = serde_json::from_slice(question)
            .map_err(|error| format!("this is no question: {error}"))
            .and_then(|question| self.carry_out(&question));
        match answered {
            Ok(value) => json!({ "return": value }),
            Err(why) => json!({ "error": { "class": "GenericError", "desc": why } }),
        }
    }

    fn carry_out(&mut self, question: &Value) -> Result<Value, String> {
        let arguments = &question["arguments"];
        match question["execute"].as_str().unwrap_or_default() {
            "guest-sync" => Ok(arguments["id"].clone()),
            "guest-info" => {
                Ok(json!({ "version": env!("CARGO_PKG_VERSION"), "supported_commands": [] }))
            }
            "guest-exec" => Ok(json!({ "pid": self.execute(arguments)? })),
            "guest-exec-status" => self.status(&arguments["pid"]),
            other => Err(format!("there is no command {other:?}")),
        }
    }

    /// Starts the runner, or does nothing for a step of the set-up; returns the
    /// process to ask for.
    fn execute(&mut self, arguments: &Value) -> Result<u64, String> {
        let path = arguments["path"].as_str().unwrap_or_default();
        if SET_UP.contains(&path) {
            return Ok(NOTHING_RAN);
        }
        let script = arguments["arg"][1].as_str().unwrap_or_default();
        if path != "bash" || script.trim_end().lines().last() != Some(LAUNCH) {
            return Err(format!("it runs no {path:?}, only bash with {LAUNCH:?}"));
        }
        if self.launched.is_some() {
            return Err("the runner was launched before".to_owned());
        }
        let mut launch = Command::new("/proc/self/exe");
        let launched = launch.arg("launch").spawn();
        let launched = launched.map_err(|error| format!("launch the runner: {error}"))?;
        let pid = launched.id();
        self.launched = Some(launched);
        Ok(pid.into())
    }

    fn status(&mut self, pid: &Value) -> Result<Value, String> {
        if *pid == NOTHING_RAN {
            return Ok(json!({ "exited": true, "exitcode": 0 }));
        }
        let launched = self.launched.as_mut();
        let launched = launched.filter(|launched| *pid == launched.id());
        let launched = launched.ok_or_else(|| format!("there is no process {pid}"))?;
        let ended = launched.try_wait().map_err(|error| format!("{error}"))?;
        Ok(match ended {
            None => json!({ "exited": false }),
            Some(status) => json!({ "exited": true, "exitcode": status.code().unwrap_or(1) }),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(agent: &mut Agent, question: Value) -> Value {
        agent.answer(question.to_string().as_bytes())
    }

    fn exec(path: &str, script: &str) -> Value {
        json!({ "execute": "guest-exec", "arguments": { "path": path, "arg": ["-c", script] } })
    }

    #[test]
    fn a_sync_is_answered_with_its_own_number() {
        let sync = json!({ "execute": "guest-sync", "arguments": { "id": 4711 } });
        assert_eq!(
            asked(&mut Agent::default(), sync),
            json!({ "return": 4711 })
        );
    }

    #[test]
    fn the_set_up_is_over_when_it_is_asked_for() {
        let mut agent = Agent::default();
        let mount = asked(&mut agent, exec("mount", "-t 9p"));
        let pid = mount["return"]["pid"].clone();
        let status = json!({ "execute": "guest-exec-status", "arguments": { "pid": pid } });
        let done = json!({ "return": { "exited": true, "exitcode": 0 } });
        assert_eq!(asked(&mut agent, status), done);
    }

    #[test]
    fn what_it_does_not_know_is_an_error_and_never_a_success() {
        let mut agent = Agent::default();
        let unknown_process =
            json!({ "execute": "guest-exec-status", "arguments": { "pid": 4_000_000 } });
        for question in [
            json!({ "execute": "guest-file-open" }),
            exec("rm", LAUNCH),
            exec("bash", "exec /bin/true"),
            exec("bash", &format!("{LAUNCH}\nexec /bin/true")),
            unknown_process,
        ] {
            let answer = asked(&mut agent, question.clone());
            assert!(answer["error"]["desc"].is_string(), "{question}: {answer}");
        }
        assert!(agent.answer(b"{")["error"]["desc"].is_string());
        assert!(agent.launched.is_none());
    }
}
