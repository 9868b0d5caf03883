use super::*;

fn of(series: &str) -> Vec<(String, Found)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../vm-images/btf");
    let mut kernel = KernelBtf::from_file(format!("{folder}/{series}.btf"));
    let mut all = Vec::new();
    for family in Family::ALL {
        let programs: Vec<_> = family.programs().collect();
        let spec = family
            .spec(&programs, 1, &Options::default(), &mut kernel)
            .unwrap();
        let functions = Functions::of(&[spec], &mut kernel).unwrap();
        let hooks = family.hooks().iter();
        all.extend(hooks.map(|hook| (hook.name.to_owned(), by_types(hook, &functions))));
    }
    all
}

#[test]
fn types_tell_what_a_kernel_does_not_have() {
    for (series, absent) in [("5.10", "rmdir since 7.0"), ("7.3", "rmdir up to 6.19")] {
        let found = of(series);
        let (_, hook) = found.iter().find(|(name, _)| name == absent).unwrap();
        assert_eq!(hook.way, Way::Absent, "{series}");
        assert!(hook.reason.as_ref().unwrap().contains("have no "));
        let (_, fork) = found.iter().find(|(name, _)| name == "fork").unwrap();
        assert_eq!(fork.way, Way::By(Flavour::Fentry), "{series}");
        let impossible = found.iter().find(|(_, found)| found.way == Way::Impossible);
        assert!(
            impossible.is_none(),
            "{series}: {:?}",
            impossible.map(|(name, _)| name)
        );
    }
}

#[test]
fn without_types_nothing_is_known_and_that_is_said() {
    let found = outlook(&mut KernelBtf::from_file("/nonexistent")).unwrap();
    let hooks: usize = Family::ALL.iter().map(|family| family.hooks().len()).sum();
    assert_eq!(found.len(), hooks);
    for outlook in found {
        assert_eq!((outlook.way, outlook.is_tried), (Way::Unknown, false));
        assert!(outlook.reason.unwrap().contains("/nonexistent"));
    }
}
