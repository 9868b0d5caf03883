//! Workloads for the process sensor: how processes begin, become other programs and end.

mod ends;
mod execs;
mod failed;
mod ids;
mod lives;
mod paths;
mod scripts;
mod sizes;
mod spaces;
mod standing;
mod threads;

use super::Workload;
use super::failure::Outcome;
use super::scene::Scene;

const fn process(name: &'static str, run: fn(&Scene) -> Outcome, about: &'static str) -> Workload {
    Workload {
        family: "process",
        name,
        prepare: None,
        run,
        about,
    }
}

/// The family, in the order in which it runs.
pub const WORKLOADS: &[Workload] = &[
    process("fork", lives::fork, "children and a grandchild by fork"),
    process(
        "vfork",
        lives::vfork,
        "children by vfork that leave, and that exec",
    ),
    process(
        "clone3",
        lives::clone3,
        "a pidfd, no exit signal, another one, odd flags",
    ),
    process(
        "clone_parent",
        lives::clone_parent,
        "a child that makes a sibling",
    ),
    process(
        "orphan",
        lives::orphan,
        "a grandchild outlives its parent, then execs",
    ),
    process(
        "threads",
        threads::come_and_go,
        "threads come, fork and go; the leader leaves last",
    ),
    process(
        "threads_leader_first",
        threads::leader_first,
        "the leader leaves before the last thread",
    ),
    process(
        "threads_last_code",
        threads::last_code,
        "the leader, then the last thread, none for all",
    ),
    process(
        "threads_killed",
        threads::killed,
        "a signal ends a process of several threads",
    ),
    process(
        "exec",
        execs::exec,
        "plain, relative, through a link, odd arguments",
    ),
    process(
        "exec_chain",
        execs::chain,
        "one process becomes three programs in turn",
    ),
    process(
        "exec_from_thread",
        threads::exec,
        "not the leader calls exec",
    ),
    process(
        "fork_from_thread",
        threads::fork,
        "not the leader forks, and fails to exec",
    ),
    process(
        "exec_memfd",
        execs::memfd,
        "a program without a file name, and a script",
    ),
    process(
        "exec_at_folder",
        execs::at_folder,
        "execveat relative to a folder",
    ),
    process(
        "exec_empty_argv",
        execs::empty_argv,
        "empty strings, empty lists, no argument at all",
    ),
    process(
        "exec_script",
        scripts::script,
        "an interpreter with one argument",
    ),
    process(
        "exec_script_nested",
        scripts::nested,
        "the interpreter is a script",
    ),
    process(
        "exec_script_lines",
        scripts::lines,
        "spaces, no argument, a line longer than the kernel reads",
    ),
    process(
        "exec_argv_8k",
        sizes::argv,
        "argv of 8191, 8192, 8193 bytes",
    ),
    process("exec_env_8k", sizes::env, "env of 8191, 8192, 8193 bytes"),
    process("exec_big", sizes::big, "argv and env far past 8 KiB"),
    process(
        "exec_failed_missing",
        failed::missing,
        "no such file, folder or interpreter",
    ),
    process(
        "exec_failed_access",
        failed::access,
        "not executable, a folder, a noexec mount, not permitted",
    ),
    process(
        "exec_failed_format",
        failed::format,
        "text, nothing, half a header, another machine",
    ),
    process(
        "exec_failed_path",
        failed::path,
        "a file as folder, link loops, names too long",
    ),
    process(
        "exec_failed_size",
        failed::size,
        "an argument longer than the kernel takes",
    ),
    process(
        "exec_path_search",
        failed::search,
        "two failures, then the program, as a shell does it",
    ),
    process(
        "exec_past_return",
        failed::past_return,
        "exec fails when the old program is gone",
    ),
    process("exit_codes", ends::codes, "0, 1, 255 and more than a byte"),
    process(
        "signals",
        ends::signals,
        "KILL, TERM, SEGV, ABRT without core files",
    ),
    process(
        "signal_core",
        ends::core,
        "a core file is written, and one is not",
    ),
    process("sessions", ids::sessions, "setsid, setpgid, a daemon"),
    process(
        "ids",
        ids::ids,
        "real, effective, saved and file system ids differ",
    ),
    process(
        "ids_setuid_file",
        ids::setuid_file,
        "set-user-id and set-group-id programs",
    ),
    process(
        "login_uid",
        standing::login_uid,
        "logins that are set, inherited, set again",
    ),
    process(
        "cgroup",
        standing::cgroup,
        "born into, moved between and left cgroups",
    ),
    process(
        "pid_namespace",
        spaces::pid,
        "pid 1 in new namespaces, one in another",
    ),
    process(
        "pid_namespace_ends",
        spaces::pid_ends,
        "pid 1 leaves and takes its namespace along",
    ),
    process(
        "user_namespace",
        spaces::user,
        "new user and mount namespaces, exec from a mount made there",
    ),
    process("net_namespace", spaces::net, "a new network namespace"),
    process(
        "mounts",
        spaces::mounts,
        "exec from a tmpfs, a bound folder, a bound file",
    ),
    process("chroot", spaces::chroot, "exec below another root"),
    process("exec_deep_path", paths::deep, "many folders, long names"),
    process(
        "exec_path_past_4096",
        paths::past_the_limit,
        "a path longer than any call takes",
    ),
    process(
        "exe_deleted",
        paths::deleted,
        "the program's file goes before the process",
    ),
    process(
        "cwd",
        paths::cwd,
        "other working folders, one of them deleted",
    ),
];
