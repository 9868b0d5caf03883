//! The report as one page that needs nothing else: the table, each kernel's
//! details, each workload's document, every difference.

use std::fmt::Write as _;

use super::{Cell, Foot, KernelColumn, Report, WorkloadRow, html_cases};

const STYLE: &str = include_str!("report.css");

/// The whole page.
pub fn page(report: &Report) -> String {
    let (all, wrong) = report.counts();
    let (class, verdict) = if wrong == 0 {
        ("ok", "all right")
    } else {
        ("bad", "FAILED")
    };
    let kernels = report.kernels.len();
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>Trapline matrix: {verdict}</title>\n\
         <style>\n{STYLE}</style>\n</head>\n<body>\n<h1>Trapline matrix <span class=\"{class}\">{verdict}</span></h1>\n\
         <p>{all} rows on {kernels} kernels, {wrong} wrong, {:.1} s.</p>\n",
        report.seconds
    );
    table(&mut page, report);
    differences(&mut page, report);
    page.push_str("<h2>Kernels</h2>\n");
    for kernel in &report.kernels {
        details(&mut page, kernel);
    }
    page.push_str("<h2>Workloads</h2>\n");
    for row in &report.workloads {
        document(&mut page, row);
    }
    html_cases::details(&mut page, report);
    page.push_str("</body>\n</html>\n");
    page
}

fn table(page: &mut String, report: &Report) {
    page.push_str("<div class=\"scroll\"><table>\n<thead><tr><th scope=\"col\">events</th>");
    for kernel in &report.kernels {
        let class = if kernel.wrong.is_none() { "ok" } else { "bad" };
        let series = kernel.series;
        let _ = write!(
            page,
            "<th scope=\"col\"><a class=\"{class}\" href=\"#k{series}\">{series}</a></th>"
        );
    }
    page.push_str("</tr></thead>\n<tbody>\n");
    for row in &report.workloads {
        let name = escaped(&row.workload.to_string());
        let _ = write!(
            page,
            "<tr><th scope=\"row\"><a href=\"#{name}\">{name}</a></th>"
        );
        for (cell, kernel) in row.cells.iter().zip(&report.kernels) {
            let target = format!("{}::{name}", kernel.series.row_prefix());
            table_cell(page, cell, &target);
        }
        page.push_str("</tr>\n");
    }
    html_cases::rows(page, report);
    page.push_str("</tbody>\n<tfoot>\n");
    let foots: [Foot; 10] = [
        ("accelerator", |kernel| kernel.accel.clone()),
        ("boot s", |kernel| seconds(kernel.boot_seconds)),
        ("whole run s", |kernel| seconds(kernel.total_seconds)),
        ("sent", |kernel| kernel.sent.to_string()),
        ("received", |kernel| kernel.received.to_string()),
        ("lost", |kernel| kernel.lost.to_string()),
        ("foreign events", |kernel| kernel.foreign.to_string()),
        ("runs left out", |kernel| kernel.missed.to_string()),
        ("highest verified insns", |kernel| {
            let loads = kernel.flavours.iter().filter_map(|load| load.highest());
            let most = loads.map(|(_, insns)| insns).max();
            most.map_or_else(|| "-".to_owned(), |insns| insns.to_string())
        }),
        ("loader cases ms", |kernel| kernel.cases_ms.to_string()),
    ];
    for (head, text) in foots {
        let _ = write!(page, "<tr><th scope=\"row\">{head}</th>");
        for kernel in &report.kernels {
            let _ = write!(page, "<td>{}</td>", escaped(&text(kernel)));
        }
        page.push_str("</tr>\n");
    }
    page.push_str("</tfoot>\n</table></div>\n");
}

fn table_cell(page: &mut String, cell: &Cell, target: &str) {
    let events = cell
        .events
        .map_or_else(|| "-".to_owned(), |events| events.to_string());
    let _ = match cell.wrong {
        None => write!(page, "<td class=\"ok\">{events} ✓</td>"),
        Some(_) => write!(
            page,
            "<td class=\"bad\"><a href=\"#{target}\">{events} ✗</a></td>"
        ),
    };
}

fn differences(page: &mut String, report: &Report) {
    let wrong = report.wrong();
    if wrong.is_empty() {
        return;
    }
    page.push_str("<h2>What is wrong</h2>\n");
    for (name, text) in wrong {
        let name = escaped(&name);
        let _ = write!(
            page,
            "<details open id=\"{name}\"><summary class=\"bad\">{name}</summary><pre>"
        );
        for line in text.lines() {
            let line = escaped(line);
            let _ = match line.as_bytes().first() {
                Some(b'+') => writeln!(page, "<ins>{line}</ins>"),
                Some(b'-') => writeln!(page, "<del>{line}</del>"),
                _ => writeln!(page, "{line}"),
            };
        }
        page.push_str("</pre></details>\n");
    }
}

fn details(page: &mut String, kernel: &KernelColumn) {
    let series = kernel.series;
    let _ = write!(
        page,
        "<details id=\"k{series}\"><summary>{series} <small>{}</small></summary>\n<p>{}: {}.",
        escaped(&kernel.release),
        escaped(&kernel.accel),
        escaped(&kernel.accel_why)
    );
    if let Some(log) = &kernel.serial_log {
        let path = escaped(&log.to_string_lossy());
        let _ = write!(page, " <a href=\"file://{path}\">serial log</a>");
    }
    page.push_str("</p>\n");
    for load in &kernel.flavours {
        let ways = load
            .attached
            .iter()
            .map(|(how, count)| format!("{count} {how}"));
        let ways: Vec<String> = ways.collect();
        let _ = write!(
            page,
            "<table><caption>{}: {}; loaded in {:.0} ms</caption>\n<thead><tr><th scope=\"col\">program</th>\
             <th scope=\"col\">verified insns</th></tr></thead>\n<tbody>\n",
            escaped(&load.flavour),
            escaped(&ways.join(", ")),
            load.load_ms
        );
        for (name, insns) in &load.programs {
            let insns = insns.map_or_else(|| "-".to_owned(), |insns| insns.to_string());
            let name = escaped(name);
            let _ = writeln!(
                page,
                "<tr><th scope=\"row\">{name}</th><td>{insns}</td></tr>"
            );
        }
        page.push_str("</tbody></table>\n");
    }
    page.push_str("</details>\n");
}

fn document(page: &mut String, row: &WorkloadRow) {
    let name = escaped(&row.workload.to_string());
    let text = row.document.as_deref().unwrap_or("it ran nowhere");
    let _ = writeln!(
        page,
        "<details id=\"{name}\"><summary>{name}</summary><pre>{}</pre></details>",
        escaped(text)
    );
}

fn seconds(seconds: Option<f64>) -> String {
    seconds.map_or_else(|| "-".to_owned(), |seconds| format!("{seconds:.1}"))
}

/// Text as it may stand in HTML, also within quotes.
pub(super) fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            // No control character but these has a place in HTML.
            '\n' | '\t' => html.push(character),
            control if control.is_control() => html.push('\u{fffd}'),
            other => html.push(other),
        }
    }
    html
}
