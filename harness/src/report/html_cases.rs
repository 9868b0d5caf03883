//! The loader's cases on the page: their rows in the table, and what each kernel
//! said of each.

use std::fmt::Write as _;

use super::html::escaped;
use super::{CaseCell, CaseRow, Report};
use crate::recording::Case;

/// The rows of all cases, one cell per kernel.
pub(super) fn rows(page: &mut String, report: &Report) {
    for row in &report.cases {
        let name = escaped(&row.name());
        let _ = write!(
            page,
            "<tr><th scope=\"row\"><a href=\"#{name}\">{name}</a></th>"
        );
        for (cell, kernel) in row.cells.iter().zip(&report.kernels) {
            let text = escaped(&cell.text());
            let prefix = kernel.series.row_prefix();
            let _ = match (&cell.wrong, cell.is_exercised()) {
                (None, true) => write!(page, "<td class=\"ok\">{text} ✓</td>"),
                (None, false) => write!(page, "<td>{text}</td>"),
                (Some(_), _) => write!(
                    page,
                    "<td class=\"bad\"><a href=\"#{prefix}::{name}\">{text} ✗</a></td>"
                ),
            };
        }
        page.push_str("</tr>\n");
    }
}

/// What each kernel said of each case.
pub(super) fn details(page: &mut String, report: &Report) {
    if report.cases.is_empty() {
        return;
    }
    page.push_str("<h2>Loader</h2>\n");
    for row in &report.cases {
        let name = escaped(&row.name());
        let _ = write!(
            page,
            "<details id=\"{name}\"><summary>{name}</summary>\n<table>\n<tbody>\n"
        );
        for (cell, kernel) in row.cells.iter().zip(&report.kernels) {
            let said = cell.case.as_ref();
            let ms = said.map_or_else(|| "-".to_owned(), |case| case.elapsed_ms.to_string());
            let _ = writeln!(
                page,
                "<tr><th scope=\"row\">{}</th><td>{}</td><td>{ms} ms</td></tr>",
                kernel.series,
                escaped(&told(row, cell, kernel.series))
            );
        }
        page.push_str("</tbody></table></details>\n");
    }
}

/// One outcome as a sentence, with the excuse where there is one.
fn told(row: &CaseRow, cell: &CaseCell, series: crate::kernels::Series) -> String {
    let said = match &cell.case {
        None => return "it did not run".to_owned(),
        Some(Case {
            how: Some(how),
            counted,
            spent,
            ..
        }) => {
            let spent = spent
                .iter()
                .map(|(what, count)| format!(", {count} {what}"));
            format!(
                "{how}, {}{}",
                counted.unwrap_or(0),
                spent.collect::<String>()
            )
        }
        Some(Case {
            feature: Some(feature),
            since,
            ..
        }) => format!("{feature} needs {}", since.as_deref().unwrap_or("?")),
        Some(case) => case.error.clone().unwrap_or_default(),
    };
    match row.expected.excused.get(&series) {
        Some(reason) => format!("{said}; excused: {reason}"),
        None => said,
    }
}
