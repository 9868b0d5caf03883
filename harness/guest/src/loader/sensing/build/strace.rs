//! What `strace -f` has written: text in, calls out.
//!
//! A call that strace had to tell in two lines, as another process came between, is
//! one here. It stands where it ended; one that makes a process, where it began, as
//! the new process's own lines come before its end.

use std::collections::HashMap;
use std::fmt;

/// A line about a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The thread.
    pub pid: u32,
    /// The line's number, from 1: where the call ended.
    pub line: usize,
    pub what: What,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    Called(Call),
    /// It is gone, and nothing of it is left.
    Ended,
}

/// A call and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    pub name: String,
    /// As strace writes them.
    pub arguments: Vec<String>,
    pub result: Returned,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Returned {
    Value(u64),
    /// Its name.
    Error(String),
    /// Never, or it is called again by itself.
    Not,
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Called(call) => {
                let arguments = call.arguments.join(", ");
                write!(f, "{}({arguments}) = {:?}", call.name, call.result)
            }
            Self::Ended => write!(f, "ended"),
        }
    }
}

impl Call {
    /// Whether it makes a process.
    pub fn makes_process(&self) -> bool {
        matches!(&*self.name, "fork" | "vfork" | "clone" | "clone3")
    }
}

/// All calls and ends, in their order.
///
/// # Errors
/// A line that is not as strace writes them.
pub fn parse(log: &str) -> Result<Vec<Step>, String> {
    let mut steps: Vec<(usize, Step)> = Vec::new();
    let mut begun: HashMap<u32, (usize, &str)> = HashMap::new();
    for (line, text) in (1..).zip(log.lines()) {
        let wrong = |why: &str| format!("strace, line {line}: {why}: {text}");
        let (pid, said) = text.split_once(' ').ok_or_else(|| wrong("no pid"))?;
        let pid = pid.parse().map_err(|_| wrong("no pid"))?;
        let said = said.trim_start();
        if said.starts_with("--- ") {
            continue;
        }
        if said.starts_with("+++ exited with ") || said.starts_with("+++ killed by ") {
            let what = What::Ended;
            steps.push((line, Step { pid, line, what }));
            continue;
        }
        if let Some(start) = said.strip_suffix(UNFINISHED) {
            if begun.insert(pid, (line, start)).is_some() {
                return Err(wrong("two calls at a time"));
            }
            continue;
        }
        let (began, whole) = match resumed(said) {
            Some(end) => {
                let start = begun.remove(&pid);
                let (began, start) = start.ok_or_else(|| wrong("it was not begun"))?;
                (began, format!("{start}{end}"))
            }
            None => (line, said.to_owned()),
        };
        let call = call(&whole).ok_or_else(|| wrong("no call"))?;
        let at = if call.makes_process() { began } else { line };
        let what = What::Called(call);
        steps.push((at, Step { pid, line, what }));
    }
    steps.sort_by_key(|(at, _)| *at);
    Ok(steps.into_iter().map(|(_, step)| step).collect())
}

const UNFINISHED: &str = "<unfinished ...>";

/// The end of a call that was begun in an earlier line.
fn resumed(said: &str) -> Option<&str> {
    let said = said.strip_prefix("<... ")?;
    said.split_once(" resumed>").map(|(_, end)| end)
}

/// `name(a, b) = 0`, with more said behind it.
fn call(text: &str) -> Option<Call> {
    let (name, rest) = text.split_once('(')?;
    let (mut arguments, end) = split(rest)?;
    arguments.retain(|argument| !argument.is_empty());
    let result = rest[end..].trim_start().strip_prefix("= ")?.trim();
    let mut words = result.split(' ');
    let result = match (words.next()?, words.next()) {
        ("?", _) => Returned::Not,
        ("-1", Some(error)) => Returned::Error(error.to_owned()),
        (value, _) => Returned::Value(number(value)?),
    };
    let name = name.to_owned();
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    name.chars().all(is_name).then_some(Call {
        name,
        arguments,
        result,
    })
}

/// Arguments up to the parenthesis that closes them, and what comes after it.
fn split(text: &str) -> Option<(Vec<String>, usize)> {
    let (mut arguments, mut depth, mut start) = (Vec::new(), 0_usize, 0);
    let (mut in_string, mut is_escaped) = (false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' if in_string => is_escaped = true,
            '"' => in_string = !in_string,
            _ if in_string => {}
            '(' | '[' | '{' => depth += 1,
            ')' if depth == 0 => {
                arguments.push(text[start..at].trim().to_owned());
                return Some((arguments, at + 1));
            }
            ')' | ']' | '}' => depth = depth.checked_sub(1)?,
            ',' if depth == 0 => {
                arguments.push(text[start..at].trim().to_owned());
                start = at + 1;
            }
            _ => {}
        }
    }
    None
}

