//! Lines as kernels from 5.10 to 7.3 print them.

use super::*;

#[test]
fn each_splat_is_told_by_its_own_line() {
    let lines = [
        (
            "[    5.1] Kernel panic - not syncing: sysrq triggered crash",
            Splat::Panic,
        ),
        (
            "[    5.1] Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000100",
            Splat::Panic,
        ),
        (
            "[    5.1] BUG: kernel NULL pointer dereference, address: 0000000000000010",
            Splat::Oops,
        ),
        (
            "[    5.1] BUG: unable to handle page fault for address: ffffc90000e00000",
            Splat::Oops,
        ),
        ("[    5.1] Oops: 0002 [#1] PREEMPT SMP NOPTI", Splat::Oops),
        (
            "[    5.1] Oops: general protection fault, probably for non-canonical address 0xdead000000000122: 0000 [#1] SMP",
            Splat::Oops,
        ),
        ("[    5.1] kernel BUG at mm/slub.c:431!", Splat::Oops),
        ("[    5.1] invalid opcode: 0000 [#1] SMP PTI", Splat::Oops),
        (
            "[    5.1] Unable to handle kernel NULL pointer dereference at virtual address 0000000000000000",
            Splat::Oops,
        ),
        (
            "[    5.1] BUG: scheduling while atomic: sh/71/0x00000002",
            Splat::Bug,
        ),
        (
            "[    5.1] BUG: sleeping function called from invalid context at kernel/locking/mutex.c:283",
            Splat::Bug,
        ),
        (
            "[    5.1] UBSAN: array-index-out-of-bounds in kernel/x.c:3:4",
            Splat::Bug,
        ),
        (
            "[    5.1] WARNING: CPU: 0 PID: 71 at kernel/trace/trace_kprobe.c:500 disarm_kprobe+0x1/0x2",
            Splat::Warn,
        ),
        (
            "[    5.1] WARNING: kernel/bpf/trampoline.c:12 at bpf_trampoline_put+0x1/0x2, CPU#0: run/71",
            Splat::Warn,
        ),
        ("[    5.1] WARNING: suspicious RCU usage", Splat::Warn),
        (
            "[   48.1] watchdog: BUG: soft lockup - CPU#0 stuck for 26s! [run:71]",
            Splat::SoftLockup,
        ),
        (
            "[   48.1] watchdog: CPU0: Watchdog detected hard LOCKUP on cpu 0",
            Splat::HardLockup,
        ),
        (
            "[  242.1] INFO: task run:71 blocked for more than 120 seconds.",
            Splat::HungTask,
        ),
        (
            "[   26.1] rcu: INFO: rcu_preempt self-detected stall on CPU",
            Splat::RcuStall,
        ),
        (
            "[   26.1] rcu: INFO: rcu_sched detected stalls on CPUs/tasks:",
            Splat::RcuStall,
        ),
        (
            "[   26.1] rcu: INFO: rcu_preempt detected expedited stalls on CPUs/tasks: { 0-... }",
            Splat::RcuStall,
        ),
        (
            "[    9.1] run invoked oom-killer: gfp_mask=0x140dca(GFP_HIGHUSER_MOVABLE), order=0, oom_score_adj=0",
            Splat::OutOfMemory,
        ),
        (
            "[    9.1] Out of memory: Killed process 71 (run) total-vm:480000kB, anon-rss:400000kB",
            Splat::OutOfMemory,
        ),
        (
            "[    9.1] Kernel panic - not syncing: System is deadlocked on memory",
            Splat::OutOfMemory,
        ),
        (
            "[    1.1] trapline: init failed: mount bpf on /sys/fs/bpf: No such device (os error 19)",
            Splat::GuestSetup,
        ),
    ];
    for (line, splat) in lines {
        assert_eq!(read(line), Some(splat), "{line}");
    }
}

#[test]
fn healthy_lines_tell_nothing() {
    for line in [
        "[    0.0] Linux version 6.12.117+deb12-cloud-amd64",
        "[    0.1] rcu: Hierarchical RCU implementation.",
        "[    0.1] printk: legacy console [ttyS0] enabled",
        "[    5.1] traps: segv[71] general protection fault ip:401000 sp:7ffc error:0",
        "[    5.1] segv[71]: segfault at 0 ip 0000000000401000 sp 00007ffc error 4",
        "[    5.1] sysrq: Trigger a crash",
        "[    5.1] trapline: runner ended, exit 0",
        "",
    ] {
        assert_eq!(read(line), None, "{line}");
    }
}

#[test]
fn an_oops_that_ends_in_panic_is_an_oops() {
    let mut log = SerialLog::default();
    log.push("[    5.1] WARNING: CPU: 0 PID: 1 at a.c:1 f+0x1/0x2");
    log.push("[    5.2] BUG: kernel NULL pointer dereference, address: 0");
    log.push("[    5.3] Kernel panic - not syncing: Fatal exception");
    let (splat, line) = log.splat().expect("it says so");
    assert_eq!(splat, Splat::Oops);
    assert!(line.contains("NULL pointer"));
    assert_eq!(log.excerpt().len(), 3);
}

#[test]
fn the_end_of_the_runner_is_read() {
    let mut log = SerialLog::default();
    log.push("[    5.1] trapline: runner ended, signal 9");
    assert_eq!(log.runner(), Some(&RunnerEnd::Signal(9)));
    log.push("[    5.1] trapline: runner failed: no port");
    assert_eq!(log.runner(), Some(&RunnerEnd::Failed("no port".into())));
    log.push("[    5.1] trapline: runner ended, exit nonsense");
    assert_eq!(log.runner(), Some(&RunnerEnd::Failed("no port".into())));
}
