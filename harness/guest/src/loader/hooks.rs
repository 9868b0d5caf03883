//! Cases that attach to what has a type of its own: security hooks, other
//! programs, perf events, iterators.

use std::fs::File;
use std::io::Read;
use std::os::fd::AsFd;

use trapline_loader::attach::{
    AttachOptions, CgroupOrder, Counter, IterOver, Sampling, open_perf_event,
};
use trapline_loader::error::ErrorKind;
use trapline_loader::map::UpdateFlag;
use trapline_loader::object::{AttachTarget, LoadOptions, Object};

use super::stage::{Failure, Report, Tried, spec_of};
use super::triggers::{COOKIE, own_process_group};
use super::{Case, Outcome, Stage};
use crate::sys::touch::{self, Page};

pub(super) const CASES: &[Case] = &[
    Case {
        name: "attach_fmod_ret",
        object: Some("attach_fmod_ret"),
        run: |stage| stage.attached(own_process_group),
    },
    Case {
        name: "attach_lsm",
        object: Some("attach_lsm"),
        run: |stage| stage.attached(own_process_group),
    },
    Case {
        name: "attach_lsm_cgroup",
        object: Some("attach_lsm_cgroup"),
        run: lsm_cgroup,
    },
    Case {
        name: "attach_freplace",
        object: Some("attach_freplace"),
        run: to_program,
    },
    Case {
        name: "attach_fentry_prog",
        object: Some("attach_fentry_prog"),
        run: to_program,
    },
    Case {
        name: "attach_raw_tp_writable",
        object: Some("attach_raw_tp_writable"),
        run: raw_tp_writable,
    },
    Case {
        name: "attach_perf_event",
        object: Some("attach_perf_event"),
        run: |stage| perf_event(stage, 0),
    },
    Case {
        name: "attach_perf_event_cookie",
        object: Some("attach_perf_event_cookie"),
        run: |stage| perf_event(stage, COOKIE),
    },
    Case {
        name: "attach_iter",
        object: Some("attach_iter"),
        run: iter,
    },
    Case {
        name: "attach_iter_map",
        object: Some("attach_iter_map"),
        run: iter_map,
    },
    Case {
        name: "attach_iter_thread",
        object: Some("attach_iter_task"),
        run: |stage| iter_task(stage, IterOver::Thread(std::process::id())),
    },
    Case {
        name: "attach_iter_process",
        object: Some("attach_iter_task"),
        run: |stage| iter_task(stage, IterOver::Process(std::process::id())),
    },
    Case {
        name: "attach_iter_cgroup",
        object: Some("attach_iter_cgroup"),
        run: iter_cgroup,
    },
];

/// On the topmost cgroup, which every process is in.
fn lsm_cgroup(stage: &mut Stage<'_>) -> Outcome {
    let top = File::open("/sys/fs/cgroup").tried("open the topmost cgroup")?;
    let attach = |program: &trapline_loader::program::Program| Ok(program.attach_lsm_cgroup(&top)?);
    stage.attached_by(attach, own_process_group)
}

/// A program that attaches to a function of another one, which is run by hand.
fn to_program(stage: &mut Stage<'_>) -> Outcome {
    let target = stage.load_spec(spec_of("attach_freplace_target")?)?;
    let target = target.program("is_run")?;
    let spec = stage.spec()?;
    let mut options = LoadOptions::default();
    for program in &spec.programs {
        let named = AttachTarget::new(&program.name, target, None)?;
        options.targets.push(named);
    }
    let object = stage.load_spec_with(spec, &options)?;
    let attach = || Ok(only_program(&object)?.attach()?);
    stage.protocol(&object, attach, || run_by_hand(target.as_fd(), &[1, 5]))
}

/// A tracepoint that test runs come by.
fn raw_tp_writable(stage: &mut Stage<'_>) -> Outcome {
    let object = stage.load()?;
    let run = object.program("is_run")?;
    let attach = || Ok(object.program("on_test_finish")?.attach()?);
    stage.protocol(&object, attach, || run_by_hand(run.as_fd(), &[7]))
}

/// Runs a program of packets on one, and looks at its result.
fn run_by_hand(program: std::os::fd::BorrowedFd<'_>, results: &[u32]) -> Result<(), Failure> {
    let result = touch::prog_test_run(program).tried("BPF_PROG_TEST_RUN")?;
    match results.contains(&result) {
        true => Ok(()),
        false => Err(Failure::Other(format!(
            "it gave {result}, none of {results:?}"
        ))),
    }
}

fn only_program(object: &Object) -> Result<&trapline_loader::program::Program, Failure> {
    let first = object.programs().first();
    first.ok_or_else(|| Failure::Other("no program is loaded".to_owned()))
}

/// Every page fault of this process; those of one page are counted.
fn perf_event(stage: &mut Stage<'_>, cookie: u64) -> Outcome {
    let page = Page::new().tried("map a page")?;
    let mut spec = stage.spec()?;
    spec.set_global("page", &page.address().to_le_bytes())?;
    let object = stage.load_spec(spec)?;
    let options = AttachOptions {
        cookie,
        ..AttachOptions::default()
    };
    let attach = || {
        let event = open_perf_event(Counter::PageFaults, Sampling::Period(1), Some(0), None)?;
        Ok(only_program(&object)?.attach_perf_event(event, &options)?)
    };
    stage.protocol(&object, attach, || page.fault().tried("take the page away"))
}

/// Reads an iterator three times; each time it has to find this process.
fn iter(stage: &mut Stage<'_>) -> Outcome {
    let object = stage.load()?;
    let own = std::process::id().to_ne_bytes();
    read_thrice(stage, &object, IterOver::All, &own)
}

/// The elements of one map.
fn iter_map(stage: &mut Stage<'_>) -> Outcome {
    let object = stage.load()?;
    let map = object.map("values")?;
    map.typed::<u32, u64>()?.insert(&42, &7, UpdateFlag::Any)?;
    read_thrice(stage, &object, IterOver::Map(map.as_fd()), &[])
}

/// This process, or its only thread, and no other.
fn iter_task(stage: &mut Stage<'_>, over: IterOver<'_>) -> Outcome {
    let object = stage.load()?;
    read_thrice(stage, &object, over, &[])
}

/// The topmost cgroup without those below.
fn iter_cgroup(stage: &mut Stage<'_>) -> Outcome {
    let object = match stage.load() {
        Err(Failure::Loader(error)) if error.kind() == ErrorKind::NotFound => {
            return Err(Failure::Absent(format!("{error:#}")));
        }
        object => object?,
    };
    let top = File::open("/sys/fs/cgroup").tried("open the topmost cgroup")?;
    let over = IterOver::Cgroup {
        cgroup: top.as_fd(),
        order: CgroupOrder::SelfOnly,
    };
    read_thrice(stage, &object, over, &[])
}

/// Runs an iterator three times; each time it has to write `expected`.
fn read_thrice(stage: &Stage<'_>, object: &Object, over: IterOver<'_>, expected: &[u8]) -> Outcome {
    const TIMES: u64 = 3;
    let link = only_program(object)?.attach_iter(over)?;
    for _ in 0..TIMES {
        let mut said = Vec::new();
        let read = link.iter()?.read_to_end(&mut said);
        read.tried("read the iterator")?;
        if said != expected {
            return Err(Failure::Other(format!("the iterator said {said:?}")));
        }
    }
    let counted = stage.hits(object)?;
    let how = link.how().to_owned();
    link.detach()?;
    Ok(Report {
        how,
        expected: TIMES,
        counted,
        after_detach: Some(stage.hits(object)?),
    })
}
