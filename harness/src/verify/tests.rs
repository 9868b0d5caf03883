use super::*;

fn object(name: &str) -> Object {
    Object {
        name: name.to_owned(),
        bytes: Arc::from(&b""[..]),
    }
}

fn row(object: usize, position: usize, program: &str) -> Row {
    Row {
        position: Some(position),
        program: Some(program.to_owned()),
        section: Some("xdp".to_owned()),
        verdict: Verdict::Loaded,
        verified_insns: Some(1234),
        ..Row::of_object(object, Vec::new())
    }
}

fn rejected(object: usize, position: usize, program: &str, why: &str) -> Row {
    Row {
        verdict: Verdict::Rejected,
        verified_insns: None,
        chain: vec!["refused by the verifier".to_owned(), why.to_owned()],
        excerpt: Some("7: (95) exit\nR0 !read_ok".to_owned()),
        log: Some("/somewhere/7.3/a.log".into()),
        ..row(object, position, program)
    }
}

fn judged(series: &str, rows: Vec<Row>) -> Judged {
    Judged {
        series: series.parse().unwrap(),
        arch: "x86_64",
        rows,
        seconds: 1.0,
    }
}

fn sample() -> (Vec<Object>, Vec<Judged>) {
    let objects = vec![object("a.bpf.o"), object("b.bpf.o"), object("c.txt")];
    let broken = || Row::of_object(2, vec!["no ELF file".to_owned()]);
    let old = Row {
        verdict: Verdict::Unsupported,
        verified_insns: None,
        chain: vec!["a netfilter program needs Linux 6.4".to_owned()],
        ..row(0, 1, "filter")
    };
    let unattached = Row {
        attached: Some(false),
        chain: vec!["EBUSY".to_owned()],
        ..row(0, 1, "filter")
    };
    let judged = vec![
        judged(
            "5.10",
            vec![
                row(0, 0, "pass"),
                old,
                rejected(1, 0, "bad", "R0 !read_ok"),
                broken(),
            ],
        ),
        judged(
            "7.3",
            vec![
                Row {
                    verified_insns: Some(1_000_000),
                    ..row(0, 0, "pass")
                },
                unattached,
                rejected(1, 0, "bad", "R0 !read_ok"),
                broken(),
            ],
        ),
    ];
    (objects, judged)
}

#[test]
fn the_table_has_programs_down_and_kernels_across() {
    let (objects, judged) = sample();
    let table = Table {
        objects: &objects,
        judged: &judged,
        colour: false,
    };
    let expected = "\
verified instructions     5.10          7.3
a.bpf.o
  pass                 ✓ 1,234  ✓ 1,000,000
  filter                     -      ! 1,234
b.bpf.o: bad                 ✗            ✗
c.txt                        ✗            ✗

✓ loads; the number: instructions that the verifier processed
! loads, but cannot be attached
✗ rejected
- unsupported by the kernel
FAILED: 3 objects on 2 kernels: 3 loaded, 1 of them not attached, 4 rejected, 1 unsupported
";
    assert_eq!(table.to_string(), expected);
}

#[test]
fn each_reason_is_told_once_with_everything_that_it_is_the_reason_of() {
    let (objects, judged) = sample();
    let failures = Failures {
        objects: &objects,
        judged: &judged,
    };
    let expected = "
- unsupported: a netfilter program needs Linux 6.4
  a.bpf.o: filter (xdp) on 5.10

! loaded, not attached: EBUSY
  a.bpf.o: filter (xdp) on 7.3

✗ rejected: refused by the verifier
    R0 !read_ok
  b.bpf.o: bad (xdp) on all 2 kernels
    | 7: (95) exit
    | R0 !read_ok
  whole log: /somewhere/7.3/a.log and 1 more beside it

✗ rejected: no ELF file
  c.txt on all 2 kernels
";
    assert_eq!(failures.to_string(), expected);
}

#[test]
fn the_lines_have_the_keys_that_were_promised_and_are_read_back() {
    let (objects, judged) = sample();
    let all = lines(&objects, &judged);
    let texts: Vec<String> = all
        .iter()
        .map(|line| serde_json::to_string(line).unwrap())
        .collect();
    assert_eq!(
        texts[0],
        r#"{"kernel":"5.10","arch":"x86_64","object":"a.bpf.o","program":"pass","section":"xdp","verdict":"loaded","attached":null,"verified_insns":1234,"error":null}"#
    );
    assert_eq!(
        texts[3],
        r#"{"kernel":"5.10","arch":"x86_64","object":"c.txt","program":null,"section":null,"verdict":"rejected","attached":null,"verified_insns":null,"error":"no ELF file"}"#
    );
    assert_eq!(parse(&texts.join("\n")).unwrap(), all);
    let error = parse("\n{\"kernel\":1}\n").unwrap_err();
    assert!(error.starts_with("line 2: "), "{error}");
}

#[test]
fn a_comparison_tells_growth_losses_and_what_is_new() {
    let (objects, judged) = sample();
    let now = lines(&objects, &judged);
    let mut saved = now.clone();
    saved[0].verified_insns = Some(1000);
    saved[2].verdict = "loaded".to_owned();
    saved[3].object = "gone.o".to_owned();
    let mut other_kernel = saved[0].clone();
    other_kernel.kernel = "6.12".to_owned();
    saved.push(other_kernel);
    let text = Comparison::new("old.json", &saved, &now).to_string();
    let expected = "\
compared with old.json:
  b.bpf.o: bad  was loaded, is rejected on 5.10
  c.txt  new, rejected on 5.10
  a.bpf.o: pass  1,000 -> 1,234 (+23.4 %) on 5.10
  5 programs as before, 3 not; instructions in all 1,002,234 -> 1,002,468 (+0.0 %)
";
    assert_eq!(text, expected);
}

#[test]
fn a_program_that_is_gone_is_named_where_its_object_was_judged() {
    let (objects, judged) = sample();
    let saved = lines(&objects, &judged);
    let now: Vec<Line> = saved
        .iter()
        .filter(|line| line.program.as_deref() != Some("pass"))
        .cloned()
        .collect();
    let text = Comparison::new("old.json", &saved, &now).to_string();
    assert!(
        text.contains("a.bpf.o: pass  no longer there, was loaded on 5.10 7.3"),
        "{text}"
    );
}

#[test]
fn only_a_run_without_any_failure_is_good() {
    let (_, judged) = sample();
    assert!(!Counts::of(&judged[0].rows).all_good());
    assert!(Counts::of(&[row(0, 0, "pass")]).all_good());
    let unattached = Row {
        attached: Some(false),
        ..row(0, 0, "pass")
    };
    assert!(!Counts::of(&[unattached]).all_good());
    let unjudged = Row {
        is_judged: false,
        ..row(0, 0, "pass")
    };
    assert!(!Counts::of(&[unjudged]).all_good());
}

#[test]
fn our_objects_have_names_of_their_own() {
    let objects = our_objects().unwrap();
    let mut names: Vec<_> = objects.iter().map(|object| &object.name).collect();
    assert!(names.contains(&&"process.bpf.o".to_owned()));
    let count = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), count);
}
