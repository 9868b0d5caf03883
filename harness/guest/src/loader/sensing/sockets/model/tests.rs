use super::super::operation::read;
use super::*;

/// What the last of these must tell: operation, errno and flags of each.
fn told(operations: &str) -> Vec<(&'static str, i32, String)> {
    let mut model = Model::new("");
    let mut last = Vec::new();
    for (step, operation) in operations.split("; ").enumerate() {
        let done = model.apply(step, &read(operation).unwrap());
        last = done.map_or(Vec::new(), |done| done.events);
    }
    let each = last.into_iter();
    each.map(|it| (it.operation, it.errno, it.flags)).collect()
}

#[test]
fn what_is_given_up_is_told_as_aborted() {
    let asks = "0.0 open 1 tcp4 nonblocking; 0.0 connect 1 a:7009";
    let outcome = ("connect", libc::ECONNABORTED, "by_owner+outcome".to_owned());
    assert_eq!(
        told(&format!("{asks}; 0.0 disconnect 1")),
        std::slice::from_ref(&outcome)
    );
    assert_eq!(
        told(&format!("{asks}; 0.0 shutdown 1")),
        std::slice::from_ref(&outcome)
    );
    let close = ("socket_close", 0, String::new());
    assert_eq!(told(&format!("{asks}; 0.0 close 1")), [outcome, close]);
}

#[test]
fn the_last_descriptor_of_all_closes_a_socket() {
    let bound = "0.0 open 1 tcp4; 0.0 bind 1 a:7001; 0.0 dup 1; 0.0 fork 1; 0.0 exit";
    let close = ("socket_close", 0, String::new());
    assert_eq!(told(bound), []);
    assert_eq!(told(&format!("{bound}; 1.0 close 1")), []);
    assert_eq!(told(&format!("{bound}; 1.0 close 1; 1.0 close 1")), [close]);
}

#[test]
fn nothing_is_told_within_loopback() {
    let listens = "0.0 open 1 tcp4; 0.0 bind 1 lo:7001; 0.0 listen 1 100";
    assert_eq!(told(listens), []);
    assert_eq!(
        told(&format!(
            "{listens}; 0.0 open 2 tcp4; 0.0 connect 2 lo:7001"
        )),
        []
    );
}

#[test]
fn what_would_be_chance_is_passed_over() {
    let mut model = Model::new("");
    model.apply(0, &read("0.0 open 1 tcp4").unwrap()).unwrap();
    let waits = read("0.0 connect 1 a:7009").unwrap();
    assert!(model.apply(1, &waits).is_none());
    assert!(model.apply(2, &read("1.0 close 1").unwrap()).is_none());
}

#[test]
fn a_listener_does_not_end_together_with_who_waits_there() {
    let waits = "0.0 open 1 tcp4; 0.0 bind 1 a:7001; 0.0 listen 1 9; \
                 0.0 open 2 tcp4; 0.0 connect 2 a:7001";
    let close = ("socket_close", 0, String::new());
    assert_eq!(told(&format!("0.0 fork 1; {waits}; 0.0 exit")), []);
    assert_eq!(
        told(&format!("0.0 fork 1; {waits}; 0.0 close 2; 0.0 exit")),
        [close]
    );
}
