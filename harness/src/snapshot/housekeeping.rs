//! Whether every snapshot file has its row, and every reason its difference.

use std::fs;
use std::path::Path;

use super::{Policy, Snapshots, file};

impl Snapshots {
    /// What is wrong with the folder as a whole, given the matrix's workloads
    /// (family, name) and series; each a sentence. No kernel needs to boot for it.
    pub fn housekeeping(&self, workloads: &[(String, String)], series: &[String]) -> Vec<String> {
        let mut wrong = Vec::new();
        for (family, name) in self.files(&mut wrong) {
            self.check_file(&family, &name, workloads, series, &mut wrong);
        }
        for difference in self.reasons.all() {
            let about = &difference.workload;
            let Some((family, workload)) = about.split_once("::") else {
                continue;
            };
            if !is_known(workloads, family, workload) {
                wrong.push(format!("reasons.toml: there is no workload {about}"));
                continue;
            }
            for kernel in &difference.kernels {
                if !series.contains(kernel) {
                    wrong.push(format!(
                        "reasons.toml: {about}: no kernel {kernel} in the matrix"
                    ));
                    continue;
                }
                wrong.extend(self.check_reason(family, workload, kernel));
            }
        }
        wrong
    }

    /// Every file below the folder, as family and file name.
    fn files(&self, wrong: &mut Vec<String>) -> Vec<(String, String)> {
        let mut files = Vec::new();
        for family in entries(&self.folder) {
            let path = self.folder.join(&family);
            if path.is_dir() {
                let names = entries(&path);
                files.extend(names.into_iter().map(|name| (family.clone(), name)));
            } else if family != "reasons.toml" {
                wrong.push(format!("snapshots/{family} belongs to no family"));
            }
        }
        files
    }

    fn check_file(
        &self,
        family: &str,
        name: &str,
        workloads: &[(String, String)],
        series: &[String],
        wrong: &mut Vec<String>,
    ) {
        let shown = format!("snapshots/{family}/{name}");
        if name.ends_with(".snap.new") {
            if self.policy == Policy::Compare {
                wrong.push(format!("{shown} is pending: it must not be committed"));
            }
            return;
        }
        let Some(stem) = name.strip_suffix(".snap") else {
            wrong.push(format!("{shown} is no snapshot"));
            return;
        };
        let (workload, kernel) = match stem.split_once('@') {
            Some((workload, kernel)) => (workload, Some(kernel)),
            None => (stem, None),
        };
        if !is_known(workloads, family, workload) {
            wrong.push(format!("{shown} has no row: no workload is called so"));
        }
        let Some(kernel) = kernel else { return };
        if !series.iter().any(|known| known == kernel) {
            wrong.push(format!(
                "{shown} has no row: no kernel {kernel} in the matrix"
            ));
        } else if self.reasons.find(family, workload, kernel).is_none() {
            wrong.push(format!("{shown} has no reason in snapshots/reasons.toml"));
        }
    }

    fn check_reason(&self, family: &str, workload: &str, kernel: &str) -> Option<String> {
        let own = file::read(&self.path(family, workload, Some(kernel)));
        let common = file::read(&self.path(family, workload, None));
        let about = format!("reasons.toml: {family}::{workload} on {kernel}");
        match (own, common) {
            (Ok(None), _) => Some(format!("{about}: a reason without a snapshot of its own")),
            (Ok(Some(own)), Ok(Some(common))) if file::same(&own, &common) => Some(format!(
                "{about}: a reason without a difference; remove both"
            )),
            (Err(error), _) | (_, Err(error)) => Some(format!("{about}: {error:#}")),
            _ => None,
        }
    }
}

fn is_known(workloads: &[(String, String)], family: &str, workload: &str) -> bool {
    workloads.iter().any(|(f, w)| f == family && w == workload)
}

fn entries(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}
