use super::*;

fn case_row() -> CaseRow {
    let text = "[[case]]\nname = \"attach_netkit\"\nhow = \"netkit\"\nsince = \"6.7\"\n\
                excused = { \"6.12\" = \"no <modules>\" }";
    let case = |outcome| Case::bare("attach_netkit", outcome);
    CaseRow {
        expected: cases::parse(text).unwrap().remove(0),
        cells: vec![
            CaseCell {
                case: Some(Case {
                    feature: Some("netkit".into()),
                    since: Some("6.7".into()),
                    ..case(CaseOutcome::Unsupported)
                }),
                wrong: None,
            },
            CaseCell {
                case: Some(Case {
                    how: Some("netkit".into()),
                    counted: Some(3),
                    ..case(CaseOutcome::Exercised)
                }),
                wrong: Some("6.12 does it".into()),
            },
        ],
    }
}

fn report() -> Report {
    let workload = |name: &str| Workload {
        family: "process".into(),
        name: name.into(),
    };
    let cell = |events, wrong: Option<&str>| Cell {
        events,
        wrong: wrong.map(str::to_owned),
    };
    let kernel = |series, wrong: Option<&str>| KernelColumn {
        series,
        release: format!("{series}.1-cloud"),
        wrong: wrong.map(str::to_owned),
        accel: "tcg".into(),
        accel_why: "asked for".into(),
        boot_seconds: Some(4.32),
        total_seconds: Some(9.87),
        sent: 1200,
        received: 1200,
        lost: 0,
        foreign: 2,
        missed: 0,
        cases_ms: 1234,
        flavours: vec![FlavourLoad {
            flavour: "fentry".into(),
            attached: vec![("fentry".into(), 5), ("tp_btf".into(), 2)],
            load_ms: 321.0,
            programs: vec![
                ("fork".into(), Some(2100)),
                ("exec".into(), Some(30_540)),
                ("x".into(), None),
            ],
        }],
        serial_log: Some("/x/6.12.serial.log".into()),
    };
    Report {
        workloads: vec![
            WorkloadRow {
                workload: workload("fork"),
                cells: vec![cell(Some(18), None), cell(Some(18), None)],
                document: Some("process::fork\n<&>\"\u{1}\n".into()),
            },
            WorkloadRow {
                workload: workload("exec_script"),
                cells: vec![
                    cell(Some(5), Some("kernel 5.10:\n-a <b>\n+c\n")),
                    cell(None, Some("it did not run")),
                ],
                document: None,
            },
        ],
        cases: vec![case_row()],
        kernels: vec![
            kernel(Series::new(5, 10), None),
            kernel(Series::new(6, 12), Some("lost")),
        ],
        seconds: 61.2,
    }
}

#[test]
fn the_table_shows_counts_marks_and_a_foot() {
    let report = report();
    let table = table::Table {
        report: &report,
        colour: false,
    }
    .to_string();
    let expected = "\
events                 5.10  6.12
process::fork           18✓   18✓
process::exec_script     5✗    -✗

runs of programs       5.10  6.12
loader::attach_netkit  ≥6.7    3✗
";
    assert!(table.starts_with(expected), "{table}");
    for line in [
        "boot                      ✓     ✗",
        "highest insns k        30.5  30.5",
        "loader cases s          1.2   1.2",
        "none: no <modules> (attach_netkit on 6.12)",
        "fentry: 5 fentry, 2 tp_btf (on 5.10 6.12)",
        "FAILED: 8 rows on 2 kernels, 4 of them wrong, in 61.2 s",
    ] {
        assert!(table.contains(line), "{line}\n{table}");
    }
}

#[test]
fn every_difference_is_told_under_its_rows_name() {
    let report = report();
    let names: Vec<String> = report.wrong().into_iter().map(|(name, _)| name).collect();
    assert_eq!(
        names,
        [
            "k5_10::process::exec_script",
            "k6_12::boot::complete",
            "k6_12::process::exec_script",
            "k6_12::loader::attach_netkit"
        ]
    );
}

#[test]
fn the_page_is_well_formed_whatever_the_texts_hold() {
    let page = html::page(&report());
    let mut open = Vec::new();
    for tag in page.split('<').skip(1) {
        let (tag, _) = tag.split_once('>').expect("a tag that ends");
        let name = tag.split_whitespace().next().expect("a name");
        match name.strip_prefix('/') {
            Some(name) => assert_eq!(open.pop(), Some(name), "in {tag}"),
            None if ["!doctype", "meta"].contains(&name) => {}
            None => open.push(name),
        }
    }
    assert!(open.is_empty(), "{open:?}");
    assert!(page.contains("&lt;&amp;&gt;&quot;\u{fffd}"));
    assert!(
        !page.contains("http"),
        "a page of its own needs nothing from elsewhere"
    );
}

#[test]
fn every_link_within_the_page_leads_somewhere() {
    let page = html::page(&report());
    for link in page.split("href=\"#").skip(1) {
        let target = link.split('"').next().unwrap_or_default();
        assert!(page.contains(&format!("id=\"{target}\"")), "{target}");
    }
}