/// A number as strace writes it: decimal, hexadecimal, octal.
pub fn number(text: &str) -> Option<u64> {
    if let Some(digits) = text.strip_prefix("0x") {
        return u64::from_str_radix(digits, 16).ok();
    }
    if let Some(digits) = text.strip_prefix('-') {
        let number: u64 = digits.parse().ok()?;
        return Some(number.wrapping_neg());
    }
    match text.len() > 1 && text.starts_with('0') {
        true => u64::from_str_radix(text, 8).ok(),
        false => text.parse().ok(),
    }
}

/// The bytes of a string that is there whole.
pub fn string(text: &str) -> Option<Vec<u8>> {
    let inner = text.strip_prefix('"')?.strip_suffix('"')?;
    let (mut bytes, mut rest) = (Vec::new(), inner.as_bytes());
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first != b'\\' {
            bytes.push(*first);
            continue;
        }
        let [escape, tail @ ..] = rest else {
            return None;
        };
        rest = tail;
        let byte = match escape {
            b'n' => b'\n',
            b't' => b'\t',
            b'r' => b'\r',
            b'v' => 0x0b,
            b'f' => 0x0c,
            b'"' | b'\\' => *escape,
            b'0'..=b'7' => {
                let digits = |n: &&u8| matches!(n, b'0'..=b'7');
                let more = rest.iter().take(2).take_while(digits).count();
                let all = std::iter::once(escape).chain(&rest[..more]);
                let value = all.fold(0_u32, |value, digit| value * 8 + u32::from(digit - b'0'));
                rest = &rest[more..];
                u8::try_from(value).ok()?
            }
            _ => return None,
        };
        bytes.push(byte);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calls(log: &str) -> Vec<(u32, String, Vec<String>, Returned)> {
        let steps = parse(log).expect("as strace writes");
        let calls = steps.into_iter().filter_map(|step| match step.what {
            What::Called(call) => Some((step.pid, call.name, call.arguments, call.result)),
            What::Ended => None,
        });
        calls.collect()
    }

    #[test]
    fn arguments_end_at_their_own_commas() {
        let log = r#"7 openat(AT_FDCWD, "a, \"b) = 1", O_RDWR|O_CREAT, 0600) = 3
7  fcntl(3, F_GETFL)        = 0x8001 (flags O_WRONLY|O_LARGEFILE)
7 utimensat(3, NULL, [{tv_sec=1, tv_nsec=2} /* 2001-09-09 */, UTIME_NOW], 0) = -1 EPERM (Operation not permitted)
7 exit_group(0) = ?
"#;
        let calls = calls(log);
        assert_eq!(string(&calls[0].2[1]).unwrap(), b"a, \"b) = 1");
        assert_eq!((calls[0].2.len(), &calls[0].3), (4, &Returned::Value(3)));
        assert_eq!(calls[1].3, Returned::Value(0x8001));
        assert_eq!(calls[2].2.len(), 4);
        assert_eq!(calls[2].3, Returned::Error("EPERM".to_owned()));
        assert_eq!(calls[3].3, Returned::Not);
    }

    #[test]
    fn a_call_in_two_lines_is_one_where_it_ended() {
        let log = "7 close(3 <unfinished ...>\n\
            8 chdir(\"/\") = 0\n\
            7 <... close resumed>)     = 0\n";
        let calls = calls(log);
        assert_eq!((calls[0].0, &*calls[0].1), (8, "chdir"));
        assert_eq!((calls[1].0, &*calls[1].1), (7, "close"));
        assert_eq!(calls[1].2, ["3"]);
    }

    #[test]
    fn who_makes_a_process_comes_before_it() {
        let log = "7 vfork( <unfinished ...>\n\
            8 chdir(\"/\") = 0\n\
            8 +++ exited with 0 +++\n\
            7 <... vfork resumed>)     = 8\n\
            7 --- SIGCHLD {si_signo=SIGCHLD} ---\n";
        let steps = parse(log).unwrap();
        assert_eq!(steps.len(), 3);
        assert_eq!((steps[0].pid, steps[0].line), (7, 4));
        assert_eq!((steps[2].pid, &steps[2].what), (8, &What::Ended));
    }

    #[test]
    fn strings_have_their_bytes_back() {
        assert_eq!(
            string(r#""a\303\244\n\0011""#).unwrap(),
            b"a\xc3\xa4\n\x011"
        );
        assert_eq!(string(r#""cut"..."#), None);
        assert_eq!(string(r#""\q""#), None);
    }

    #[test]
    fn what_is_no_line_of_strace_is_an_error() {
        for log in [
            "close(3) = 0",
            "7 close(3 = 0",
            "7 <... close resumed>) = 0",
            "7 close(3)",
            "7 +++ superseded by execve in pid 9 +++",
        ] {
            assert!(parse(log).is_err(), "{log}");
        }
    }
}
