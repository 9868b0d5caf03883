use std::path::PathBuf;
use trapline_harness::host;
use trapline_harness::vm::*;
fn kernel(series: &str) -> Kernel {
    let folder = host::cache_dir().unwrap().join("unpacked").join(series);
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    Kernel {
        series: series.into(),
        release: read("release").trim().into(),
        vmlinux: folder.join("vmlinux"),
        modules: read("modules/order")
            .lines()
            .map(|n| folder.join("modules").join(n))
            .collect::<Vec<PathBuf>>(),
    }
}
#[test]
fn probe() {
    let series = std::env::var("S").unwrap_or("6.12".into());
    let k = kernel(&series);
    let lab = Lab::open(Choice::Tcg, &k).unwrap();
    let r = Request::new(&k, Plan::probe(), &lab);
    let o = run(&lab, &k, &r);
    println!(
        "{series} boot {:?} total {:?} {}",
        o.boot,
        o.total,
        match &o.verdict {
            Ok(r) => format!("{:?}", r.hello),
            Err(f) => format!("{f}\n{}", f.excerpt.join("\n")),
        }
    );
}
